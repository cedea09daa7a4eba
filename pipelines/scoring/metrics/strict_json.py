"""JSON out of a model's mouth: read strictly, with values that compare as JSON means them."""

import json
import re
from collections.abc import Hashable
from decimal import Decimal, InvalidOperation
from typing import Any

_FENCE = "```"
# Behind the first fence may stand the language's name; a word before anything else is the answer's own.
_LANGUAGE = re.compile(r"\A(?:(?i:json|sql)\b|\w*(?=\s*[\n{]))")


def without_fence(answer: str) -> str:
    """Base models like to wrap JSON or SQL in a Markdown code fence; anyone who used them would unwrap it."""
    text = answer.strip()
    if len(text) < 2 * len(_FENCE) or not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return answer
    return _LANGUAGE.sub("", text[len(_FENCE) : -len(_FENCE)]).strip()


def object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that `text` is, else None: for NaN, duplicate keys and bottomless nesting, too.

    Numbers come as pairs ("number", Decimal).
    """
    try:
        value = EXACT.decode(text)
    except UNREADABLE:
        return None
    return value if isinstance(value, dict) else None


def plain_object_in(text: str) -> dict[str, Any] | None:
    """The same object with Python's own numbers, as a JSON Schema's validator takes them."""
    try:
        value = _PLAIN.decode(text)
    except UNREADABLE:
        return None
    return value if isinstance(value, dict) else None


def hashable(value: Any) -> Hashable:
    """A value that EXACT read, so that it can be counted; equal values stay equal, the order of keys does not count.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, dict):
        return ("object", frozenset((key, hashable(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("list", tuple(hashable(inner) for inner in value))
    # Python holds True equal to 1, though not to a number's pair; the kind keeps all of them apart.
    return (type(value).__name__, value)


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


# What reading broken JSON raises.
UNREADABLE = (ValueError, RecursionError, InvalidOperation)
EXACT = json.JSONDecoder(
    parse_int=_number, parse_float=_number, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
)
_PLAIN = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
