import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.perplexity import (
    AnswerLikelihood,
    perplexity_figure,
    read_likelihoods,
    write_likelihoods,
)

likelihoods = st.lists(st.builds(AnswerLikelihood, st.floats(-20, 0), st.integers(1, 50)), min_size=1, max_size=20)


def test_a_known_case():
    """Two tokens at 1/2 and 1/8, one at 1/4: the geometric mean of their inverses is 4."""
    tuned = [AnswerLikelihood(math.log(1 / 16), 2), AnswerLikelihood(math.log(1 / 4), 1)]
    worse = [AnswerLikelihood(math.log(1 / 64), 2), AnswerLikelihood(math.log(1 / 8), 1)]
    worst = [AnswerLikelihood(math.log(1 / 256), 2), AnswerLikelihood(math.log(1 / 16), 1)]
    assert perplexity_figure({"base": worst, "base_few_shot": worse, "champion": tuned, "tuned": tuned}) == {
        "better": "lower",
        "rows": 2,
        "base": 8,
        "tuned": 4,
        "interval": [4, 4],
        "difference": -4,
        "difference_interval": [-4, -4],
        "compared_with": "base_few_shot",
        "variants": {"base": 16, "base_few_shot": 8, "champion": 4, "tuned": 4},
    }
    assert perplexity_figure({"base": worst[:1], "tuned": tuned[:1]})["interval"] is None


def test_its_intervals_are_scipys_bootstrap_over_rows():
    drawn = np.random.default_rng(5)
    tokens = drawn.integers(1, 9, 40)
    tuned, base = (-drawn.gamma(2, 1, 40) * tokens for _ in range(2))
    found = perplexity_figure({"base": as_likelihoods(base, tokens), "tuned": as_likelihoods(tuned, tokens)})

    def figure(logprobs, counts, axis):
        return np.exp(-logprobs.sum(axis) / counts.sum(axis))

    expected = stats.bootstrap((tuned, tokens), figure, paired=True, method="percentile", rng=1).confidence_interval
    assert found["interval"] == pytest.approx(list(expected), rel=0.05)
    assert found["difference_interval"][0] < found["difference"] < found["difference_interval"][1]


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


def test_likelihoods_of_other_rows_are_refused(tmp_path):
    file = tmp_path / "base.json"
    found = [AnswerLikelihood(-1.25, 3), AnswerLikelihood(-0.1, 1)]
    write_likelihoods(file, ["a", "b"], found)
    assert read_likelihoods(file, ["a", "b"]) == found
    for path, ids in ((file, ["a", "c"]), (file, ["a"]), (tmp_path / "none.json", ["a"])):
        with pytest.raises(TinsmithError, match="is not of the rows that judge now; run the baseline"):
            read_likelihoods(path, ids)
