"""What of the Open Data Contract Standard is understood here: its JSON Schema, and what of it is checked.

A promise in a contract that nobody keeps is worse than none, so whatever the schema allows but this version does not
check is a mistake that names it. Only what describes (descriptions, owners, support times, ...) may stand unchecked.
docs/contracts.md lists it all.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError

from pipelines.data.contracts.personal import misplaced, misplaced_tags
from pipelines.data.contracts.quality import quality_mistakes
from pipelines.data.contracts.rules import RULE_OPERATORS, Mistake
from pipelines.data.contracts.values import ITEM_TYPES
from pipelines.recipe_reader import did_you_mean
from pipelines.strict_yaml import Field

VERSIONS = ("v3.1.0", "v3.2.0")
_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
OPTIONS = {
    "string": {"minLength", "maxLength", "pattern", "format"},
    "integer": _BOUNDS | {"format", "multipleOf"},
    "number": _BOUNDS | {"format"},
    "boolean": set(),
    "date": _BOUNDS,
    "time": _BOUNDS,
    "timestamp": _BOUNDS | {"timezone", "defaultTimezone"},
    "object": set(),
    "array": set(),
}
_ELEMENT_DESCRIBES = {
    "id",
    "physicalType",
    "description",
    "businessName",
    "deprecated",
    "synonyms",
    "authoritativeDefinitions",
    "tags",
    "customProperties",
}
_TABLE_KEYS = _ELEMENT_DESCRIBES | {
    "name",
    "properties",
    "logicalType",
    "physicalName",
    "dataGranularityDescription",
    "context",
    "quality",
    "relationships",
}
_COLUMN_KEYS = _ELEMENT_DESCRIBES | {
    "name",
    "physicalName",
    "logicalType",
    "logicalTypeOptions",
    "required",
    "unique",
    "primaryKey",
    "primaryKeyPosition",
    "enum",
    "quality",
    "relationships",
    "classification",
    "semanticType",
    "partitioned",
    "partitionKeyPosition",
    "encryptedName",
    "transformSourceObjects",
    "transformLogic",
    "transformDescription",
    "examples",
    "criticalDataElement",
}
# Of an object whose fields are described everything else is promised by its fields.
_OBJECT_KEYS = _ELEMENT_DESCRIBES | {"name", "physicalName", "logicalType", "properties"}
_ITEM_KEYS = _ELEMENT_DESCRIBES | {"logicalType"}


def schema_mistakes(contract: dict[str, Any]) -> list[Mistake]:
    """What the standard's own JSON Schema has against the contract."""
    errors = Draft201909Validator(_schema()).iter_errors(contract)
    return list(dict.fromkeys(mistake for error in errors for mistake in _spell(error)))


def not_supported(contract: dict[str, Any]) -> list[Mistake]:
    """What a contract that its schema allows asks for, and no check here would keep."""
    mistakes: list[Mistake] = []
    if contract["apiVersion"] not in VERSIONS:
        mistakes.append((("apiVersion",), f"{contract['apiVersion']} is not supported here; use {VERSIONS[-1]}"))
    mistakes += misplaced(contract, ())
    tables = contract.get("schema", [])
    if len(tables) != 1:
        mistakes.append((("schema",), f"holds {len(tables)} tables, and exactly one is supported here"))
    for index, table in enumerate(tables[:1]):
        mistakes += _table(table, ("schema", index))
    return mistakes


def _table(table: dict[str, Any], field: Field) -> Iterator[Mistake]:
    yield from _beyond(table, field, _TABLE_KEYS)
    yield from misplaced(table, field)
    if not table["name"]:
        yield (*field, "name"), "is empty; give the table a name"
    if not table.get("properties"):
        yield (*field, "properties"), "names no columns; give each column of the data a name and a logicalType"
    for index, column in enumerate(table.get("properties", [])):
        yield from _column(column, (*field, "properties", index))
    for index, rule in enumerate(table.get("quality", [])):
        yield from quality_mistakes(rule, (*field, "quality", index), of_table=True)


def _column(column: dict[str, Any], field: Field) -> Iterator[Mistake]:
    logical_type = column.get("logicalType")
    if not column["name"]:
        yield (*field, "name"), "is empty; give the column a name"
    if logical_type == "object" and "properties" in column:
        yield from _beyond(column, field, _OBJECT_KEYS)
        yield from misplaced(column, field)
        yield from misplaced_tags(column, field)
        if not column["properties"]:
            yield (*field, "properties"), "names no fields; give each a name and a logicalType, or take it out"
        for index, inner in enumerate(column["properties"]):
            yield from _column(inner, (*field, "properties", index))
        return
    yield from _beyond(column, field, _COLUMN_KEYS | ({"items"} if logical_type == "array" else set()))
    if "items" in column:
        yield from _items(column["items"], (*field, "items"))
    if logical_type is None:
        yield (*field, "logicalType"), f"is missing; allowed: {', '.join(OPTIONS)}"
    elif logical_type not in OPTIONS:
        yield (*field, "logicalType"), f"{logical_type} is not supported here; allowed: {', '.join(OPTIONS)}"
    else:
        yield from _beyond(column.get("logicalTypeOptions", {}), (*field, "logicalTypeOptions"), OPTIONS[logical_type])
    for index, rule in enumerate(column.get("quality", [])):
        yield from quality_mistakes(rule, (*field, "quality", index), of_table=False)


def _items(items: dict[str, Any], field: Field) -> Iterator[Mistake]:
    yield from _beyond(items, field, _ITEM_KEYS)
    yield from misplaced(items, field)
    yield from misplaced_tags(items, field)
    if items.get("logicalType") not in ITEM_TYPES:
        allowed = ", ".join(ITEM_TYPES)
        yield (*field, "logicalType"), f"{items.get('logicalType')} is not supported here; allowed: {allowed}"


def _beyond(given: dict[str, Any], field: Field, known: set[str]) -> Iterator[Mistake]:
    for name in given:
        if name not in known:
            yield (*field, name), "is not supported here; take it out, since nothing would check it"


@cache
def _schema() -> Any:
    return json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))


def _spell(error: ValidationError) -> Iterator[Mistake]:
    field: Field = tuple(error.absolute_path)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "required":
        for name in wanted:
            # Without a logicalType the schema applies what it says of every type; `map` is the only one that requires.
            if name not in instance and not (name == "map" and "logicalType" not in instance):
                yield (*field, name), "is missing"
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = _names_in(error.schema)
        for name in instance:
            # A part that failed leaves its fields unevaluated, though their names are known.
            if name not in known:
                yield (*field, name), f"there is no such field {did_you_mean(name, sorted(known))}"
    elif error.validator == "enum":
        yield field, f"{instance} is not known {did_you_mean(str(instance), wanted)}"
    elif error.validator == "type":
        mend = "; put it in quotes" if wanted == "string" else ""
        yield field, f"must be of type {wanted}, and is read as {type(instance).__name__}{mend}"
    elif error.validator == "oneOf" and "quality" in field:
        yield field, f"needs exactly one of {', '.join(RULE_OPERATORS)}"
    else:
        yield field, error.message


def _names_in(schema: Any) -> set[str]:
    """Every field that a part of the schema knows, whichever of its branches defines it."""
    names = set(schema.get("properties", {}))
    branches = [*schema.get("allOf", []), *schema.get("oneOf", [])]
    if "then" in schema:
        branches.append(schema["then"])
    if reference := schema.get("$ref"):
        part = _schema()
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
        branches.append(part)
    return names.union(*(_names_in(branch) for branch in branches))
