"""Objects and lists in rows, which ingest keeps as JSON text or as a column for each field."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.data.contracts.contract import Contract

Row = dict[str, Any]


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value, in order; keys are none."""
    left = [value]  # no recursion: what json reads may lie deeper than Python calls
    while left:
        inner = left.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict | list):
            left.extend(reversed(inner.values() if isinstance(inner, dict) else inner))


def single_columns(named: Iterable[str], contract: Contract) -> tuple[str, ...]:
    """The columns that a recipe names, with those of its fields in place of each object."""
    return tuple(dict.fromkeys(column.name for name in named for column in contract.columns_of(name)))


def with_lists(row: Row, columns: Iterable[str]) -> Row:
    """The row with the lists and objects that these columns hold as JSON text; other text stays as it is."""
    return row | {column: _parsed(row[column]) for column in columns}


def with_objects(row: Row, named: Iterable[str], contract: Contract) -> Row:
    """The row with an object, made of its fields' columns, for each name of one."""
    objects: Row = {}
    for name in named:
        if name not in row:
            objects[name] = {}
            for column in contract.columns_of(name):
                *outer, key = column.name.removeprefix(f"{name}.").split(".")
                place = objects[name]
                for part in outer:
                    place = place.setdefault(part, {})
                place[key] = row[column.name]
    return row | objects


def list_columns(contract: Contract) -> set[str]:
    """The columns that hold a list, or an object whose fields the contract does not describe."""
    return {column.name for column in contract.columns if column.logical_type in ("object", "array")}


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
