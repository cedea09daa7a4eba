"""Splitting by group: rows that share a prompt or a value of a `group_by` column never stand on two sides.

A group's side follows from a hash of its smallest key alone, so that reruns, the order of rows and new rows of other
groups change nothing.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.errors import TinsmithError
from pipelines.recipe import Split

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")

Key = tuple[int, str]  # which of the things compared (first the group_by columns, then the prompt), and its value
MOST_LABELS = 100


@dataclass(frozen=True)
class Assignment:
    """For each row its group (a hash) and its side."""

    groups: list[str]
    sides: list[Side]

    def group_counts(self) -> dict[str, int]:
        """How many groups each side has."""
        counts = Counter(dict(zip(self.groups, self.sides, strict=True)).values())
        return {side: counts[side] for side in SIDES}


def assign_sides(rows: Sequence[Sequence[Key]], split: Split) -> Assignment:
    """Give every row its group and its side; each row has at least one key, and rows that share one share a group."""
    groups = group_rows(rows)
    return Assignment(groups, [side_of(group, split) for group in groups])


def group_rows(rows: Sequence[Sequence[Key]]) -> list[str]:
    """The group of each row: the hash of the smallest key in its connected component of the rows-and-keys graph."""
    numbers: dict[Key, int] = {}
    row_of_edge: list[int] = []
    key_of_edge: list[int] = []
    for row, keys in enumerate(rows):
        for key in keys:
            row_of_edge.append(row)
            key_of_edge.append(len(rows) + numbers.setdefault(key, len(numbers)))
    size = len(rows) + len(numbers)
    edges = coo_array((np.ones(len(row_of_edge), dtype=np.int8), (row_of_edge, key_of_edge)), shape=(size, size))
    _, component = connected_components(edges, directed=False)
    smallest: dict[int, Key] = {}
    for key in sorted(numbers, reverse=True):
        smallest[int(component[len(rows) + numbers[key]])] = key
    return [_digest(smallest[int(component[row])]) for row in range(len(rows))]


def side_of(group: str, split: Split) -> Side:
    """The side of a group: its hash, read as a number in [0, 1), falls into test, validation or train."""
    place = int(group[:13], 16) / 16**13
    if place < split.test:
        return "test"
    return "validation" if place < split.test + split.validation else "train"


def labels(values: Sequence[Any]) -> list[Any] | None:
    """The distinct values of an answer's field, sorted; None where it is free text rather than a choice.

    A choice has at most 100 values, and on average each occurs at least twice.
    """
    distinct = {json.dumps(value, ensure_ascii=False): value for value in values}
    if len(distinct) > min(MOST_LABELS, len(values) // 2):
        return None
    return [distinct[text] for text in sorted(distinct)]


def check_sides(assignment: Assignment, split: Split, recipe_file: Path) -> None:
    """Refuse a split without test or training rows.

    Raises:
        TinsmithError: names the recipe's file, the number of groups and the fields to change.
    """
    counts = assignment.group_counts()
    for side in ("test", "train"):
        if not counts[side]:
            grouped = f" by {', '.join(split.group_by)}" if split.group_by else ""
            raise TinsmithError(
                f"{recipe_file}: data.split: no rows for {side}; {len(assignment.sides)} rows form "
                f"{sum(counts.values())} group(s){grouped}; {_mend(side, split)}"
            )


def check_labels(
    fields: Mapping[str, Sequence[Any]], assignment: Assignment, records: Sequence[str], recipe_file: Path
) -> None:
    """Refuse labels that the model is asked for but never taught.

    `fields` holds each answer field's value of every row; `records` names the rows.

    Raises:
        TinsmithError: one line for each field with labels in test that training never shows, with the first such row.
    """
    mistakes = []
    for field, values in fields.items():
        if labels(values) is None:
            continue
        taught = {json.dumps(value) for value, side in zip(values, assignment.sides, strict=True) if side == "train"}
        untaught = [
            (record, text)
            for record, value, side in zip(records, values, assignment.sides, strict=True)
            if side == "test" and (text := json.dumps(value)) not in taught
        ]
        if untaught:
            mistakes.append(
                f"{recipe_file}: data.split: {len({text for _, text in untaught})} label(s) of `{field}` occur in test "
                f"but not in train (first in {untaught[0][0]}); add rows with them, lower data.split.test, or drop "
                "the rows"
            )
    if mistakes:
        raise TinsmithError("\n".join(mistakes))


def _mend(side: str, split: Split) -> str:
    if side == "train":
        shares = "data.split.test or data.split.validation"
        return f"lower {shares}" + (", or name fewer columns in data.split.group_by" if split.group_by else "")
    raised = f"raise data.split.test (now {split.test:g})"
    return raised + (", or name fewer columns in data.split.group_by" if split.group_by else ", or add rows")


def _digest(key: Key) -> str:
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
