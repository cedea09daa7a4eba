"""Against published worked examples, scipy, and simulations with a fixed seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from pipelines.errors import TinsmithError
from pipelines.scoring.comparison_statistics import (
    difference_interval,
    difference_p_value,
    gap_p_values,
    holm,
    mcnemar,
    mean_interval,
    row_values,
    smallest_difference,
)


def differences(wins: int, losses: int, ties: int) -> np.ndarray:
    return np.repeat([1.0, -1.0, 0.0], [wins, losses, ties])


def bonett_price(wins: int, losses: int, rows: int) -> tuple[float, float]:
    """Bonett and Price 2012: the adjusted Wald interval, one more win and one more loss."""
    won, lost = (wins + 1) / (rows + 2), (losses + 1) / (rows + 2)
    half = 1.959964 * np.sqrt((won + lost - (won - lost) ** 2) / (rows + 2))
    return won - lost - half, won - lost + half


def test_mcnemar_on_a_published_example():
    """Fagerland, Lydersen and Laake 2013 (BMC Med Res Methodol 13:91), table 1: 1 against 7 pairs, exact p 0.070."""
    assert mcnemar(1, 7) == pytest.approx(0.070, abs=0.0005)
    assert mcnemar(7, 1) == mcnemar(1, 7)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (0, 5), (10, 3), (150, 86)])
def test_mcnemar_is_the_sign_test(wins, losses):
    both_tails = 2 * stats.binom.cdf(min(wins, losses), wins + losses, 0.5)
    assert mcnemar(wins, losses) == pytest.approx(min(1, both_tails), abs=1e-6)


def test_the_interval_of_a_published_example():
    """Agresti, Categorical Data Analysis, ratings of a prime minister: 86 against 150 of 1,600, 0.04 +- 0.019."""
    low, high = difference_interval(differences(150, 86, 1364), 0.95)
    assert (low, high) == pytest.approx((0.021, 0.059), abs=0.002)


@pytest.mark.parametrize(("wins", "losses", "rows"), [(1, 7, 21), (12, 4, 60), (30, 5, 100), (0, 0, 100), (3, 0, 300)])
def test_the_interval_is_bonett_and_prices_but_for_the_steps_of_few_rows(wins, losses, rows):
    low, high = difference_interval(differences(wins, losses, rows - wins - losses), 0.95)
    step = 1 / (rows + 2)
    assert (low, high) == pytest.approx(bonett_price(wins, losses, rows), abs=1.5 * step)


def test_models_that_never_differ_are_not_known_to_be_equal():
    low, high = difference_interval(np.zeros(100), 0.95)
    assert low < -0.02 < 0.02 < high
    assert difference_interval(np.zeros(1_000), 0.95)[0] > low


def test_three_wins_and_no_loss_settle_nothing():
    assert difference_interval(differences(3, 0, 97), 0.95)[0] < 0


def test_small_differences_are_seen_on_many_rows_and_not_on_few():
    """Of scores such as chrF: one row in 50 that fails would undo them, and 100 rows may hold no such row."""
    generator = np.random.default_rng(1)
    assert difference_interval(generator.normal(0.02, 0.03, 100), 0.95)[0] < 0
    assert difference_interval(generator.normal(0.02, 0.03, 400), 0.95)[0] > 0


# Share of rows -> score, and the same with differences; the true mean is that of the second differences 0.
_MOSTLY_RIGHT = {1.0: 0.6, 0.9: 0.37, 0.0: 0.03}
_NEAR_MISSES = {1.0: 0.92, 2 / 3: 0.05, 0.0: 0.03}
_RARE_LOSSES = {0.0: 0.78, 0.1: 0.2, -1.0: 0.02}


@pytest.mark.parametrize("rows", [30, 80])
@pytest.mark.parametrize(
    ("interval", "shares"),
    [(mean_interval, _MOSTLY_RIGHT), (mean_interval, _NEAR_MISSES), (difference_interval, _RARE_LOSSES)],
)
def test_a_rare_failure_that_was_not_seen_is_not_taken_for_impossible(interval, shares, rows):
    """A lower end above the truth lets a model pass that should not: 2.5% are meant, the plain bootstrap has 26%."""
    values, chances = np.array(list(shares)), np.array(list(shares.values()))
    drawn = np.random.default_rng(6).multinomial(rows, chances, size=300)
    lows = {tuple(found): interval(np.repeat(values, found), 0.95)[0] for found in np.unique(drawn, axis=0)}
    assert np.mean([lows[tuple(found)] > values @ chances + 1e-9 for found in drawn]) <= 0.05


def test_more_confidence_widens_the_interval():
    narrow, wide = (difference_interval(differences(20, 10, 70), confidence) for confidence in (0.8, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize(("right", "rows"), [(0, 30), (30, 30), (7, 10), (1, 1)])
def test_the_interval_of_a_share_is_clopper_and_pearsons(right, rows):
    """All of 30 rows right says that 88% are, not 100%: 0.025^(1/30)."""
    low, high = mean_interval(np.repeat([1.0, 0.0], [right, rows - right]), 0.95)
    expected = (
        stats.beta.ppf(0.025, right, rows - right + 1) if right else 0.0,
        stats.beta.ppf(0.975, right + 1, rows - right) if right < rows else 1.0,
    )
    assert (low, high) == pytest.approx(expected, abs=1e-6)


def test_the_interval_of_a_mean_matches_the_normal_one_on_many_rows():
    values = np.random.default_rng(7).random(2_000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert mean_interval(values, 0.95) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.002)


@settings(max_examples=20, deadline=None)
@given(arrays(float, st.integers(1, 40), elements=st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])))
def test_an_interval_is_no_point_holds_the_mean_and_is_the_same_again(values):
    low, high = difference_interval(values, 0.95)
    assert -1 <= low <= values.mean() + 1e-6
    assert values.mean() - 1e-6 <= high <= 1
    assert low < high
    assert difference_interval(values, 0.95) == (low, high)


@settings(max_examples=20, deadline=None)
@given(arrays(float, st.integers(1, 40), elements=st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0])))
def test_swapping_the_models_turns_the_interval_round(values):
    low, high = difference_interval(values, 0.95)
    other_low, other_high = difference_interval(-values, 0.95)
    step = 2 / len(values)  # resamples are drawn anew, and few rows have few means
    assert (-other_high, -other_low) == pytest.approx((low, high), abs=step)
    assert difference_p_value(values) == pytest.approx(difference_p_value(-values), abs=0.06)  # 4 standard errors


def test_the_p_value_is_mcnemars_for_right_and_wrong_and_small_for_clear_gains_in_other_scores():
    assert difference_p_value(differences(9, 2, 10)) == mcnemar(9, 2)
    generator = np.random.default_rng(3)
    assert difference_p_value(generator.normal(0.2, 0.3, 60)) < 0.001
    assert difference_p_value(generator.normal(0.0, 0.3, 60)) > 0.05
    assert difference_p_value(np.full(3, 0.25)) > 0.05


def test_a_clear_finding_outlives_the_correction_for_very_many_tests():
    generator = np.random.default_rng(4)
    worse = generator.normal(-0.7, 0.1, 40)
    assert difference_p_value(worse) < 0.05 / 10_000
    scores = np.append(generator.normal(0.05, 0.05, 40), generator.normal(0.8, 0.05, 900))
    (gap,) = gap_p_values(scores, [np.arange(40)])
    assert gap < 0.05 / 10_000


def test_a_gap_between_rows_that_are_right_and_others_is_fishers():
    """Fisher 1935, the lady tasting tea: 3 of 4 against 1 of 4, two-sided p 0.486."""
    assert gap_p_values(np.array([1.0, 1, 1, 0, 1, 0, 0, 0]), [np.arange(4)]) == [pytest.approx(0.4857, abs=1e-4)]


def test_a_gap_in_other_scores_is_scipys_permutation_test():
    generator = np.random.default_rng(8)
    scores = np.append(generator.random(12), generator.random(40) * 0.7)
    parts = [np.arange(12), np.arange(5, 30)]
    for found, places in zip(gap_p_values(scores, parts), parts, strict=True):
        exact = stats.permutation_test(
            (scores[places], np.delete(scores, places)), lambda some, others: some.mean() - others.mean(), rng=1
        )
        assert found == pytest.approx(exact.pvalue, abs=0.02)
    assert gap_p_values(np.full(9, 0.5), [np.arange(3)]) == [1.0]
    (alone,) = gap_p_values(np.append(np.full(19, 0.5), 0.1), [np.array([19])])
    assert alone == pytest.approx(1 / 20, abs=0.01)  # any of the 20 rows could have been the one
    assert gap_p_values(scores, []) == []


def test_holm_on_the_example_of_rs_p_adjust():
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.04, 0.5, 0.01]) == pytest.approx([0.08, 0.5, 0.03])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=60))
def test_holm_lies_between_the_p_values_and_bonferroni(p_values):
    for p_value, corrected in zip(p_values, holm(p_values), strict=True):
        assert p_value - 1e-6 <= corrected <= min(1, p_value * len(p_values)) + 1e-6


@pytest.mark.parametrize(("rows", "wins", "losses"), [(60, 9, 9), (100, 15, 15), (300, 15, 15)])
def test_the_smallest_difference_solves_connors_formula(rows, wins, losses):
    """Connor 1987: n = (z_a sqrt(q) + z_b sqrt(q - d^2))^2 / d^2 for discordance q and difference d."""
    found = smallest_difference(differences(wins, losses, rows - wins - losses), 0.95)
    q = (wins + losses) / rows
    needed = ((1.959964 * np.sqrt(q) + 0.841621 * np.sqrt(q - found**2)) / found) ** 2
    assert needed == pytest.approx(rows, rel=1e-3)


@pytest.mark.parametrize("table", [(15, 15, 70), (5, 5, 90), (0, 0, 100)])
def test_the_smallest_difference_is_seen_in_about_80_percent_of_tests(table):
    rows = sum(table)
    smallest = smallest_difference(differences(*table), 0.95)
    differing = max((table[0] + table[1]) / rows, smallest)
    shares = [(differing + smallest) / 2, (differing - smallest) / 2, 1 - differing]
    drawn = np.random.default_rng(5).multinomial(rows, shares, size=300)
    lower_ends = {tuple(table): difference_interval(differences(*table), 0.95)[0] for table in np.unique(drawn, axis=0)}
    seen = np.mean([lower_ends[tuple(table)] > 0 for table in drawn])
    assert 0.72 < seen < 0.88


def test_a_test_of_three_rows_can_see_nothing_and_more_rows_see_less():
    assert smallest_difference(np.zeros(3), 0.95) is None
    few, many = (smallest_difference(np.tile(differences(2, 1, 7), count), 0.95) for count in (10, 40))
    assert many < few
    assert smallest_difference(np.tile(differences(2, 1, 7), 10), 0.99) > few


@settings(deadline=None)
@given(arrays(float, st.integers(2, 30), elements=st.floats(0, 1)))
def test_the_pseudo_values_of_a_mean_are_its_scores(scores):
    """The jackknife of what is a mean of rows already."""
    found = row_values(lambda places: float(scores[places].mean()), np.arange(len(scores)))
    assert found == pytest.approx(scores, abs=1e-9)


def test_the_pseudo_values_of_a_whole_sets_metric_have_it_as_their_mean():
    scores = np.random.default_rng(2).random(20)
    found = row_values(lambda places: float(np.median(scores[places])), np.arange(5, 20))
    assert len(found) == 15
    assert found.mean() == pytest.approx(np.median(scores[5:]))
    assert row_values(lambda places: float(scores[places].std()), np.array([3])) == [0.0]


def test_a_metric_without_a_number_is_refused():
    with pytest.raises(TinsmithError, match="a metric gives no number for 4 rows"):
        row_values(lambda _: float("nan"), np.arange(4))
