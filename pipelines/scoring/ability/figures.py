"""What a benchmark's scores come to: base, tuned and their difference, with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.scoring.ability.questions import Measure, Scores, Task, Values, mean
from pipelines.scoring.comparison_statistics import (
    CONFIDENCE,
    Interval,
    difference_interval,
    mean_interval,
    rounded,
    row_values,
    smallest_difference,
)


def figures(task: Task, base: Sequence[Scores], tuned: Sequence[Scores]) -> dict[str, dict[str, Any]]:
    """`ability.<task>`, or `ability.<task>_<measure>`, -> its figure; both models' scores are of the same rows.

    A measure of which no row has the scores, such as one of a context that no sampled row has, is left out.
    """
    found = {}
    for measure in task.measures:
        columns = [
            [np.array([row[column] for row in rows if column in row]) for column in measure.columns]
            for rows in (base, tuned)
        ]
        if columns[0][0].size:
            found["_".join(filter(None, (f"ability.{task.name}", measure.name)))] = _figure(measure, *columns)
    return found


def _figure(measure: Measure, base: list[Values], tuned: list[Values]) -> dict[str, Any]:
    base_value, tuned_value = float(measure.statistic(*base)), float(measure.statistic(*tuned))
    by_row = _row_values(measure, tuned) - _row_values(measure, base)
    difference, interval = tuned_value - base_value, difference_interval(by_row, CONFIDENCE, 1.0 - measure.lowest)
    smallest = smallest_difference(by_row, CONFIDENCE)
    if measure.better == "nearer 0":
        difference, interval = _of_distances(base_value, tuned_value, interval)
        smallest = None
    return {
        "better": measure.better,
        "rows": base[0].size,
        "base": rounded(base_value),
        "base_interval": list(_interval(measure, base)),
        "tuned": rounded(tuned_value),
        "interval": list(_interval(measure, tuned)),
        "difference": rounded(difference),
        "difference_interval": list(interval),
        "smallest_difference": smallest,
    }


def _interval(measure: Measure, columns: list[Values]) -> Interval:
    return mean_interval(_row_values(measure, columns), CONFIDENCE, (measure.lowest, 1.0))


def _of_distances(base: float, tuned: float, interval: Interval) -> tuple[float, Interval]:
    """Tuned's distance to 0 less the base's, and between what it lies where the difference lies in `interval`."""
    low, high = (abs(base + end) - abs(base) for end in interval)
    reaches_zero = interval[0] <= -base <= interval[1]
    return abs(tuned) - abs(base), (rounded(-abs(base) if reaches_zero else min(low, high)), rounded(max(low, high)))


def _row_values(measure: Measure, columns: list[Values]) -> Values:
    """What each row adds to the measure: its score, or the pseudo-value of a statistic that is no mean."""
    if measure.statistic is mean:
        return columns[0]
    return row_values(
        lambda places: float(measure.statistic(*(column[places] for column in columns))), np.arange(columns[0].size)
    )
