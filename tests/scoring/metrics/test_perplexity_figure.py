import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipelines.scoring.metrics.perplexity import AnswerLikelihood
from pipelines.scoring.metrics.perplexity_figure import perplexity_figure

likelihoods = st.lists(st.builds(AnswerLikelihood, st.floats(-20, 0), st.integers(1, 50)), min_size=1, max_size=20)


def test_a_known_case():
    """Two tokens at 1/2 and 1/8, one at 1/4: the geometric mean of their inverses is 4."""
    tuned = [AnswerLikelihood(math.log(1 / 16), 2), AnswerLikelihood(math.log(1 / 4), 1)]
    worse = [AnswerLikelihood(math.log(1 / 64), 2), AnswerLikelihood(math.log(1 / 8), 1)]
    worst = [AnswerLikelihood(math.log(1 / 256), 2), AnswerLikelihood(math.log(1 / 16), 1)]
    figure = perplexity_figure({"base": worst, "base_few_shot": worse, "champion": tuned, "tuned": tuned})
    for value in ("interval", "difference_interval"):
        low, high = figure.pop(value)
        assert low <= figure["tuned" if value == "interval" else "difference"] <= high
        assert high - low > 1
    assert figure == {
        "better": "lower",
        "rows": 2,
        "base": 8,
        "tuned": 4,
        "difference": -4,
        "compared_with": "base_few_shot",
        "variants": {"base": 16, "base_few_shot": 8, "champion": 4, "tuned": 4},
    }


def test_one_row_proves_nothing():
    figure = perplexity_figure({"base": as_likelihoods([-2.0], [2]), "tuned": as_likelihoods([-1.0], [2])})
    assert figure["difference_interval"][0] <= figure["difference"] < 0 < figure["difference_interval"][1]


def test_on_many_rows_the_intervals_are_those_of_a_bootstrap_over_rows():
    drawn = np.random.default_rng(5)
    tokens = drawn.integers(1, 9, 400)
    tuned, base = (-drawn.gamma(2, 0.5, 400) * tokens for _ in range(2))
    found = perplexity_figure({"base": as_likelihoods(base, tokens), "tuned": as_likelihoods(tuned, tokens)})

    def perplexity(logprobs, counts, axis):
        return np.exp(-logprobs.sum(axis) / counts.sum(axis))

    def difference(tuned, base, counts, axis):
        return perplexity(tuned, counts, axis) - perplexity(base, counts, axis)

    for key, sums, figure in (
        ("interval", (tuned, tokens), perplexity),
        ("difference_interval", (tuned, base, tokens), difference),
    ):
        expected = stats.bootstrap(sums, figure, paired=True, method="percentile", batch=99, rng=1).confidence_interval
        assert found[key] == pytest.approx(list(expected), abs=0.07)


@pytest.mark.parametrize("skew", [2, 0.5])
def test_equal_models_improve_in_few_tests_of_few_rows(skew):
    """By simulation: 2.5% are meant; a plain bootstrap passes 5% of these."""
    drawn = np.random.default_rng(6)
    above = below = 0
    for _ in range(200):
        tokens = drawn.integers(2, 9, 30)
        hard, *own = drawn.gamma(skew, 1 / skew, (3, 30))
        base, tuned = (as_likelihoods(-(hard + each) / 2 * tokens, tokens) for each in own)
        low, high = perplexity_figure({"base": base, "tuned": tuned})["difference_interval"]
        above, below = above + (low > 0), below + (high < 0)
    assert above <= 7
    assert below <= 7


def as_likelihoods(logprobs, tokens):
    return [AnswerLikelihood(float(logprob), int(count)) for logprob, count in zip(logprobs, tokens, strict=True)]


@settings(max_examples=20, deadline=None)
@given(likelihoods)
def test_it_is_at_least_one_and_does_not_depend_on_the_order(found):
    figure = perplexity_figure({"base": found, "tuned": found})
    assert figure["tuned"] >= 1
    assert figure["difference"] == 0
    turned = perplexity_figure({"base": found[::-1], "tuned": found[::-1]})
    assert turned["tuned"] == pytest.approx(figure["tuned"])
