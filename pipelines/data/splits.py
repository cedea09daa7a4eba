"""Splitting: which rows train, which watch the training (validation), and which judge (test).

A row's own side follows from the row alone: from a hash of its group, the value of the first `group_by` column that it
has, else its prompt; or, with `by_time`, from its time. So rows that are added move no other row.

What must not stand on two sides (equal `group_by` values, equal prompts, near duplicates) links rows of different
groups, too. Linked rows are not moved to one side: a row that trained a model yesterday must not judge one today, and a
chain of links would pull most of the data to one side. Instead test rows give way: what shares a key with a training
row is left out and counted. So no test row shares one with any row that this or an earlier model was trained on.
"""

import hashlib
import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import TinsmithError
from pipelines.recipe import Split

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
LEFT_OUT = 3
NO_KEY = 0
_AT_A_TIME = 1_000_000  # keys

Keys = NDArray[np.uint64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Assignment:
    """For each row its group (a hash) and its side: a position in SIDES, or LEFT_OUT."""

    groups: Keys
    sides: Numbers

    def of(self, rows: NDArray[np.bool_]) -> "Assignment":
        """That of the rows which the mask names alone."""
        return Assignment(self.groups[rows], self.sides[rows])

    def row_counts(self) -> dict[str, int]:
        """How many rows each side has."""
        return {side: int((self.sides == number).sum()) for number, side in enumerate(SIDES)}

    def group_counts(self) -> dict[str, int]:
        """How many groups each side has."""
        return {side: different(self.groups[self.sides == number]) for number, side in enumerate(SIDES)}


def assigned(keys: Keys, kept: NDArray[np.bool_], split: Split, times: Numbers) -> Assignment:
    """The side of each row of `keys` (rows, columns); LEFT_OUT for those that are not kept or give way.

    `times` are microseconds, one for each row; they matter where the split is by time.
    """
    groups = groups_of(keys)
    sides = np.full(len(keys), LEFT_OUT, np.int64)
    sides[kept] = sides_by_time(times[kept], split) if split.by_time else sides_by_hash(groups[kept], split)
    return Assignment(groups, give_way(keys, sides))


def key_hash(column: int, value: str) -> int:
    """A 64-bit key of a value; `column` keeps equal values of different columns apart. Never NO_KEY in practice."""
    return int(hashlib.sha256(json.dumps((column, value)).encode()).hexdigest()[:16], 16)


def groups_of(keys: Keys) -> Keys:
    """The group of each row of `keys` (rows, columns): its first key that is not NO_KEY."""
    first: Numbers = np.argmax(keys != NO_KEY, axis=1)
    found: Keys = np.take_along_axis(keys, first[:, None], axis=1)[:, 0]
    return found


def sides_by_hash(groups: Keys, split: Split) -> Numbers:
    """Each group's side: its hash, read as a number in [0, 1), falls into test, validation or train."""
    places = (groups >> np.uint64(12)) / 2.0**52
    return np.select([places < split.test, places < split.test + split.validation], [TEST, VALIDATION], TRAIN)


def sides_by_time(times: Numbers, split: Split) -> Numbers:
    """The newest rows judge, those before them validate, the oldest train; rows of one time share a side.

    When newer rows are added, older ones move from test to train and never back.
    """
    newest_first = np.sort(times)[::-1]

    def start(share: float) -> int:
        count = round(share * len(times))
        return int(newest_first[count - 1]) if count else int(times.max(initial=0)) + 1

    test, validation = start(split.test), start(split.test + split.validation)
    return np.select([times >= test, times >= validation], [TEST, VALIDATION], TRAIN)


def give_way(keys: Keys, sides: Numbers) -> Numbers:
    """`sides` without the rows that share a key with a stronger side: train before test before validation.

    `keys` is (rows, columns), a column for each thing that must not stand on two sides; nobody shares NO_KEY.
    """
    sides = sides.copy()
    for weaker, stronger in ((TEST, (TRAIN,)), (VALIDATION, (TRAIN, TEST))):
        held = np.isin(sides, stronger)
        shares = np.zeros(len(sides), bool)
        for column in keys.T:
            shares |= (column != NO_KEY) & _among(column, column[held])
        sides[(sides == weaker) & shares] = LEFT_OUT
    return sides


def check_leaks(keys: Keys, sides: Numbers, recipe_file: Path) -> None:
    """Refuse a split in which two sides share a key.

    Raises:
        TinsmithError: says how many keys stand on two sides.
    """
    leaking = 0
    for column in keys.T:
        on_side = [column[(sides == side) & (column != NO_KEY)] for side in range(len(SIDES))]
        for one, other in combinations(on_side, 2):
            leaking += different(one[_among(one, other)])
    if leaking:
        raise TinsmithError(
            f"{recipe_file}: data.split: {leaking} group(s), prompts or near-duplicate clusters stand on two sides; "
            "this is a fault of the split: report it"
        )


def check_sides(assignment: Assignment, split: Split, recipe_file: Path) -> None:
    """Refuse a split without test or training rows.

    Raises:
        TinsmithError: names the recipe's file, the number of groups and the fields to change.
    """
    counts = assignment.row_counts()
    left_out = int((assignment.sides == LEFT_OUT).sum())
    also = ", or set data.curate.near_duplicates to drop" if left_out else ""
    for side in ("test", "train"):
        if not counts[side]:
            grouped = f" by {', '.join(split.group_by)}" if split.group_by else ""
            gave_way = f", {left_out} left out because they share a group, prompt or near duplicate" if left_out else ""
            raise TinsmithError(
                f"{recipe_file}: data.split: no rows for {side}; {len(assignment.sides)} rows form "
                f"{different(assignment.groups)} group(s){grouped}{gave_way}; {_mend(side, split)}{also}"
            )


def different(values: Keys) -> int:
    """How many different values there are; np.unique is fifty times slower on millions of them."""
    ordered = np.sort(values)
    return int((ordered[1:] != ordered[:-1]).sum()) + bool(len(ordered))


def _among(values: Keys, some: Keys) -> NDArray[np.bool_]:
    """Which values stand in `some`, a part at a time; np.isin would hold several copies of all."""
    some = np.sort(some)
    found = np.zeros(len(values), bool)
    for start in range(0, len(values) if len(some) else 0, _AT_A_TIME):
        part = values[start : start + _AT_A_TIME]
        order = np.argsort(part)  # looked up in order, what is looked at lies near
        places = np.minimum(np.searchsorted(some, part[order]), len(some) - 1)
        found[start + order] = some[places] == part[order]
    return found


def _mend(side: str, split: Split) -> str:
    if side == "train":
        shares = "data.split.test or data.split.validation"
        return f"lower {shares}" + (", or name fewer columns in data.split.group_by" if split.group_by else "")
    raised = f"raise data.split.test (now {split.test:g})"
    return raised + (", or name fewer columns in data.split.group_by" if split.group_by else ", or add rows")
