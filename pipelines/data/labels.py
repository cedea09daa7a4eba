"""The values of each answer field: which fields are a choice, how often each value occurs on each side."""

import json
from pathlib import Path
from typing import Any

from pipelines.data.splits import SIDES, TEST, TRAIN
from pipelines.errors import TinsmithError

MOST_LABELS = 100


class LabelCounts:
    """Counts the values of each answer field by side; a field with too many different values is free text."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._counts: dict[str, dict[str, list[int]]] = {}
        self._first_tested: dict[tuple[str, str], str] = {}

    def add(self, fields: dict[str, Any], side: int, record: str) -> None:
        """Count one row's answer; `side` is a position in SIDES."""
        for field, value in fields.items():
            self._rows[field] = self._rows.get(field, 0) + 1
            counts = self._counts.setdefault(field, {})
            text = json.dumps(value, ensure_ascii=False)
            # One more than allowed says enough; a million different answers are not kept.
            if text in counts or len(counts) <= MOST_LABELS:
                counts.setdefault(text, [0] * len(SIDES))[side] += 1
                if side == TEST:
                    self._first_tested.setdefault((field, text), record)

    def choices(self) -> dict[str, list[Any]]:
        """The distinct values, sorted, of each field that is a choice.

        A choice has at most 100 values, and on average each occurs at least twice.
        """
        return {field: [json.loads(text) for text in sorted(counts)] for field, counts in self._choices().items()}

    def balance(self) -> dict[str, dict[str, dict[str, int]]]:
        """By field that is a choice, by value: its rows on each side."""
        return {
            field: {_plain(text): dict(zip(SIDES, counts[text], strict=True)) for text in sorted(counts)}
            for field, counts in self._choices().items()
        }

    def check(self, recipe_file: Path) -> None:
        """Refuse labels that the model is asked for but never taught.

        Raises:
            TinsmithError: one line for each field with labels in test that training never shows, with the first row.
        """
        mistakes = []
        for field, counts in self._choices().items():
            untaught = [text for text, by_side in counts.items() if by_side[TEST] and not by_side[TRAIN]]
            if untaught:
                mistakes.append(
                    f"{recipe_file}: data.split: {len(untaught)} label(s) of `{field}` occur in test but not in train "
                    f"(first in {self._first_tested[field, untaught[0]]}); add rows with them, lower data.split.test, "
                    "or drop the rows"
                )
        if mistakes:
            raise TinsmithError("\n".join(mistakes))

    def _choices(self) -> dict[str, dict[str, list[int]]]:
        return {
            field: counts
            for field, counts in self._counts.items()
            if len(counts) <= min(MOST_LABELS, self._rows[field] // 2)
        }


def _plain(text: str) -> str:
    value = json.loads(text)
    return value if isinstance(value, str) else text
