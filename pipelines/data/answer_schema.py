"""The JSON Schema that every answer keeps, from what the contract promises about the answer's columns."""

from collections.abc import Sequence
from typing import Any

from pipelines.data.contracts.contract import Column, Contract
from pipelines.recipe import JsonAnswer, answer_key

_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean", "object": "object", "array": "array"}


def answer_schema(answer: JsonAnswer, contract: Contract) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a JSON answer, which llama-server takes as `response_format`."""
    return _object({answer_key(name): _value(name, contract) for name in answer.json_})


def _value(name: str, contract: Contract) -> dict[str, Any]:
    columns = contract.columns_of(name)
    if [column.name for column in columns] == [name]:
        return _single(columns[0])
    return _nested([(column, column.name.removeprefix(f"{name}.").split(".")) for column in columns])


def _nested(columns: Sequence[tuple[Column, Sequence[str]]]) -> dict[str, Any]:
    """An object of columns, each with its path below the object."""
    inside: dict[str, list[tuple[Column, Sequence[str]]]] = {}
    for column, (key, *path) in columns:
        inside.setdefault(key, []).append((column, path))
    return _object({key: _nested(below) if below[0][1] else _single(below[0][0]) for key, below in inside.items()})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _single(column: Column) -> dict[str, Any]:
    rules = {rule.name: rule.argument for rule in column.rules}
    missing = [] if "required" in rules else [None]
    if "enum" in rules:
        return {"enum": [*rules["enum"], *missing]}
    kind = _TYPES.get(column.logical_type, "string")
    items = {"items": {"type": _TYPES.get(rules["items"], "string")}} if "items" in rules else {}
    return {"type": [kind, "null"] if missing else kind, **items}
