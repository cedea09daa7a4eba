"""The standard's quality rules: what of them can be checked, and which rules they are.

A quality rule that allows no single offender (`mustBe: 0`, severity error) refuses the rows that break it. Any other
(a share, a range, a warning, a row count, SQL) is measured over the rows that were accepted.
"""

import math
from collections.abc import Iterator
from typing import Any

from pipelines.data.contracts.rules import ROWS, RULE_OPERATORS, DataSetRule, Mistake, Rule
from pipelines.data.contracts.sql import filled, sql_mistake
from pipelines.data.contracts.terms import ages_of
from pipelines.data.contracts.values import argument_mistake
from pipelines.recipe_reader import did_you_mean
from pipelines.strict_yaml import Document, Field

PERCENT = "percent"
SEVERITIES = ("error", "warning", "info")
_COLUMN_METRICS = {
    "nullValues": set[str](),
    "missingValues": {"missingValues"},
    "invalidValues": {"validValues", "pattern"},
    "duplicateValues": set[str](),
}
_TABLE_METRICS = {"duplicateValues": {"properties"}, "rowCount": set[str]()}


def quality_mistakes(given: dict[str, Any], field: Field, of_table: bool) -> Iterator[Mistake]:
    """What of a quality rule, which the standard's schema lets pass, could not be checked here."""
    kind = given.get("type", "library")
    if kind == "text":
        return
    if kind not in ("library", "sql"):
        yield (*field, "type"), f"{kind} is not supported here; allowed: library, sql, text"
        return
    metrics = _TABLE_METRICS if of_table else _COLUMN_METRICS
    metric = given.get("metric")
    # The schema asks for a metric's type only where the rule says `type: library`, which is also the default.
    if kind == "library" and not (isinstance(metric, str) and metric in metrics):
        place = "a whole table" if of_table else "a column"
        yield (*field, "metric"), f"{metric} is not supported here for {place}; allowed: {', '.join(metrics)}"
        return
    if given.get("severity", "error") not in SEVERITIES:
        yield (*field, "severity"), f"{given['severity']} is not known {did_you_mean(given['severity'], SEVERITIES)}"
    yield from _bound_mistakes(given, field)
    yield from _unit_mistakes(given, field)
    if kind == "library":
        yield from _argument_mistakes(given.get("arguments", {}), (*field, "arguments"), metrics[str(metric)])


def _bound_mistakes(given: dict[str, Any], field: Field) -> Iterator[Mistake]:
    operators = [operator for operator in RULE_OPERATORS if operator in given]
    if len(operators) != 1:
        yield field, f"needs exactly one of {', '.join(RULE_OPERATORS)}"
        return
    bound = given[operators[0]]
    bounds = bound if operators[0].endswith("Between") else [bound]
    # False == 0, so that the type is asked, too.
    if not all(type(value) in (int, float) and math.isfinite(value) for value in bounds):
        yield (*field, operators[0]), "must be a number here"
    elif len(bounds) == 2 and bounds[0] > bounds[1]:
        yield (*field, operators[0]), "begins above its end; give the smaller number first"


def _unit_mistakes(given: dict[str, Any], field: Field) -> Iterator[Mistake]:
    unit = given.get("unit", ROWS)
    if unit not in (ROWS, PERCENT):
        yield (*field, "unit"), f"{unit} is not known {did_you_mean(unit, (ROWS, PERCENT))}"
    elif unit == PERCENT and (given.get("type") == "sql" or given.get("metric") == "rowCount"):
        yield (*field, "unit"), "percent has no meaning for this rule; compute it in a query of type sql"


def _argument_mistakes(arguments: dict[str, Any], field: Field, known: set[str]) -> Iterator[Mistake]:
    for name in arguments:
        if name not in known:
            yield (*field, name), "is not supported here; take it out, since nothing would check it"
    if known and not arguments.keys() & known:
        yield field, f"is missing; give {' or '.join(sorted(known))}"
    for name in ("validValues", "missingValues", "properties"):
        if not isinstance(arguments.get(name, []), list):
            yield (*field, name), "must be a list"
        elif name == "properties" and not all(isinstance(column, str) for column in arguments.get(name, [])):
            yield (*field, name), "must be a list of columns' names"


def refuses_rows(given: dict[str, Any]) -> bool:
    """Whether a quality rule, as the contract gives it, allows no single row that breaks it."""
    by_row = given.get("type", "library") == "library" and given["metric"] != "rowCount"
    return by_row and given.get("mustBe") == 0 and given.get("severity", "error") == "error"


def row_rules(given: dict[str, Any], line: int) -> Iterator[Rule]:
    """The rules for single rows that a column's quality rule stands for."""
    arguments = given.get("arguments", {})
    if given["metric"] == "nullValues":
        yield Rule("required", line=line)
    if given["metric"] == "duplicateValues":
        yield Rule("unique", line=line)
    if "validValues" in arguments:
        yield Rule("enum", tuple(arguments["validValues"]), line)
    if "pattern" in arguments:
        yield Rule("pattern", arguments["pattern"], line)
    if "missingValues" in arguments:
        yield Rule("missingValues", tuple(arguments["missingValues"]), line)


def unique_together(table: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Groups of columns whose values may come together but once: a row that repeats them is refused."""
    rules = [rule for rule in table.get("quality", []) if rule.get("metric") == "duplicateValues"]
    return tuple(tuple(rule["arguments"]["properties"]) for rule in rules if refuses_rows(rule))


def data_set_rules(document: Document) -> Iterator[DataSetRule]:
    """The rules that judge the data set, the promised age of its newest row among them."""
    table = document.value["schema"][0]
    for field, given, columns in _quality(document):
        if not refuses_rows(given):
            yield _data_set_rule(given, columns, table["name"], document.line(field))
    yield from ages_of(document)[1]


def data_set_mistakes(document: Document, types: dict[str, str]) -> Iterator[Mistake]:
    """What is wrong with rules that judge the data set; `types` gives the columns with their logical types."""
    table = document.value["schema"][0]["name"]
    for field, given, columns in _quality(document):
        arguments = given.get("arguments", {})
        for name in arguments.get("properties", []):
            if name not in types:
                yield (*field, "arguments", "properties"), f"the table has no column {name}"
        if given.get("type") == "sql":
            query = filled(given["query"], table, columns[0] if columns else None)
            if mistake := sql_mistake(query, table, types):
                yield (*field, "query"), mistake
        elif not refuses_rows(given):
            for rule in row_rules(given, 0):
                spot = "validValues" if rule.name == "enum" else rule.name
                if columns and (mistake := argument_mistake(types[columns[0]], rule.name, rule.argument)):
                    yield (*field, "arguments", spot), mistake


def _quality(document: Document) -> Iterator[tuple[Field, dict[str, Any], tuple[str, ...]]]:
    """Each quality rule that is checked: its place, what it says, and the column it stands at, none for the table."""
    table = document.value["schema"][0]
    elements: list[tuple[Field, dict[str, Any], tuple[str, ...]]] = [(("schema", 0), table, ())]
    for number, column in enumerate(table["properties"]):
        elements.append((("schema", 0, "properties", number), column, (column["name"],)))
    for field, element, columns in elements:
        for index, given in enumerate(element.get("quality", [])):
            if given.get("type") != "text":
                yield (*field, "quality", index), given, columns


def _data_set_rule(given: dict[str, Any], columns: tuple[str, ...], table: str, line: int) -> DataSetRule:
    operator = next(name for name in RULE_OPERATORS if name in given)
    bound = given[operator]
    arguments = given.get("arguments", {})
    is_sql = given.get("type") == "sql"
    return DataSetRule(
        metric="sql" if is_sql else given["metric"],
        columns=tuple(arguments["properties"]) if "properties" in arguments else columns,
        operator=operator,
        bound=tuple(bound) if isinstance(bound, list) else bound,
        unit=given.get("unit", ROWS),
        argument=filled(given["query"], table, columns[0] if columns else None) if is_sql else arguments,
        severity=given.get("severity", "error"),
        dimension=given.get("dimension"),
        line=line,
    )
