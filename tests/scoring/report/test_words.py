import pytest

from pipelines.scoring.report import words


@pytest.mark.parametrize(
    ("difference", "told"), [(0.2534, "+25.3"), (-0.2, "−20.0"), (0.0, "0.0"), (-0.0001, "0.0"), (None, "–")]
)
def test_a_difference_has_its_sign_but_for_zero(difference, told):
    assert words.points(difference) == told


@pytest.mark.parametrize(
    ("figure", "told"),
    [(2, "2"), (12345, "12,345"), (0.30194, "0.3019"), (59113.4, "59,113"), (None, "–")],
)
def test_counts_and_other_figures(figure, told):
    assert words.plain(figure) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(4.12, "4.1 s"), (59.94, "59.9 s"), (60, "1:00 min"), (125, "2:05 min"), (3600, "1:00 h"), (7199, "2:00 h")],
)
def test_durations(seconds, told):
    assert words.duration(seconds) == told


@pytest.mark.parametrize(("p_value", "told"), [(0.0000012, "< 0.001"), (0.0412, "0.041"), (1.0, "1.000"), (None, "–")])
def test_p_values(p_value, told):
    assert words.probability(p_value) == told


def test_a_markdown_cell_stays_one_cell():
    assert words.markdown_cell("a | b\n<img src=x>&") == "a \\| b &lt;img src=x>&amp;"
