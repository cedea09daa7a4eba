import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.scoring.comparison import OTHERS, compare, mean_interval, slice_rows

RNG = np.random.default_rng(7)


def test_tuned_is_compared_with_the_better_base_row_by_row():
    base, few_shot, tuned = (np.array(values, float) for values in ([0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0]))
    result = compare({"base": base, "base_few_shot": few_shot, "tuned": tuned}, 0.95)
    assert result.compared_with == "base_few_shot"
    assert (result.wins, result.losses, result.ties) == (2, 1, 1)
    assert result.difference == 0.25
    assert result.as_json()["base_few_shot"] == 0.25


def test_without_few_shot_its_figure_is_null():
    result = compare({"base": np.zeros(4), "tuned": np.ones(4)}, 0.95).as_json()
    assert result["base_few_shot"] is None
    assert result["compared_with"] == "base"


def test_pairing_narrows_the_interval_where_both_err_on_the_same_rows():
    base = (RNG.random(200) < 0.5).astype(float)
    tuned = base.copy()
    tuned[np.flatnonzero(base == 0)[:10]] = 1
    low, high = compare({"base": base, "tuned": tuned}, 0.95).interval
    assert 0 < low < 0.05 < high < 0.1


def test_the_interval_matches_the_normal_one_on_many_rows():
    values = (RNG.random(2_000) < 0.3).astype(float)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert mean_interval(values, 0.95) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.002)


def test_more_confidence_widens_the_interval():
    values = (RNG.random(100) < 0.3).astype(float)
    narrow, wide = mean_interval(values, 0.8), mean_interval(values, 0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize("values", [np.zeros(50), np.ones(50), np.full(3, 0.5), np.array([1.0])])
def test_equal_scores_have_a_point_as_interval(values):
    assert mean_interval(values, 0.95) == (values[0], values[0])


@settings(max_examples=20, deadline=None)
@given(arrays(float, st.integers(1, 40), elements=st.sampled_from([0.0, 0.5, 1.0])))
def test_the_interval_is_never_nan_holds_the_mean_and_is_the_same_again(values):
    low, high = mean_interval(values, 0.95)
    assert 0 <= low <= values.mean() + 1e-6
    assert values.mean() - 1e-6 <= high <= 1
    assert mean_interval(values, 0.95) == (low, high)


def scores(base, tuned):
    return {"exact_match": {"base": np.array(base, float), "tuned": np.array(tuned, float)}}


def test_slices_split_all_rows_by_value():
    rows = slice_rows(
        ["product"],
        [{"product": "Card"}, {"product": "Loan"}, {"product": "Card"}, {"product": None}],
        scores([0, 0, 1, 0], [1, 0, 1, 1]),
        {"exact_match": "base"},
    )
    assert [(row.slice, row.value, row.rows, row.base, row.tuned) for row in rows] == [
        ("all", "all rows", 4, 0.25, 0.75),
        ("product", "(empty)", 1, 0, 1),
        ("product", "Card", 2, 0.5, 1),
        ("product", "Loan", 1, 0, 0),
    ]


def test_a_column_with_very_many_values_pools_the_rare_ones():
    values = [{"customer": f"c{number % 60}"} for number in range(110)]
    rows = slice_rows(["customer"], values, scores([0] * 110, [1] * 110), {"exact_match": "base"})[1:]
    assert len(rows) == 51
    assert sum(row.rows for row in rows) == 110
    assert next(row.rows for row in rows if row.value == OTHERS) == 10
