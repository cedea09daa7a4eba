"""The JSON Schema that every answer keeps, from what the contract promises about the answer's columns."""

from typing import Any

from pipelines.data.contracts.contract import Contract
from pipelines.recipe import JsonAnswer

_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}


def answer_schema(answer: JsonAnswer, contract: Contract) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a JSON answer, which llama-server takes as `response_format`."""
    columns = {column.name: column for column in contract.columns}
    properties: dict[str, dict[str, Any]] = {}
    for name in answer.json_:
        rules = {rule.name: rule.argument for rule in columns[name].rules}
        kind = _TYPES.get(columns[name].logical_type, "string")
        missing = [] if "required" in rules else [None]
        if "enum" in rules:
            properties[name] = {"enum": [*rules["enum"], *missing]}
        else:
            properties[name] = {"type": [kind, "null"] if missing else kind}
    return {
        "type": "object",
        "properties": properties,
        "required": list(answer.json_),
        "additionalProperties": False,
    }
