"""How surprising a model finds the expected answers behind their prompts: the lower, the better."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.scoring.comparison_statistics import (
    CONFIDENCE,
    Interval,
    Places,
    difference_interval,
    rounded,
    row_values,
)
from pipelines.scoring.metrics.perplexity import AnswerLikelihood

_BASE, _TUNED = "base", "tuned"

_Surprise = Callable[[Places], float]


def perplexity_figure(found: Mapping[str, Sequence[AnswerLikelihood]]) -> dict[str, Any]:
    """The perplexity of tuned against the base's best variant, as a figure that the gate can rule over.

    Perplexity is exp of the mean negative log probability of a token, over all tokens of the expected answers. `found`
    is by variant, "tuned" and those of the base, all of the same rows. Intervals are two-sided at 95%, by the
    comparison's bootstrap of the rows' pseudo-values, which is never a point.
    """
    surprises = {variant: _surprise(likelihoods) for variant, likelihoods in found.items()}
    everywhere = np.arange(len(found[_TUNED]))
    variants = {variant: float(np.exp(surprise(everywhere))) for variant, surprise in surprises.items()}
    base = min((variant for variant in variants if variant.startswith(_BASE)), key=lambda variant: variants[variant])
    return {
        "better": "lower",
        "rows": len(everywhere),
        "base": rounded(variants[base]),
        "tuned": rounded(variants[_TUNED]),
        "interval": list(_interval(surprises[_TUNED], everywhere)),
        "difference": rounded(variants[_TUNED] - variants[base]),
        "difference_interval": list(_difference_interval(surprises[_TUNED], surprises[base], everywhere)),
        "compared_with": base,
        "variants": {variant: rounded(value) for variant, value in variants.items()},
    }


def _surprise(likelihoods: Sequence[AnswerLikelihood]) -> _Surprise:
    """The mean negative log probability of a token in the answers of any rows, in nats."""
    logprobs = np.array([likelihood.logprob for likelihood in likelihoods])
    tokens = np.array([likelihood.tokens for likelihood in likelihoods], dtype=float)
    return lambda places: float(-logprobs[places].sum() / tokens[places].sum())


def _interval(surprise: _Surprise, everywhere: Places) -> Interval:
    """Of the mean in nats, which is less skewed, and then exp; the two rows added lie on both sides of the mean."""
    values = row_values(surprise, everywhere)
    low, high = (values.mean() + end for end in difference_interval(values - values.mean(), CONFIDENCE, np.inf))
    return rounded(np.exp(max(low, 0.0))), rounded(np.exp(high))


def _difference_interval(tuned: _Surprise, base: _Surprise, everywhere: Places) -> Interval:
    differences = row_values(lambda places: float(np.exp(tuned(places)) - np.exp(base(places))), everywhere)
    return difference_interval(differences, CONFIDENCE, np.inf)
