"""Figures that the gate can rule over, with intervals that scipy computes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

Better = Literal["higher", "lower"]
Interval = tuple[float, float]

CONFIDENCE = 0.95
SEED = 20_240_229
RESAMPLES = 9_999
_DIGITS = 6


@dataclass(frozen=True)
class Figure:
    """One figure of the base and of the tuned model; `interval` is the tuned one's, `difference_interval` that of tuned
    minus base, both two-sided at 95%. None where there is nothing to compare with, or nothing was sampled."""

    better: Better
    rows: int
    base: float | None
    tuned: float
    interval: Interval | None = None
    difference_interval: Interval | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape of a figure in a report."""
        difference = None if self.base is None else self.tuned - self.base
        return {
            "better": self.better,
            "rows": self.rows,
            "base": rounded(self.base),
            "tuned": rounded(self.tuned),
            "interval": rounded(self.interval),
            "difference": rounded(difference),
            "difference_interval": rounded(self.difference_interval),
        }


@dataclass(frozen=True)
class Part:
    """What one question to the model gave: its figures, and what else the report tells of it, as JSON."""

    figures: Mapping[str, Figure]
    told: Mapping[str, Any]


def share_figure(better: Better, base: Sequence[bool], tuned: Sequence[bool]) -> Figure:
    """The share of rows on which something holds, of base and tuned on the same rows."""
    pairs = np.array([base, tuned], float)
    shares = pairs.mean(axis=1)
    interval, difference = share_interval(sum(tuned), len(tuned)), mean_interval(pairs[1] - pairs[0])
    return Figure(better, len(tuned), float(shares[0]), float(shares[1]), interval, difference)


def count_figure(base: Sequence[bool], tuned: Sequence[bool]) -> Figure:
    """How often something holds that never should: a count of all there was, so without an interval."""
    return Figure("lower", len(tuned), sum(base), sum(tuned))


def mean_figure(better: Better, base: ArrayLike, tuned: ArrayLike) -> Figure:
    """The mean of a number over the same items for base and tuned."""
    before, after = np.asarray(base, float), np.asarray(tuned, float)
    interval, difference = mean_interval(after), mean_interval(after - before)
    return Figure(better, len(after), float(before.mean()), float(after.mean()), interval, difference)


def share_interval(hits: int, rows: int) -> Interval:
    """The exact interval of a share (Clopper and Pearson 1934)."""
    low, high = stats.binomtest(hits, rows).proportion_ci(CONFIDENCE, method="exact")
    return float(low), float(high)


def mean_interval(values: ArrayLike) -> Interval | None:
    """The percentile bootstrap interval of a mean (Efron and Tibshirani 1993); None for a single value."""
    numbers = np.asarray(values, float)
    if len(numbers) < 2:
        return None
    if np.ptp(numbers) == 0:  # every resample is the same
        return float(numbers[0]), float(numbers[0])
    found = stats.bootstrap(
        (numbers,),
        np.mean,
        confidence_level=CONFIDENCE,
        n_resamples=RESAMPLES,
        method="percentile",
        batch=500,
        rng=np.random.default_rng(SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def rounded(value: Any) -> Any:
    """A number, or the numbers of an interval, to six digits behind the point; counts and None as they are."""
    if isinstance(value, tuple):
        return [rounded(number) for number in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
