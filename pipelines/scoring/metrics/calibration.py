"""Whether a model is as sure of its answers as it is right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.scoring.metrics.figures import Scores

_BINS = 10
_DIGITS = 6


def calibration(logprobs: Scores, right: NDArray[np.bool_]) -> dict[str, Any]:
    """Reliability in ten equal bins of confidence, and the expected calibration error (Guo et al. 2017, equation 3).

    `logprobs` are the natural log probabilities of whole answers, so that exp of one is the model's confidence.
    Empty bins are left out; `ece` is the mean of |accuracy - confidence| over bins, each weighted by its rows.
    """
    # A second of importing, only where there are labels.
    from sklearn.calibration import calibration_curve

    # Summed in another order than the model's own, a sure answer's may end a rounding above 0.
    confidence = np.exp(np.minimum(logprobs, 0.0))
    accuracies, confidences = calibration_curve(right, confidence, n_bins=_BINS)
    # The curve leaves out how many rows a bin has; its bins are these, each with its upper edge.
    edges = np.linspace(0, 1, _BINS + 1)
    rows = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=_BINS)
    kept = np.flatnonzero(rows)
    error = np.average(np.abs(accuracies - confidences), weights=rows[kept])
    bins = [
        {
            "low": round(float(edges[place]), 1),
            "high": round(float(edges[place + 1]), 1),
            "rows": int(rows[place]),
            "confidence": round(float(confident), _DIGITS),
            "accuracy": round(float(accurate), _DIGITS),
        }
        for place, confident, accurate in zip(kept, confidences, accuracies, strict=True)
    ]
    return {"bins": bins, "ece": round(float(error), _DIGITS)}
