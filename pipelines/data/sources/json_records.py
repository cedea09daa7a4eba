"""JSON Lines, one object a line, as RFC 8259 has it: no NaN, no key given twice."""

import json
from typing import Any


class NumberText(str):
    """A number as it was written: as a double it could be rounded."""

    __slots__ = ()


class BrokenJsonError(ValueError):
    """The line is not one JSON object; the message is the row's fault."""


def parse_object(text: str) -> dict[str, Any]:
    """The object on one line, its numbers as NumberText; raises BrokenJsonError."""
    try:
        value = _DECODER.decode(text)
    except BrokenJsonError:
        raise
    except ValueError:
        raise BrokenJsonError("row: broken JSON") from None
    except RecursionError:
        raise BrokenJsonError("row: JSON nested too deeply") from None
    if not isinstance(value, dict):
        raise BrokenJsonError("row: not a JSON object")
    return value


def as_text(value: Any) -> tuple[str | None, str]:
    """A value's text, None for null, and its kind: s(tring), n(umber), b(oolean), o(bject or array), - (null).

    Raises:
        BrokenJsonError: an object or array cannot be written as JSON again.
    """
    if value is None:
        return None, "-"
    if isinstance(value, NumberText):
        return str(value), "n"
    if isinstance(value, bool):
        return str(value).lower(), "b"
    if isinstance(value, str):
        return value, "s"
    return as_json_text(value), "o"


def as_json_text(value: Any) -> str:
    """An object or array as JSON, its numbers as numbers; raises BrokenJsonError where one is beyond all measure."""
    try:
        return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise BrokenJsonError("row: a number or a nesting is beyond all measure") from None


def _plain(value: Any) -> Any:
    """A value whose numbers, kept as they were written, are numbers again."""
    if isinstance(value, NumberText):
        return int(value) if value.lstrip("-").isdecimal() else float(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BrokenJsonError("row: JSON key given twice")
    return value


def _refuse_constant(_: str) -> Any:
    raise BrokenJsonError("row: NaN or infinity in JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=NumberText, parse_float=NumberText, parse_constant=_refuse_constant
)
