from xml.etree import ElementTree

from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.scoring.report.intervals import Group, Mark, intervals_picture
from pipelines.scoring.report.svg import WIDTH, Scale, picture, text

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
POSITIVE = st.floats(1e-9, 1e9)


@given(NUMBERS, NUMBERS, st.lists(NUMBERS, min_size=2))
def test_a_linear_scale_keeps_the_order_and_stays_within_its_ends(low, high, values):
    assume(high - low > 1e-3)
    places = [Scale(low, high, 10, 200).place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(10 <= place <= 200 for place in places)


@given(POSITIVE, POSITIVE, st.booleans())
def test_ticks_lie_within_the_scale_and_are_few(low, high, logarithmic):
    assume(high > low * 1.01)
    ticks = Scale(low, high, 0, 100, logarithmic).ticks()
    assert ticks == sorted(set(ticks))
    rounding = 1e-6 * (low if logarithmic else high - low)
    assert all(low - rounding <= tick <= high * (1 + 1e-6) for tick in ticks)
    assert 2 <= len(ticks) <= (20 if logarithmic else 8)


def test_equal_ends_are_put_in_the_middle():
    assert Scale(3, 3, 0, 100).place(3) == 50


def test_words_of_a_picture_cannot_become_markup():
    drawn = ElementTree.fromstring(picture(20, 'a "b" <c>', [text(0, 0, "<script>&")]))
    assert drawn.get("aria-label") == 'a "b" <c>'
    assert drawn[0].text == "<script>&"


def test_a_mark_lies_where_its_value_does_and_reads_itself_out():
    marks = [Mark("base", "base", 0.0, None, "0.0%"), Mark("tuned", "tuned", 1.0, [0.5, 1.0], "100.0%")]
    drawn = ElementTree.fromstring(intervals_picture("Means", [Group("accuracy", marks)], 0, 1, str))
    base, tuned = (float(circle.get("cx")) for circle in drawn.iter("circle"))
    ends = sorted(
        {float(line.get(x)) for line in drawn.iter("line") if "mark" in line.get("class") for x in ("x1", "x2")}
    )
    assert 0 < base < ends[0] < ends[1] == tuned < WIDTH
    assert drawn.get("aria-label") == "Means: accuracy base 0.0%; accuracy tuned 100.0%"
