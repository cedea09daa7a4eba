"""The comparison on parts of the rows: by the recipe's columns, by the length of the prompt, by label.

Two things are asked of each part: does tuned differ from its base there, and does tuned do worse there than elsewhere?
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

import numpy as np

from pipelines.scoring.comparison import TUNED
from pipelines.scoring.comparison_statistics import (
    CONFIDENCE,
    Interval,
    Places,
    difference_interval,
    difference_p_value,
    gap_p_values,
    holm,
    rounded,
    row_values,
)
from pipelines.scoring.metrics.figures import Measured, Scores

INPUT_LENGTH = "input length"
LABEL = "label"
OTHERS = "(all others)"
_MOST_VALUES = 50
_QUARTILES = (0.25, 0.5, 0.75)
_FINDING = 0.05

Finding = Literal["better", "worse"]


class Slice(NamedTuple):
    """The places of the rows that have `value` in the column `slice`, by length or by label."""

    slice: str
    value: str
    places: Places


@dataclass(frozen=True)
class SliceRow:
    """One metric over the rows of one slice; the interval is that of the difference, two-sided at 95%.

    `gap` is tuned on the slice less `rest`, tuned on all other rows; None where there are none, and for a metric of the
    whole set, which other labels make another measure. Both p-values are corrected together, over all slices of all
    metrics; below 0.05 the slice is a finding: better or worse than the base, or than the tuned model is elsewhere.
    """

    slice: str
    value: str
    rows: int
    metric: str
    base: float
    tuned: float
    difference: float
    interval: Interval
    p_value: float
    p_corrected: float
    finding: Finding | None
    rest: float | None
    gap: float | None
    gap_p_value: float | None
    gap_p_corrected: float | None
    gap_finding: Finding | None


class _Gap(NamedTuple):
    """Tuned on a slice less `rest`, tuned on all other rows."""

    rest: float
    gap: float
    p_value: float


class _Tested(NamedTuple):
    """One metric over the rows of one slice, row by row, before p-values are corrected."""

    part: Slice
    metric: str
    base: Scores
    tuned: Scores
    p_value: float
    gap: _Gap | None


def column_slices(columns: Sequence[str], values: Sequence[Mapping[str, Any]]) -> list[Slice]:
    """The rows by the values of each column; a column's rare values, past the 50 most frequent, share a slice."""
    return [part for column in columns for part in _by_text(column, [_plain(row.get(column)) for row in values])]


def length_slices(lengths: Sequence[int]) -> list[Slice]:
    """The rows by quartile of their prompts' characters; fewer slices where many prompts are of one length."""
    found = np.asarray(lengths)
    edges = np.unique(np.quantile(found, _QUARTILES, method="lower"))
    quarter = np.searchsorted(edges, found)
    parts = [np.flatnonzero(quarter == number) for number in range(len(edges) + 1)]
    named = [(f"{found[places].min()} to {found[places].max()} characters", places) for places in parts if len(places)]
    return [Slice(INPUT_LENGTH, name, places) for name, places in named] if len(named) > 1 else []


def label_slices(expected: Sequence[str], labels: Iterable[str], *, is_json: bool) -> list[Slice]:
    """The rows by their label: the expected answer where it is a text, else each of its fields in `labels`.

    `labels` are the answer's closed lists; free text is nobody's label and never becomes a slice's name.
    """
    parts = []
    for field in labels:
        if not is_json:
            found = _by_text(LABEL, list(expected))
        else:
            values = [json.loads(answer).get(field) for answer in expected]
            found = _by_text(LABEL, [f"{field}: {_plain(value)}" for value in values])
        parts += found if len(found) > 1 else []
    return parts


def without_twins(columns: Sequence[Slice], labels: Sequence[Slice]) -> list[Slice]:
    """The slices by column but those of a label's very rows, as of the column that is the answer: tested twice, they
    would count twice in the correction, and a metric of the whole set is nothing within one label."""
    of_labels = {part.places.tobytes() for part in labels}
    return [part for part in columns if part.places.tobytes() not in of_labels]


def slice_rows(
    parts: Sequence[Slice], measured: Mapping[str, Mapping[str, Measured]], compared_with: Mapping[str, str]
) -> list[SliceRow]:
    """Each metric on each slice; `measured` is metric -> variant -> scores, `base` the metric's `compared_with`.

    A metric of the whole set is nothing within one label, so it has no slices by label.
    """
    tested = [
        one
        for metric, variants in measured.items()
        for one in _tested(metric, parts, variants[compared_with[metric]], variants[TUNED])
    ]
    p_values = [found.p_value for one in tested for found in (one, one.gap) if found is not None]
    corrected = iter(holm(p_values))
    return [_row(one, next(corrected), next(corrected) if one.gap else None) for one in tested]


def _tested(metric: str, parts: Sequence[Slice], base: Measured, tuned: Measured) -> Iterator[_Tested]:
    taken = [part for part in parts if isinstance(tuned, np.ndarray) or part.slice != LABEL]
    gaps = _gaps(taken, tuned) if isinstance(tuned, np.ndarray) else {}
    for number, part in enumerate(taken):
        before, after = row_values(base, part.places), row_values(tuned, part.places)
        yield _Tested(part, metric, before, after, difference_p_value(after - before), gaps.get(number))


def _gaps(parts: Sequence[Slice], tuned: Scores) -> dict[int, _Gap]:
    """By the place of each slice that leaves other rows."""
    proper = {number: part.places for number, part in enumerate(parts) if len(part.places) < len(tuned)}
    rests = [float(np.delete(tuned, places).mean()) for places in proper.values()]
    p_values = gap_p_values(tuned, list(proper.values()))
    return {
        number: _Gap(rest, float(tuned[places].mean()) - rest, p_value)
        for (number, places), rest, p_value in zip(proper.items(), rests, p_values, strict=True)
    }


def _row(tested: _Tested, p_corrected: float, gap_p_corrected: float | None) -> SliceRow:
    difference, gap = tested.tuned - tested.base, tested.gap
    return SliceRow(
        slice=tested.part.slice,
        value=tested.part.value,
        rows=len(tested.part.places),
        metric=tested.metric,
        base=rounded(tested.base.mean()),
        tuned=rounded(tested.tuned.mean()),
        difference=rounded(difference.mean()),
        interval=difference_interval(difference, CONFIDENCE),
        p_value=rounded(tested.p_value),
        p_corrected=rounded(p_corrected),
        finding=_finding(float(difference.mean()), p_corrected),
        rest=gap and rounded(gap.rest),
        gap=gap and rounded(gap.gap),
        gap_p_value=gap and rounded(gap.p_value),
        gap_p_corrected=None if gap_p_corrected is None else rounded(gap_p_corrected),
        gap_finding=None if gap is None or gap_p_corrected is None else _finding(gap.gap, gap_p_corrected),
    )


def _finding(difference: float, p_corrected: float) -> Finding | None:
    if p_corrected >= _FINDING:
        return None
    return "better" if difference > 0 else "worse"


def slices_csv(rows: Sequence[SliceRow]) -> str:
    """The slices as CSV with a header, for plots and spreadsheets; the interval's ends stand in two columns."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(SliceRow)]
    table.writerow(name for field in names for name in (("low", "high") if field == "interval" else (field,)))
    for row in rows:
        cells = [getattr(row, name) for name in names]
        table.writerow(cell for value in cells for cell in (value if isinstance(value, tuple) else (value,)))
    return text.getvalue()


def _by_text(name: str, texts: list[str]) -> list[Slice]:
    found, inverse, counts = np.unique(np.array(texts), return_inverse=True, return_counts=True)
    kept = np.sort(np.lexsort((found, -counts))[:_MOST_VALUES])
    parts = [Slice(name, str(found[number]), np.flatnonzero(inverse == number)) for number in kept]
    rest = np.flatnonzero(~np.isin(inverse, kept))
    return [*parts, Slice(name, OTHERS, rest)] if len(rest) else parts


def _plain(value: Any) -> str:
    return "(empty)" if value is None else str(value)
