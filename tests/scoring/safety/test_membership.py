import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from pipelines.scoring.safety.membership import auc, auc_interval, membership_part, true_positive_rate

SCORES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40)


@given(SCORES, SCORES)
def test_the_area_is_scikit_learns(members, others):
    told = roc_auc_score([1] * len(members) + [0] * len(others), members + others)
    assert auc(members, others) == pytest.approx(told)


@given(SCORES, SCORES)
def test_the_true_positive_rate_is_the_curves_at_few_false_ones(members, others):
    false, true, _ = roc_curve([1] * len(members) + [0] * len(others), members + others, drop_intermediate=False)
    for allowed in (0.01, 0.1, 0.25):
        assert true_positive_rate(members, others, allowed) == pytest.approx(true[false <= allowed + 1e-12].max())


def test_known_distributions_give_their_known_area():
    """Normal scores one standard deviation apart: the area is the normal's at 1/sqrt(2)."""
    draw = np.random.default_rng(1)
    members, others = draw.normal(1, 1, 2000), draw.normal(0, 1, 2000)
    area = norm.cdf(1 / np.sqrt(2))
    low, high = auc_interval(auc(members, others), 2000, 2000)
    assert low < area < high
    assert high - low < 0.04
    assert auc(members, others) == pytest.approx(area, abs=0.02)


def test_what_all_rows_have_in_common_does_not_count():
    """The base as reference: rows that are easy for both say nothing, what tuning made likelier than others does."""
    draw = np.random.default_rng(2)
    easy = {"members": draw.normal(-2, 2, 300), "others": draw.normal(-2, 2, 300)}
    gained = {"members": 0.5, "others": 0.3}
    losses = {
        side: {"base": likely, "tuned": likely + gained[side] + draw.normal(0, 0.1, 300)}
        for side, likely in easy.items()
    }
    part = membership_part(losses["members"], losses["others"], {"members": 900, "others": 300})
    figure = part.figures["membership_auc"]
    assert figure.tuned > 0.85
    assert auc(losses["members"]["tuned"], losses["others"]["tuned"]) < 0.6
    assert figure.base is None
    assert figure.interval[0] < figure.tuned < figure.interval[1]
    assert part.told["mean_gain"] == {"members": pytest.approx(0.5, abs=0.02), "others": pytest.approx(0.3, abs=0.02)}
    assert part.told["true_positive_rate"] > 0.2


@pytest.mark.parametrize("apart", [0.0, 1.0, 2.0])
def test_the_intervals_miss_the_truth_as_often_as_they_say(apart):
    """By simulation, on few rows: an interval at 95% lies wholly above, or below, the true area in about 2.5%."""
    draw = np.random.default_rng(3)
    truth = norm.cdf(apart / np.sqrt(2))
    found = [auc(*pair) for pair in zip(draw.normal(apart, 1, (1000, 25)), draw.normal(0, 1, (1000, 40)), strict=True)]
    low, high = np.array([auc_interval(area, 25, 40) for area in found]).T
    assert np.mean(low > truth) < 0.045
    assert np.mean(high < truth) < 0.045


@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1))
def test_an_interval_is_no_point_holds_the_area_and_can_be_turned_round(members, others, area):
    low, high = auc_interval(area, members, others)
    assert 0 <= low <= area <= high <= 1
    assert high - low > 1e-3
    assert auc_interval(1 - area, others, members) == pytest.approx((1 - high, 1 - low), abs=1e-6)


def test_ten_rows_that_are_all_told_apart_do_not_prove_that_all_are():
    """By hand: the lower end is 0.8, where 1 - 0.8 = z^2 0.8 (1 + 9 (0.2 / 1.2 + 0.8 / 1.8)) / 100."""
    assert auc_interval(1.0, 10, 10) == pytest.approx((0.8, 1.0), abs=1e-3)
