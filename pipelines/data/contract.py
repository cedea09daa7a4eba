"""A data contract (Open Data Contract Standard, v3.1 and v3.2): what is promised about each column of the data."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import strict_yaml
from pipelines.data.contract_dialect import Mistake, not_supported, schema_mistakes
from pipelines.data.contract_values import argument_mistake
from pipelines.errors import TinsmithError
from pipelines.recipe import Recipe
from pipelines.recipe_reader import columns_of, did_you_mean
from pipelines.strict_yaml import Document, Field

RECORD = "_record"
_PERSONAL_CLASSES = {"pii", "restricted"}


@dataclass(frozen=True)
class Rule:
    """One promise about a column's values, under the standard's own name, such as `maxLength` with 200."""

    name: str
    argument: Any = None


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


@dataclass(frozen=True)
class Contract:
    """A contract that was read and whose every promise can be checked; `sha256` is that of the file's bytes."""

    path: Path
    id: str
    version: str
    sha256: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def personal(self) -> dict[str, str]:
        """The columns that hold personal data, each with its kind."""
        return {column.name: column.personal for column in self.columns if column.personal}


def read_contract(path: Path) -> Contract:
    """Read a contract.

    Raises:
        TinsmithError: every mistake, one a line, as `file:line: field: what is wrong`; also for whatever the contract
            promises and this version does not check.
    """
    document = strict_yaml.load(path)
    mistakes = schema_mistakes(document.value) or not_supported(document.value)
    columns = () if mistakes else tuple(_columns(document))
    mistakes = mistakes or list(_column_mistakes(document, columns))
    if mistakes:
        raise TinsmithError("\n".join(_in_line_order(document, mistakes)))
    return Contract(
        path=path,
        id=document.value["id"],
        version=document.value["version"],
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        columns=columns,
    )


def contract_mistakes(recipe: Recipe, document: Document) -> list[str]:
    """What is wrong between a recipe and its contract, each as `file:line: field: ...`; empty where all is well.

    That is: the contract's file is missing, the contract has mistakes of its own, or the recipe names a column that the
    contract does not have. `document` is the recipe's file, for its lines.
    """
    path = Path(recipe.data.contract)
    if not path.is_file():
        near = sorted(path.parent.glob("*.odcs.yaml")) if path.parent.is_dir() else []
        where = f"{document.path}:{document.line(('data', 'contract'))}"
        return [f"{where}: data.contract: there is no file {path} {did_you_mean(str(path), map(str, near))}"]
    try:
        contract = read_contract(path)
    except TinsmithError as error:
        return str(error).splitlines()
    personal = [column for column in recipe.evaluate.slices if column in contract.personal]
    where = f"{document.path}:{document.line(('evaluate', 'slices'))}: evaluate.slices"
    shown = [
        f"{where}: {column} is personal, and slices stand in committed reports; leave it out" for column in personal
    ]
    return unknown_columns(contract, columns_of(recipe), document) + shown


def unknown_columns(contract: Contract, named: dict[Field, tuple[str, ...]], document: Document) -> list[str]:
    """The recipe's columns that the contract lacks, as `file:line: field: ...`.

    `named` gives the columns by the recipe's field that names them, `document` is the recipe's file, for its lines.
    """
    mistakes = []
    for field, columns in named.items():
        for column in columns:
            if column not in contract.names:
                spot = _spot(document, field, column)
                dotted = ".".join(str(part) for part in spot if not isinstance(part, int))
                what = f"{contract.path} has no column {column} {did_you_mean(column, contract.names)}"
                mistakes.append(f"{document.path}:{document.line(spot)}: {dotted}: {what}")
    return mistakes


def _spot(document: Document, field: Field, column: str) -> Field:
    """The innermost part of `field` that names `column`, whether as a word or as `{column}` in a text."""
    for spot in document.lines:
        if spot[: len(field)] == field:
            value: Any = document.value
            for part in spot:
                value = value[part]
            if isinstance(value, str) and (value == column or f"{{{column}}}" in value):
                return spot
    return field


def _columns(document: Document) -> Iterator[Column]:
    for index, given in enumerate(document.value["schema"][0]["properties"]):
        yield Column(
            name=given["name"],
            source_name=given.get("physicalName", given["name"]),
            logical_type=given["logicalType"],
            rules=tuple(_rules(given)),
            primary_key=given.get("primaryKey", False),
            personal=_personal(given),
            line=document.line(("schema", 0, "properties", index)),
            contains=tuple(map(str, _custom(given).get("containsPii", ()))),
            subject_id=_custom(given).get("subjectId") is True,
        )


def _rules(given: dict[str, Any]) -> Iterator[Rule]:
    checks = [rule for rule in given.get("quality", []) if rule.get("type") != "text"]
    metrics = {rule["metric"] for rule in checks}
    if given.get("required") or given.get("primaryKey") or "nullValues" in metrics:
        yield Rule("required")
    if given.get("unique") or "duplicateValues" in metrics:
        yield Rule("unique")
    for name, argument in given.get("logicalTypeOptions", {}).items():
        yield Rule(name, argument)
    if "enum" in given:
        yield Rule("enum", tuple(item["value"] for item in given["enum"]))
    for rule in checks:
        arguments = rule.get("arguments", {})
        if "validValues" in arguments:
            yield Rule("enum", tuple(arguments["validValues"]))
        if "pattern" in arguments:
            yield Rule("pattern", arguments["pattern"])
        if "missingValues" in arguments:
            yield Rule("missingValues", tuple(arguments["missingValues"]))


def _custom(given: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in given.get("customProperties", [])}


def _personal(given: dict[str, Any]) -> str | None:
    custom = _custom(given)
    if "piiType" in custom:
        return str(custom["piiType"])
    classified = given.get("classification", "").lower() in _PERSONAL_CLASSES
    tagged = any(tag.lower() == "pii" for tag in given.get("tags", []))
    return "personal" if classified or tagged else None


def _column_mistakes(document: Document, columns: tuple[Column, ...]) -> Iterator[Mistake]:
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
        for rule in column.rules:
            if mistake := argument_mistake(column.logical_type, rule.name, rule.argument):
                yield _spot_of_rule(document, field, rule.name), mistake


def _spot_of_rule(document: Document, field: Field, name: str) -> Field:
    names = {name, "validValues"} if name == "enum" else {name}
    return next((spot for spot in document.lines if spot[: len(field)] == field and spot[-1] in names), field)


def _in_line_order(document: Document, mistakes: list[Mistake]) -> list[str]:
    lines = []
    for field, message in mistakes:
        line = document.line(field)
        lines.append((line, f"{document.path}:{line}: {_spelled(document, field)}{message}"))
    return [text for _, text in sorted(lines, key=lambda item: item[0])]


def _spelled(document: Document, field: Field) -> str:
    """`properties.created_at.logicalType: ` where a reader counts columns by name, not by position."""
    words: list[str] = []
    value: Any = document.value
    for part in field:
        inside = value if isinstance(value, dict) else dict(enumerate(value or ()))
        value = inside.get(part)
        named = isinstance(part, int) and isinstance(value, dict) and "name" in value
        words.append(str(value["name"] if named else part))
    return ".".join(words) + ": " if words else ""
