"""The columns of a contract: their types, the rules that their values must keep, and what is personal in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.data.contracts.quality import refuses_rows, row_rules
from pipelines.data.contracts.rules import Mistake, Rule
from pipelines.data.contracts.terms import ages_of
from pipelines.data.contracts.values import argument_mistake, limits
from pipelines.recipe_reader import did_you_mean
from pipelines.strict_yaml import Document, Field

RECORD = "_record"
_PERSONAL = ("pii", "personal", "restricted", "sensitive")
_CLASSES = (*_PERSONAL, "public", "internal", "confidential")


@dataclass(frozen=True)
class Column:
    """A column: `source_name` is its name in the files, `line` its 1-based line in the contract.

    `personal` is the kind of personal data in it (`person`, `email`, `phone`, ..., or `personal` where the contract
    does not say which), None for none. `contains` are the kinds that stand within its free text; `subject_id` says that
    it tells whom the row is about.
    """

    name: str
    source_name: str
    logical_type: str
    rules: tuple[Rule, ...]
    primary_key: bool
    personal: str | None
    line: int
    contains: tuple[str, ...] = ()
    subject_id: bool = False


def columns_in(document: Document) -> Iterator[Column]:
    """The columns of a contract that its schema lets pass."""
    retention, _ = ages_of(document)
    for index, given in enumerate(document.value["schema"][0]["properties"]):
        field: Field = ("schema", 0, "properties", index)
        kept = [retention[given["name"]]] if given["name"] in retention else []
        yield Column(
            name=given["name"],
            source_name=given.get("physicalName", given["name"]),
            logical_type=given["logicalType"],
            rules=(*_rules(given, document, field), *kept),
            primary_key=given.get("primaryKey", False),
            personal=_personal(given),
            line=document.line(field),
            contains=tuple(map(str, _custom(given).get("containsPii", ()))),
            subject_id=_custom(given).get("subjectId") is True,
        )


def column_mistakes(document: Document, columns: tuple[Column, ...]) -> Iterator[Mistake]:
    """Names that are taken, and rules that could not be kept by any value of the column's type."""
    seen: set[str] = {RECORD}
    seen_in_files: set[str] = set()
    for index, column in enumerate(columns):
        field: Field = ("schema", 0, "properties", index)
        if column.name in seen:
            taken = "is taken for the row's origin" if column.name == RECORD else "is given to two columns"
            yield (*field, "name"), f"{column.name} {taken}; choose another name"
        elif column.source_name in seen_in_files:
            yield (*field, "physicalName"), f"{column.source_name} is given to two columns; choose another name"
        seen.add(column.name)
        seen_in_files.add(column.source_name)
        # The standard leaves the words open; one that is not known would protect nothing.
        classification = document.value["schema"][0]["properties"][index].get("classification", "public")
        if classification.lower() not in _CLASSES:
            yield (*field, "classification"), f"{classification} is not known {did_you_mean(classification, _CLASSES)}"
        for rule in column.rules:
            if mistake := argument_mistake(column.logical_type, rule.name, rule.argument):
                yield _spot_of_rule(document, field, rule.name), mistake


def _rules(given: dict[str, Any], document: Document, field: Field) -> tuple[Rule, ...]:
    rules = [Rule(name, line=document.line((*field, name))) for name in ("required", "unique") if given.get(name)]
    if given.get("primaryKey"):
        rules.append(Rule("required", line=document.line((*field, "primaryKey"))))
    for name, argument in given.get("logicalTypeOptions", {}).items():
        rules.append(Rule(name, argument, document.line((*field, "logicalTypeOptions", name))))
    if limits(given.get("physicalType", "")):
        rules.append(Rule("physicalType", given["physicalType"], document.line((*field, "physicalType"))))
    if "items" in given:
        rules.append(Rule("items", given["items"]["logicalType"], document.line((*field, "items"))))
    if "enum" in given:
        values = tuple(item["value"] for item in given["enum"])
        rules.append(Rule("enum", values, document.line((*field, "enum"))))
    for index, rule in enumerate(given.get("quality", [])):
        if refuses_rows(rule):
            rules += row_rules(rule, document.line((*field, "quality", index)))
    # What is promised twice is checked once.
    return tuple(rule for place, rule in enumerate(rules) if rule not in rules[:place])


def _custom(given: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in given.get("customProperties", [])}


def _personal(given: dict[str, Any]) -> str | None:
    custom = _custom(given)
    if "piiType" in custom:
        return str(custom["piiType"])
    classified = given.get("classification", "").lower() in _PERSONAL
    tagged = any(tag.lower() in ("pii", "personal") for tag in given.get("tags", []))
    return "personal" if classified or tagged else None


def _spot_of_rule(document: Document, field: Field, name: str) -> Field:
    names = {name, "validValues"} if name == "enum" else {name}
    return next((spot for spot in document.lines if spot[: len(field)] == field and spot[-1] in names), field)
