"""The tuned model against its base, or against the champion, on the same rows of one metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.errors import TinsmithError
from pipelines.scoring.comparison_statistics import (
    Interval,
    difference_interval,
    mcnemar,
    mean_interval,
    rounded,
    row_values,
    smallest_difference,
)
from pipelines.scoring.metrics.figures import Measured

TUNED = "tuned"
CHAMPION = "champion"


@dataclass(frozen=True)
class Comparison:
    """One metric over all rows; `difference` is tuned minus `compared_with`, row by row.

    Every interval is two-sided at `confidence`. Wins are rows on which tuned scores higher, `lost` the places of those
    on which it scores lower; a metric of the whole set has neither. `p_value` is None where scores are not 0/1.
    """

    rows: int
    means: dict[str, float]
    intervals: dict[str, Interval]
    compared_with: str
    difference: float
    interval: Interval
    confidence: float
    wins: int | None
    ties: int | None
    lost: tuple[int, ...] | None
    p_value: float | None
    smallest_difference: float | None

    @property
    def losses(self) -> int | None:
        """Rows on which tuned scores lower."""
        return None if self.lost is None else len(self.lost)

    def as_json(self) -> dict[str, Any]:
        """The shape of evaluation.json; a variant that was not asked is null."""
        return {
            # What readers of older reports look for is always there.
            **{name: self.means.get(name) for name in ("base", "base_few_shot")},
            **self.means,
            "difference": self.difference,
            "interval": list(self.interval),
            "compared_with": self.compared_with,
            "confidence": self.confidence,
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "wins": self.wins,
            "losses": self.losses,
            "ties": self.ties,
            "p_value": self.p_value,
            "smallest_difference": self.smallest_difference,
        }


def compare(
    metric: str, measured: Mapping[str, Measured], rows: int, confidence: float, against: Sequence[str] = ()
) -> Comparison:
    """Compare `measured["tuned"]` with the best of the variants in `against`, by default all of the base's.

    The best variant is chosen on the `rows` that judge, which can only favour the base.

    Raises:
        TinsmithError: a score is no number from 0 to 1, or the metric does not measure what it is compared with.
    """
    if missing := [name for name in against if name not in measured]:
        raise TinsmithError(f"gate.{metric}: this metric does not measure the {missing[0]}; take the rule out")
    everywhere = np.arange(rows)
    values = {name: row_values(_checked(metric, name, figures), everywhere) for name, figures in measured.items()}
    means = {name: rounded(scores.mean()) for name, scores in values.items()}
    candidates = against or [name for name in means if name not in (TUNED, CHAMPION)]
    other = max(candidates, key=lambda name: means[name])
    differences = values[TUNED] - values[other]
    of_rows = isinstance(measured[TUNED], np.ndarray)
    wins, losses = np.flatnonzero(differences > 0), np.flatnonzero(differences < 0)
    binary = of_rows and all(np.isin(values[name], (0, 1)).all() for name in (TUNED, other))
    return Comparison(
        rows=rows,
        means=means,
        intervals={name: mean_interval(scores, confidence) for name, scores in values.items()},
        compared_with=other,
        difference=rounded(differences.mean()),
        interval=difference_interval(differences, confidence),
        confidence=confidence,
        wins=len(wins) if of_rows else None,
        ties=rows - len(wins) - len(losses) if of_rows else None,
        lost=tuple(losses.tolist()) if of_rows else None,
        p_value=rounded(mcnemar(len(wins), len(losses))) if binary else None,
        smallest_difference=smallest_difference(differences, confidence),
    )


def _checked(metric: str, variant: str, measured: Measured) -> Measured:
    """What was measured, as it came; a comparison of scores that are no shares would mean nothing."""
    if isinstance(measured, np.ndarray):
        strange = int((~((measured >= 0) & (measured <= 1))).sum())
        if strange:
            raise TinsmithError(
                f"{metric}: {strange} of {len(measured)} scores of {variant} are no numbers from 0 to 1; "
                "mend the metric, which must give each row one"
            )
    return measured
