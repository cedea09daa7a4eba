"""The columns of a contract: their types, the rules that their values must keep, and what is personal in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.data.contracts.personal import contained_kinds, names_subject, personal_kind, personal_mistakes
from pipelines.data.contracts.quality import refuses_rows, row_rules
from pipelines.data.contracts.rules import Mistake, Rule
from pipelines.data.contracts.terms import ages_of
from pipelines.data.contracts.values import argument_mistake, limits
from pipelines.strict_yaml import Document, Field

RECORD = "_record"


@dataclass(frozen=True)
class Column:
    """A column: `source_name` is its name in the files, `line` its 1-based line in the contract.

    `personal` is the kind of personal data in it (`name`, `email`, `phone`, ..., or `personal` where neither the
    contract nor the column's name says which), None for none. `contains` are the kinds that stand within its free text;
    `subject_id` says that it tells whom the row is about.
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
            personal=personal_kind(given),
            line=document.line(field),
            contains=contained_kinds(given),
            subject_id=names_subject(given),
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
        yield from personal_mistakes(document.value["schema"][0]["properties"][index], field)
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


def _spot_of_rule(document: Document, field: Field, name: str) -> Field:
    names = {name, "validValues"} if name == "enum" else {name}
    return next((spot for spot in document.lines if spot[: len(field)] == field and spot[-1] in names), field)
