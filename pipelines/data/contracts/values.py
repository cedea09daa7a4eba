"""The types of a contract's columns: how a row's text is one of them, and how a contract writes their values in SQL.

Everything is read as text and cast by DuckDB. Its casts are lenient ('5.7' is the integer 6, 'yes' is true, an offset
is lost), so that a regular expression guards each.
"""

import datetime
import math
import re
from typing import Any

import duckdb

_INTEGER_BITS = {f"{sign}{bits}": (sign, bits) for sign in "iu" for bits in (8, 16, 32)} | {"i64": ("i", 64)}
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_FIRST_INEXACT = 2**53
_LARGEST_F32 = 3.4028234663852886e38
_HOST = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_FORMATS = {
    # HTML's valid e-mail address: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
    "email": f"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_HOST}",
    "hostname": _HOST,  # RFC 1123
    "ipv4": f"({_BYTE}\\.){{3}}{_BYTE}",
    "uri": r"[a-zA-Z][a-zA-Z0-9+.-]*:([a-zA-Z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9a-fA-F]{2})+",  # RFC 3986
    "uuid": "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",  # RFC 9562
}
_MOST_DIGITS = 38
# The types of an array's items, each with what DuckDB calls them in JSON.
ITEM_TYPES = {
    "string": ("VARCHAR",),
    "integer": ("BIGINT", "UBIGINT", "HUGEINT"),
    "number": ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"),
    "boolean": ("BOOLEAN",),
    "object": ("OBJECT",),
    "array": ("ARRAY",),
}
_SIZED_TEXT = re.compile(r"(?:N?(?:VAR)?CHAR2?|CHARACTER(?: VARYING)?)\s*\(\s*([0-9]{1,9})\s*\)", re.I)
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*([0-9]{1,3})\s*(?:,\s*([0-9]{1,3})\s*)?\)", re.I)


def typed(logical_type: str, text: str, options: dict[str, Any]) -> str:
    """SQL of a column's value, NULL where the SQL expression `text` is NULL or is not of the type.

    Integers and numbers are decimal without leading zeros or spaces; an integer must fit 64 bits; a number must be
    finite, and whole numbers from 2**53 on, which a double may round, are none. Booleans are true and false in any
    case. A time of day has no offset. Dates and timestamps are ISO 8601 from the year 1 on; a timestamp has at most six
    decimals and, where it states no offset, is in the option `defaultTimezone` (UTC). The option `timezone` demands or
    forbids the offset. Objects and arrays are JSON.
    """
    if logical_type == "integer":
        return _guarded(text, "-?(0|[1-9][0-9]*)", f"TRY_CAST({text} AS BIGINT)")
    if logical_type == "number":
        double = f"TRY_CAST({text} AS DOUBLE)"
        exact = f"isfinite({double}) AND (abs({double}) < {_FIRST_INEXACT} OR regexp_matches({text}, '[.eE]'))"
        return _guarded(text, _NUMBER, f"CASE WHEN {exact} THEN {double} END")
    if logical_type == "boolean":
        return _guarded(text, "(?i)(true|false)", f"TRY_CAST({text} AS BOOLEAN)")
    if logical_type == "date":
        return _guarded(text, _DAY, _from_year_one(text, f"TRY_CAST({text} AS DATE)", "DATE"))
    if logical_type == "time":
        # DuckDB does not cast a time that has no seconds.
        seconds = f"CASE WHEN length({text}) = 5 THEN {text} || ':00' ELSE {text} END"
        return _guarded(text, _TIME, f"TRY_CAST({seconds} AS TIME)")
    if logical_type == "timestamp":
        return _timestamp(text, options)
    if logical_type in ("object", "array"):
        return f"CASE WHEN json_valid({text}) AND json_type({text}) = '{logical_type.upper()}' THEN {text} END"
    return text


def other_items(value: str, item_type: str) -> str:
    """SQL that is true where an array has items of another type."""
    kinds = ", ".join(quoted(kind) for kind in ITEM_TYPES[item_type])
    return f"len(list_filter(json_type({value}, '$[*]'), kind -> kind NOT IN ({kinds}))) > 0"


def literal(logical_type: str, value: Any) -> str:
    """SQL of a value that a contract gives, as `argument_mistake` lets it pass."""
    if logical_type == "integer":
        return str(value)
    if logical_type == "number":
        return f"{float(value)!r}::DOUBLE"
    if logical_type == "boolean":
        return str(value).upper()
    if logical_type == "date":
        return f"DATE {quoted(value)}"
    if logical_type == "time":
        return f"TIME {quoted(datetime.time.fromisoformat(value).isoformat())}"
    if logical_type == "timestamp":
        return f"TIMESTAMPTZ {quoted(datetime.datetime.fromisoformat(value).isoformat())}"
    return quoted(value)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def integer_range(form: str) -> tuple[int, int]:
    """The smallest and the largest integer of a format such as `i32` or `u8`."""
    sign, bits = _INTEGER_BITS[form]
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if sign == "i" else (0, 2**bits - 1)


def limits(physical_type: str) -> bool:
    """Whether a physical type limits what a value may be, beyond its logical type.

    Those of SQL with a length or with digits do. Bare names such as INT do not: their sizes differ between databases.
    """
    return bool(_SIZED_TEXT.fullmatch(physical_type.strip()) or _DECIMAL.fullmatch(physical_type.strip()))


def beyond_physical(physical_type: str, text: str) -> str:
    """SQL that is true where a text is longer, or has more digits, than a physical type that `limits`."""
    if sized := _SIZED_TEXT.fullmatch(physical_type.strip()):
        return f"length({text}) > {int(sized[1])}"
    digits = _DECIMAL.fullmatch(physical_type.strip())
    assert digits is not None
    scale = int(digits[2] or 0)
    whole = int(digits[1]) - scale
    return f"NOT regexp_full_match({text}, '-?0*[0-9]{{0,{whole}}}(\\.[0-9]{{0,{scale}}}0*)?')"


def beyond_format(form: str, logical_type: str, value: str) -> str | None:
    """SQL that is true where a value is none of the format of its type; None for a format that limits nothing."""
    if logical_type == "integer":
        low, high = integer_range(form)
        return f"{value} NOT BETWEEN {low} AND {high}"
    if logical_type == "string":
        return f"NOT regexp_full_match({value}, {quoted(_FORMATS[form])})"
    return f"abs({value}) > {_LARGEST_F32!r}" if form == "f32" else None


def argument_mistake(logical_type: str, rule: str, argument: Any) -> str | None:
    """What is wrong with a rule's argument for a column of this type, None where nothing is."""
    if rule == "pattern":
        return _pattern_mistake(logical_type, argument)
    if rule == "format":
        return _format_mistake(logical_type, argument)
    if rule == "defaultTimezone":
        known = duckdb.execute("SELECT count(*) FROM pg_timezone_names() WHERE name = ?", [argument]).fetchone()
        return None if known and known[0] else f"{argument} is not a time zone; write one such as Europe/Berlin"
    if rule == "enum":
        values = argument
        if not values:
            return "is empty, so that no row could be accepted"
    elif rule in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        values = (argument,)
    elif rule == "missingValues":
        strings = all(value is None or isinstance(value, str) for value in argument)
        return None if strings else "holds a value that YAML does not read as text; put it in quotes"
    elif rule == "physicalType":
        return _physical_mistake(argument)
    elif rule == "multipleOf":
        return None if float(argument).is_integer() else "only whole numbers are supported here"
    else:
        return None
    wrong = [value for value in values if not _is_of(logical_type, value)]
    return f"{wrong[0]!r} is not of type {logical_type}{_mend(logical_type)}" if wrong else None


def _guarded(text: str, pattern: str, value: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, {quoted(pattern)}) THEN {value} END"


def _from_year_one(text: str, value: str, kind: str) -> str:
    # Most texts say by themselves that they are later, in whatever time zone, and are then cast once.
    return f"CASE WHEN {text} >= '0001-01-03' THEN {value} WHEN {value} >= {kind} '0001-01-01' THEN {value} END"


def _timestamp(text: str, options: dict[str, Any]) -> str:
    local = f"{_DAY}[T ]{_TIME}"
    zone = options.get("defaultTimezone", "UTC")
    read = f"TRY_CAST({text} AS TIMESTAMP)"
    # The calendar is asked only where it changes something, which takes twice the cast's time.
    moment = f"make_timestamptz(epoch_us({read}))" if zone == "UTC" else f"timezone({quoted(zone)}, {read})"
    without = _guarded(text, local, moment)
    # DuckDB does not cast a time that has an offset and no seconds.
    seconds = f"regexp_replace({text}, '([T ][0-9:]{{5}})([Z+-])', '\\1:00\\2')"
    within = _guarded(text, f"{local}{_OFFSET}", f"TRY_CAST({seconds} AS TIMESTAMPTZ)")
    allowed = {None: f"coalesce({without}, {within})", True: within, False: without}
    return _from_year_one(text, allowed[options.get("timezone")], "TIMESTAMPTZ")


def _is_of(logical_type: str, value: Any) -> bool:
    if logical_type == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if logical_type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if logical_type == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if logical_type == "date":
        return bool(re.fullmatch(_DAY, value)) and _parses(datetime.date, value)
    if logical_type == "time":
        return bool(re.fullmatch(_TIME, value))
    if logical_type == "timestamp":
        return bool(re.fullmatch(f"{_DAY}[T ]{_TIME}{_OFFSET}", value)) and _parses(datetime.datetime, value)
    return True


def _parses(kind: type[datetime.date], value: str) -> bool:
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True


def _mend(logical_type: str) -> str:
    return {
        "string": "; put it in quotes",
        "date": "; write it in quotes, as in '2026-01-31'",
        "time": "; write it in quotes, as in '09:00'",
        "timestamp": "; write it in quotes and with its offset, as in '2026-01-31T09:00:00Z'",
    }.get(logical_type, "")


def _pattern_mistake(logical_type: str, pattern: Any) -> str | None:
    if logical_type != "string" or not isinstance(pattern, str):
        return "only a text for a column of type string is supported here"
    try:
        # A parameter would make DuckDB import pandas, for a second.
        duckdb.execute(f"SELECT regexp_matches('', {quoted(pattern)})")
    except duckdb.InvalidInputException as error:
        return f"is not a regular expression that RE2 knows ({str(error).removeprefix('Invalid Input Error: ')})"
    return None


def _format_mistake(logical_type: str, form: str) -> str | None:
    allowed = {"number": ("f32", "f64"), "integer": tuple(_INTEGER_BITS), "string": tuple(_FORMATS)}[logical_type]
    return None if form in allowed else f"{form} is not supported here; allowed: {', '.join(allowed)}"


def _physical_mistake(physical_type: str) -> str | None:
    digits = _DECIMAL.fullmatch(physical_type.strip())
    if digits and not int(digits[2] or 0) <= int(digits[1]) <= _MOST_DIGITS:
        return f"{physical_type}: a decimal has at most {_MOST_DIGITS} digits, and no more behind the point than in all"
    return None
