"""A data contract (Open Data Contract Standard, v3.1 and v3.2): what is promised about each column of the data."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import strict_yaml
from pipelines.data.contract_columns import RECORD, Column, column_mistakes, columns_in
from pipelines.data.contract_dialect import not_supported, schema_mistakes
from pipelines.data.contract_quality import data_set_mistakes, data_set_rules, unique_together
from pipelines.data.contract_rules import DataSetRule, Mistake, Rule
from pipelines.data.contract_terms import TRAINING, Terms, ages_mistakes, terms_mistakes, terms_of
from pipelines.data.references import Reference, reference_mistakes, references_of
from pipelines.errors import TinsmithError
from pipelines.recipe import Recipe
from pipelines.recipe_reader import columns_of, did_you_mean
from pipelines.strict_yaml import Document, Field

__all__ = ["RECORD", "Column", "Contract", "Rule", "contract_mistakes", "read_contract", "unknown_columns"]


@dataclass(frozen=True)
class Contract:
    """A contract that was read and whose every promise can be checked; `sha256` is that of the file's bytes.

    `table` is the name of its one table, `unique_together` are groups of columns whose values come together but once.
    """

    path: Path
    id: str
    version: str
    sha256: str
    table: str
    columns: tuple[Column, ...]
    unique_together: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()
    data_set_rules: tuple[DataSetRule, ...] = ()
    terms: Terms = Terms()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def ages(self) -> bool:
        """Whether it promises how old rows are, so that a day is needed from which to count."""
        retained = any(rule.name == "retention" for column in self.columns for rule in column.rules)
        return retained or any(rule.metric in ("latency", "freshness") for rule in self.data_set_rules)

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
    mistakes = mistakes or [*terms_mistakes(document.value), *ages_mistakes(document.value)]
    columns = () if mistakes else tuple(columns_in(document))
    mistakes = mistakes or [*column_mistakes(document, columns), *reference_mistakes(document.value["schema"][0])]
    mistakes = mistakes or list(data_set_mistakes(document, {column.name: column.logical_type for column in columns}))
    if mistakes:
        raise TinsmithError("\n".join(_in_line_order(document, mistakes)))
    table = document.value["schema"][0]
    return Contract(
        path=path,
        id=document.value["id"],
        version=document.value["version"],
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        table=table["name"],
        columns=columns,
        unique_together=unique_together(table),
        references=tuple(references_of(document)),
        data_set_rules=tuple(data_set_rules(document)),
        terms=terms_of(document.value),
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
