"""Scores of single answers, each between 0 (wrong) and 1 (right); an answer that cannot be read scores 0."""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.recipe import JsonAnswer, Metric, Recipe

Score = Callable[[str, str], float]

_FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.S | re.I)


def scorer(metric: Metric, recipe: Recipe) -> Score:
    """The function (answer, expected answer) -> score that `metric` means for the recipe's kind of answer."""
    if isinstance(recipe.data.example.assistant, JsonAnswer):
        return {"exact_match": same_json, "field_f1": field_f1, "valid_json": valid_json}[metric]
    return same_text


def same_text(answer: str, expected: str) -> float:
    """1 where both texts are equal but for white space around them, else 0; case counts."""
    return float(answer.strip() == expected.strip())


def same_json(answer: str, expected: str) -> float:
    """1 where both are JSON objects with equal fields, else 0; the order of fields and a code fence do not count."""
    found = _object_in(_without_fence(answer))
    return float(found is not None and found == _object_in(expected))


def valid_json(answer: str, expected: str) -> float:
    """1 where the whole answer is a JSON object with exactly the expected one's keys, else 0; a fence is not JSON."""
    found, wanted = _object_in(answer), _object_in(expected)
    return float(found is not None and wanted is not None and found.keys() == wanted.keys())


def field_f1(answer: str, expected: str) -> float:
    """F1 = 2 TP / (2 TP + FP + FN) over the object's `field: value` pairs (van Rijsbergen 1979, chapter 7)."""
    found, wanted = _object_in(_without_fence(answer)), _object_in(expected)
    if not found or not wanted:
        return 0.0
    hits = sum(1 for key, value in wanted.items() if key in found and found[key] == value)
    return 2 * hits / (len(found) + len(wanted))


def _without_fence(answer: str) -> str:
    """Base models like to wrap JSON in a Markdown code fence; anyone who used them would unwrap it."""
    fenced = _FENCED.fullmatch(answer.strip())
    return fenced[1] if fenced else answer


def _object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that `text` is, else None: for NaN, duplicate keys and bottomless nesting, too."""
    try:
        value = json.loads(
            text,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except (ValueError, RecursionError, InvalidOperation):
        return None
    return value if isinstance(value, dict) else None


def _number(digits: str) -> tuple[str, Decimal]:
    # In a pair, because Python holds True equal to 1; as Decimal, because 1 is 1.0 but 2**53 is not 2**53 + 1.
    return ("number", Decimal(digits))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is given twice")
    return fields
