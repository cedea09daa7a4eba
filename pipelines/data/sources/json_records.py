"""JSON Lines, one object a line, as RFC 8259 has it: no NaN, no key given twice."""

import json
from typing import Any


class NumberText(str):
    """A number as it was written: as a double it could be rounded."""

    __slots__ = ()


class BrokenJsonError(ValueError):
    """The line is not one JSON object, or not of its shape; `args` are the row's faults."""


def parse_object(text: str) -> dict[str, Any]:
    """The object on one line, its numbers as NumberText; raises BrokenJsonError with every fault that it has."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BrokenJsonError(*_faults(text))
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


def _faults(text: str) -> list[str]:
    """Why a text is no object, each reason once; what stands behind broken JSON is not looked at."""
    found = []

    def noting(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            found.append("row: JSON key given twice")
        return dict(pairs)

    decoder = json.JSONDecoder(
        object_pairs_hook=noting,
        parse_int=NumberText,
        parse_constant=lambda _: found.append("row: NaN or infinity in JSON"),
    )
    try:
        if not isinstance(decoder.decode(text), dict):
            found.append("row: not a JSON object")
    except ValueError:
        found.append("row: broken JSON")
    except RecursionError:
        found.append("row: JSON nested too deeply")
    return list(dict.fromkeys(found))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key given twice")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=NumberText, parse_float=NumberText, parse_constant=_refuse_constant
)
