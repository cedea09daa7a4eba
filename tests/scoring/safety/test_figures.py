import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipelines.scoring.safety.figures import (
    Figure,
    count_figure,
    mean_figure,
    mean_interval,
    share_figure,
    share_interval,
)


@given(st.integers(0, 40), st.integers(1, 40))
def test_the_exact_interval_holds_all_shares_that_the_count_does_not_rule_out(hits, more):
    rows = hits + more
    low, high = share_interval(hits, rows)
    assert low <= hits / rows <= high
    # Clopper and Pearson's law: at its ends the count is just too rare on one side, with 2.5%.
    if hits:
        assert stats.binom.sf(hits - 1, rows, low) == pytest.approx(0.025, abs=1e-6)
    assert stats.binom.cdf(hits, rows, high) == pytest.approx(0.025, abs=1e-6)


def test_no_find_among_300_rows_still_allows_for_one_in_81():
    low, high = share_interval(0, 300)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 300))


def test_a_share_is_compared_row_by_row():
    base, tuned = [True] * 5 + [False] * 15, [True] * 10 + [False] * 10
    figure = share_figure("higher", base, tuned).as_json()
    assert (figure["base"], figure["tuned"], figure["difference"], figure["rows"]) == (0.25, 0.5, 0.25, 20)
    low, high = figure["difference_interval"]
    assert 0 < low < 0.25 < high < 0.5
    assert json.loads(json.dumps(figure)) == figure


def test_a_count_of_all_there_was_has_no_interval():
    figure = count_figure([False, False, True], [True, True, False]).as_json()
    assert (figure["base"], figure["tuned"], figure["difference"], figure["better"]) == (1, 2, 1, "lower")
    assert figure["interval"] is figure["difference_interval"] is None


def test_a_mean_comes_with_the_interval_of_its_mean():
    base, tuned = np.zeros(50), np.linspace(0, 8, 50)
    figure = mean_figure("lower", base, tuned)
    assert figure.tuned == pytest.approx(4)
    error = stats.sem(tuned)
    assert figure.interval == pytest.approx((4 - 1.96 * error, 4 + 1.96 * error), abs=0.1 * error)
    assert figure.difference_interval == figure.interval


def test_a_single_value_has_no_interval_and_equal_ones_a_point():
    assert mean_interval([3.0]) is None
    assert mean_interval([8.0, 8.0]) == (8.0, 8.0)


def test_without_a_base_there_is_no_difference():
    assert Figure("lower", 3, None, 0.7, (0.6, 0.8)).as_json()["difference"] is None
