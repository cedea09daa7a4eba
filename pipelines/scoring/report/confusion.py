"""The confusion matrix: a heat table where it is small, else the pairs that are mixed up most."""

from typing import NamedTuple

from pipelines.scoring.report.reports import Json, Reports, Section

_MOST_LABELS = 12
_MOST_PAIRS = 20
OTHER = "(no such label)"


class Cell(NamedTuple):
    """How often one label was expected and one answered; `heat` is its share of the expected rows."""

    rows: int
    heat: float
    right: bool


class Confused(NamedTuple):
    """Two labels that are mixed up; `share` is of the rows that expect the first."""

    expected: str
    answered: str
    rows: int
    share: float


def confusion(reports: Reports) -> Section | None:
    """One table for each field that has labels."""
    found = reports.evaluation.get("confusion")
    if not found:
        return None
    return Section("Confusion", "confusion", [_shown(field, matrix) for field, matrix in found.items()])


def _shown(field: str, matrix: Json) -> Json:
    # Numbers and booleans are labels, too.
    labels = list(map(str, matrix["labels"]))
    return {
        "field": field,
        "labels": labels,
        "answered": [*labels, OTHER] if any(matrix["other"]) else labels,
        "cells": _cells(matrix) if len(labels) <= _MOST_LABELS else None,
        "pairs": _pairs(matrix, [*labels, OTHER]),
        "right": sum(row[place] for place, row in enumerate(matrix["counts"])),
        "rows": sum(map(sum, matrix["counts"])) + sum(matrix["other"]),
    }


def _rows(matrix: Json) -> list[list[int]]:
    """Counts by expected label; where any answer was no label at all, these come last."""
    if not any(matrix["other"]):
        return list(matrix["counts"])
    return [[*counts, other] for counts, other in zip(matrix["counts"], matrix["other"], strict=True)]


def _cells(matrix: Json) -> list[list[Cell]]:
    return [
        [Cell(count, count / max(1, sum(counts)), answered == expected) for answered, count in enumerate(counts)]
        for expected, counts in enumerate(_rows(matrix))
    ]


def _pairs(matrix: Json, labels: list[str]) -> list[Confused]:
    pairs = [
        Confused(labels[expected], labels[answered], count, count / sum(counts))
        for expected, counts in enumerate(_rows(matrix))
        for answered, count in enumerate(counts)
        if count and answered != expected
    ]
    return sorted(pairs, key=lambda pair: (-pair.rows, -pair.share, pair.expected, pair.answered))[:_MOST_PAIRS]
