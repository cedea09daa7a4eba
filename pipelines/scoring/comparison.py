"""The tuned model against the base on the same rows: means, bootstrap intervals, wins and losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Scores = NDArray[np.float64]
Interval = tuple[float, float]

TUNED = "tuned"
_RESAMPLES = 9_999
_SEED = 20_240_229
_DIGITS = 6
# Resamples held in memory at once.
_BATCH = 200


@dataclass(frozen=True)
class Comparison:
    """One metric over all rows; `difference` is tuned minus `compared_with`, row by row.

    Every interval is two-sided at `confidence`. Wins are rows on which tuned scores higher.
    """

    means: dict[str, float]
    intervals: dict[str, Interval]
    compared_with: str
    difference: float
    interval: Interval
    confidence: float
    wins: int
    losses: int
    ties: int

    def as_json(self) -> dict[str, Any]:
        """The shape of evaluation.json; a variant that was not asked is null."""
        return {
            "base": self.means["base"],
            "base_few_shot": self.means.get("base_few_shot"),
            "tuned": self.means[TUNED],
            "difference": self.difference,
            "interval": list(self.interval),
            "compared_with": self.compared_with,
            "confidence": self.confidence,
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "wins": self.wins,
            "losses": self.losses,
            "ties": self.ties,
        }


def compare(scores: Mapping[str, Scores], confidence: float) -> Comparison:
    """Compare `scores["tuned"]` with the better of the others, which are the base's variants.

    The better variant is chosen on the rows that judge, which can only favour the base.
    """
    means = {name: round(float(values.mean()), _DIGITS) for name, values in scores.items()}
    base = max((name for name in scores if name != TUNED), key=lambda name: means[name])
    differences = scores[TUNED] - scores[base]
    return Comparison(
        means=means,
        intervals={name: mean_interval(values, confidence) for name, values in scores.items()},
        compared_with=base,
        difference=round(float(differences.mean()), _DIGITS),
        interval=mean_interval(differences, confidence),
        confidence=confidence,
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
        ties=int((differences == 0).sum()),
    )


def mean_interval(values: Scores, confidence: float) -> Interval:
    """Two-sided percentile bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 13).

    Over differences of paired scores this is the paired bootstrap. The seed is fixed: equal scores, equal interval.
    Where all values are equal every resample has the same mean, and the interval is that one point.
    """
    if np.ptp(values) == 0:
        return (round(float(values[0]), _DIGITS),) * 2
    interval = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return round(float(interval.low), _DIGITS), round(float(interval.high), _DIGITS)


@dataclass(frozen=True)
class SliceRow:
    """Means of one metric over the rows whose column `slice` has `value`."""

    slice: str
    value: str
    rows: int
    metric: str
    base: float
    tuned: float


ALL_ROWS = ("all", "all rows")
OTHERS = "(all others)"
_MOST_VALUES = 50


def slice_rows(
    columns: Sequence[str],
    values: Sequence[Mapping[str, Any]],
    scores: Mapping[str, Mapping[str, Scores]],
    compared_with: Mapping[str, str],
) -> list[SliceRow]:
    """Means by slice, all rows first; `values` holds each row's value by column, `scores` metric -> variant -> scores.

    `base` is the variant in `compared_with[metric]`. A column's rare values, past the 50 most frequent, share a row.
    """
    everywhere = np.ones(len(values), dtype=bool)
    parts = [(*ALL_ROWS, everywhere)]
    for column in columns:
        labels = _pooled([_label(row.get(column)) for row in values])
        parts += [(column, label, labels == label) for label in sorted(set(labels.tolist()))]
    return [
        SliceRow(
            column,
            label,
            int(member.sum()),
            metric,
            round(float(variants[compared_with[metric]][member].mean()), _DIGITS),
            round(float(variants[TUNED][member].mean()), _DIGITS),
        )
        for column, label, member in parts
        for metric, variants in scores.items()
    ]


def _label(value: Any) -> str:
    return "(empty)" if value is None else str(value)


def _pooled(labels: list[str]) -> NDArray[np.str_]:
    """The labels with the rare ones, past the most frequent, replaced by OTHERS."""
    found, counts = np.unique(np.array(labels), return_counts=True)
    if len(found) <= _MOST_VALUES:
        return np.array(labels)
    by_count = np.lexsort((found, -counts))
    kept = set(found[by_count[:_MOST_VALUES]].tolist())
    return np.array([label if label in kept else OTHERS for label in labels])
