import numpy as np
import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.comparison import CHAMPION, compare


def scored(**variants):
    return {name: np.array(values, float) for name, values in variants.items()}


def macro_f1(expected, answered):
    def of_rows(places):
        labels = np.union1d(expected[places], answered[places])
        right, asked = expected[places] == answered[places], expected[places]
        hits = [2 * np.sum(right & (asked == label)) for label in labels]
        both = [np.sum(asked == label) + np.sum(answered[places] == label) for label in labels]
        return float(np.mean(np.array(hits) / both))

    return of_rows


def test_tuned_is_compared_with_the_best_base_row_by_row():
    measured = scored(base=[0, 0, 0, 0], base_few_shot=[1, 0, 0, 0], base_constrained=[0] * 4, tuned=[0, 1, 1, 0])
    result = compare("exact_match", measured, 4, 0.95)
    assert result.compared_with == "base_few_shot"
    assert (result.wins, result.losses, result.ties) == (2, 1, 1)
    assert result.lost == (0,)
    assert result.difference == 0.25
    assert result.p_value == 1.0
    assert result.as_json()["base_few_shot"] == 0.25
    assert result.as_json()["base_constrained"] == 0


def test_the_champion_is_no_base_and_is_compared_with_when_asked_for():
    measured = scored(base=[0, 0, 0], tuned=[1, 1, 0], champion=[1, 1, 1])
    assert compare("exact_match", measured, 3, 0.95).compared_with == "base"
    against = compare("exact_match", measured, 3, 0.95, [CHAMPION])
    assert against.compared_with == "champion"
    assert against.difference == pytest.approx(-1 / 3, abs=1e-6)


def test_a_metric_that_does_not_measure_the_champion_is_told():
    """As a judge, who compares base and tuned alone."""
    with pytest.raises(TinsmithError, match=r"^gate\.judge: this metric does not measure the champion; take"):
        compare("judge", scored(base=[0, 0], tuned=[1, 1]), 2, 0.95, [CHAMPION])


def test_without_few_shot_its_figure_is_null():
    result = compare("exact_match", scored(base=[0] * 4, tuned=[1] * 4), 4, 0.95).as_json()
    assert result["base_few_shot"] is None
    assert result["compared_with"] == "base"


def test_pairing_narrows_the_interval_where_both_err_on_the_same_rows():
    base = (np.random.default_rng(7).random(200) < 0.5).astype(float)
    tuned = base.copy()
    tuned[np.flatnonzero(base == 0)[:10]] = 1
    low, high = compare("exact_match", scored(base=base, tuned=tuned), 200, 0.95).interval
    assert 0 < low < 0.05 < high < 0.1


def test_scores_between_right_and_wrong_have_no_mcnemar():
    result = compare("field_f1", scored(base=[0, 0.5, 1], tuned=[1, 1, 0.25]), 3, 0.95)
    assert result.p_value is None
    assert (result.wins, result.losses, result.lost) == (2, 1, (2,))


def test_a_metric_of_the_whole_set_is_compared_too():
    generator = np.random.default_rng(4)
    expected = generator.integers(0, 4, 80)
    base = np.where(generator.random(80) < 0.3, expected, (expected + 1) % 4)
    tuned = np.where(generator.random(80) < 0.8, expected, (expected + 1) % 4)
    whole = {"base": macro_f1(expected, base), "tuned": macro_f1(expected, tuned)}
    result = compare("macro_f1", whole, 80, 0.95)
    everywhere = np.arange(80)
    assert result.means["tuned"] == pytest.approx(whole["tuned"](everywhere), abs=1e-6)
    assert result.difference == pytest.approx(whole["tuned"](everywhere) - whole["base"](everywhere), abs=1e-6)
    assert 0.2 < result.interval[0] < result.difference < result.interval[1] < 0.8
    assert (result.wins, result.losses, result.ties, result.lost, result.p_value) == (None,) * 5


@pytest.mark.parametrize("strange", [float("nan"), float("inf"), -0.1, 1.5])
def test_scores_that_are_no_shares_are_refused(strange):
    with pytest.raises(TinsmithError, match=r"^similarity: 2 of 3 scores of tuned are no numbers from 0 to 1; mend"):
        compare("similarity", scored(base=[0, 0, 0], tuned=[strange, 1, strange]), 3, 0.95)


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_all_ties_say_that_nothing_is_known(rows):
    result = compare("exact_match", scored(base=[1] * rows, tuned=[1] * rows), rows, 0.95)
    assert (result.difference, result.p_value, result.ties) == (0, 1, rows)
    assert result.interval[0] < 0 < result.interval[1]
    assert result.intervals["tuned"][0] < 1


def test_one_row_settles_nothing():
    result = compare("exact_match", scored(base=[0], tuned=[1]), 1, 0.95)
    assert result.difference == 1
    assert result.interval[0] < 0
    assert result.smallest_difference is None
