"""The values of each answer field: which fields are a choice, how often each value occurs on each side."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.data.contracts.contract import Column, Contract
from pipelines.data.splits import SIDES, TEST, TRAIN
from pipelines.errors import TinsmithError
from pipelines.recipe import Example, JsonAnswer, answer_key, template_columns

MOST_LABELS = 100
# Of a label that no contract lists. A letter that is sent again and again is text of the data, which no report shows.
MOST_WORDS = 5
MOST_CHARACTERS = 50

Choices = Mapping[str, bool]


def choices_by_contract(example: Example, contract: Contract) -> Choices:
    """The answer fields of which the contract tells whether they are a choice.

    True for closed lists and booleans, False for personal data; of the others their values tell.
    """
    answer = example.assistant
    if isinstance(answer, JsonAnswer):
        fields = {answer_key(name): contract.columns_of(name) for name in answer.json_}
    else:
        named = template_columns(answer or "")
        fields = {"answer": tuple(column for name in named for column in contract.columns_of(name))}
    closed = {field: bool(columns) and all(map(_is_closed, columns)) for field, columns in fields.items()}
    personal = {field for field, columns in fields.items() if any(column.personal for column in columns)}
    return {field: is_closed for field, is_closed in closed.items() if is_closed or field in personal}


class LabelCounts:
    """Counts the values of each answer field by side; a field with too many or too long values is free text."""

    def __init__(self, choices: Choices) -> None:
        self._by_contract = choices
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

        A choice has at most 100 values, and on average each occurs at least twice. The contract lists them, or they
        are short: at most 5 words and 50 characters.
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
            and self._by_contract.get(field, all(map(_is_short, counts)))
        }


def _is_closed(column: Column) -> bool:
    return column.logical_type == "boolean" or any(rule.name == "enum" for rule in column.rules)


def _is_short(text: str) -> bool:
    return len(text.split()) <= MOST_WORDS and len(_plain(text)) <= MOST_CHARACTERS


def _plain(text: str) -> str:
    value = json.loads(text)
    return value if isinstance(value, str) else text
