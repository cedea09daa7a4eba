"""What a benchmark's scores come to: base, tuned and their difference, with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from pipelines.scoring.ability.questions import Measure, Scores, Task, Values, mean
from pipelines.scoring.comparison_statistics import (
    CONFIDENCE,
    RESAMPLES,
    SEED,
    Interval,
    difference_interval,
    mean_interval,
    rounded,
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
    return {
        "better": measure.better,
        "rows": base[0].size,
        "base": rounded(base_value),
        "base_interval": list(_interval(measure, base)),
        "tuned": rounded(tuned_value),
        "interval": list(_interval(measure, tuned)),
        "difference": rounded(tuned_value - base_value),
        "difference_interval": list(_difference_interval(measure, base, tuned)),
    }


def _interval(measure: Measure, columns: list[Values]) -> Interval:
    if measure.statistic is mean:
        return mean_interval(columns[0], CONFIDENCE)
    return _bootstrap(columns, measure)


def _difference_interval(measure: Measure, base: list[Values], tuned: list[Values]) -> Interval:
    """Of tuned minus base, row for row."""
    if measure.statistic is mean:
        return difference_interval(tuned[0] - base[0], CONFIDENCE)
    return _bootstrap([*tuned, *base], measure, halves=True)


def _bootstrap(columns: list[Values], measure: Measure, *, halves: bool = False) -> Interval:
    """Two-sided percentile bootstrap over rows, for statistics that are no mean.

    With `halves` it is that of the first half's statistic minus the second's.
    """
    middle = len(columns) // 2

    def statistic(*resampled: Values, axis: int) -> Values:
        rows_last = [np.moveaxis(column, axis, -1) for column in resampled]
        if not halves:
            return measure.statistic(*rows_last)
        return measure.statistic(*rows_last[:middle]) - measure.statistic(*rows_last[middle:])

    if all(np.ptp(column) == 0 for column in columns):
        value = rounded(float(statistic(*columns, axis=-1)))
        return value, value
    interval = stats.bootstrap(
        tuple(columns),
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        paired=True,
        vectorized=True,
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return rounded(interval.low), rounded(interval.high)
