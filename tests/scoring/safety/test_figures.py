import json

import numpy as np
import pytest
from scipy import stats

from pipelines.scoring.safety.figures import Figure, count_figure, mean_figure, share_figure


def test_no_find_among_300_rows_still_allows_for_one_in_81():
    figure = share_figure("lower", [False] * 300, [False] * 300)
    assert figure.interval == pytest.approx((0, 1 - 0.025 ** (1 / 300)), abs=1e-6)


def test_a_share_is_compared_row_by_row():
    base, tuned = [True] * 5 + [False] * 15, [True] * 13 + [False] * 7
    figure = share_figure("higher", base, tuned).as_json()
    assert (figure["base"], figure["tuned"], figure["difference"], figure["rows"]) == (0.25, 0.65, 0.4, 20)
    low, high = figure["difference_interval"]
    assert 0 < low < 0.4 < high < 0.7
    assert json.loads(json.dumps(figure)) == figure


def test_five_wins_alone_do_not_show_a_difference():
    """Exact McNemar: 5 wins and no loss have a p-value of 0.0625."""
    figure = share_figure("higher", [False] * 20, [True] * 5 + [False] * 15)
    assert figure.difference_interval[0] == 0


def test_a_count_of_all_there_was_has_no_interval():
    figure = count_figure([False, False, True], [True, True, False]).as_json()
    assert (figure["base"], figure["tuned"], figure["difference"], figure["better"]) == (1, 2, 1, "lower")
    assert figure["interval"] is figure["difference_interval"] is None


def test_a_mean_comes_with_the_interval_of_its_mean():
    base, tuned = np.zeros(300), np.linspace(0, 6, 300)
    figure = mean_figure("lower", base, tuned, highest=8)
    error = stats.sem(tuned)
    assert (figure.base, figure.tuned) == pytest.approx((0, 3))
    assert figure.interval == pytest.approx((3 - 1.96 * error, 3 + 1.96 * error), abs=0.3 * error)
    assert figure.difference_interval == pytest.approx(figure.interval, abs=0.5 * error)


@pytest.mark.parametrize("values", [[8.0], [8.0, 8.0], [3.0, 3.0, 3.0]])
def test_few_equal_values_are_sure_of_nothing(values):
    figure = mean_figure("lower", values, values, highest=8)
    for (low, high), value in ((figure.interval, values[0]), (figure.difference_interval, 0)):
        assert low <= value <= high
        assert high - low > 2


def test_without_a_base_there_is_no_difference():
    assert Figure("lower", 3, None, 0.7, (0.6, 0.8)).as_json()["difference"] is None
