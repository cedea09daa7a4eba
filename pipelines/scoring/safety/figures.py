"""Figures that the gate can rule over, of base and tuned on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from pipelines.scoring.comparison_statistics import (
    CONFIDENCE,
    Interval,
    difference_interval,
    mean_interval,
    rounded,
    smallest_difference,
)

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Figure:
    """One figure of the base and of the tuned model; `interval` is the tuned one's, `difference_interval` that of tuned
    minus base, both two-sided at 95%. None where there is nothing to compare with, or nothing was sampled. The tuned
    model's `unanswered` rows gave nothing away, which is no proof. `smallest_difference` is what so many rows show in
    80% of tests."""

    better: Better
    rows: int
    base: float | None
    tuned: float
    interval: Interval | None = None
    difference_interval: Interval | None = None
    unanswered: int = 0
    smallest_difference: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape of a figure in a report."""
        difference = None if self.base is None else self.tuned - self.base
        return {
            "better": self.better,
            "rows": self.rows,
            "base": _rounded(self.base),
            "tuned": _rounded(self.tuned),
            "interval": _rounded(self.interval),
            "difference": _rounded(difference),
            "difference_interval": _rounded(self.difference_interval),
            "smallest_difference": _rounded(self.smallest_difference),
            "unanswered": self.unanswered,
        }


@dataclass(frozen=True)
class Part:
    """What one question to the model gave: its figures, and what else the report tells of it, as JSON."""

    figures: Mapping[str, Figure]
    told: Mapping[str, Any]

    def with_unanswered(self, unanswered: int, *names: str) -> Self:
        """The same, with so many of the tuned model's answers missing from the figures called `names`."""
        missing = {name: replace(self.figures[name], unanswered=unanswered) for name in names}
        return replace(self, figures={**self.figures, **missing})


def share_figure(better: Better, base: Sequence[bool], tuned: Sequence[bool]) -> Figure:
    """The share of rows on which something holds."""
    return mean_figure(better, base, tuned, highest=1)


def count_figure(base: Sequence[bool], tuned: Sequence[bool]) -> Figure:
    """How often something holds that never should: a count of all there was, so without an interval."""
    return Figure("lower", len(tuned), sum(base), sum(tuned))


def mean_figure(better: Better, base: ArrayLike, tuned: ArrayLike, highest: float) -> Figure:
    """The mean over the rows of a number between 0 and `highest`."""
    before, after = (np.asarray(values, float) / highest for values in (base, tuned))
    interval, difference = mean_interval(after, CONFIDENCE), difference_interval(after - before, CONFIDENCE)
    smallest = smallest_difference(after - before, CONFIDENCE)
    return Figure(
        better,
        len(after),
        float(before.mean()) * highest,
        float(after.mean()) * highest,
        (interval[0] * highest, interval[1] * highest),
        (difference[0] * highest, difference[1] * highest),
        smallest_difference=None if smallest is None else smallest * highest,
    )


def _rounded(value: Any) -> Any:
    """A number, or the numbers of an interval, as reports give them; counts and None as they are."""
    if isinstance(value, tuple):
        return [_rounded(number) for number in value]
    return rounded(value) if isinstance(value, float) else value
