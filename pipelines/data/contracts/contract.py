"""A data contract (Open Data Contract Standard, v3.1 and v3.2): what is promised about each column of the data."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines import strict_yaml
from pipelines.data.contracts.columns import RECORD, Column, column_mistakes, columns_in
from pipelines.data.contracts.dialect import not_supported, schema_mistakes
from pipelines.data.contracts.objects import with_fields_as_columns
from pipelines.data.contracts.quality import data_set_mistakes, data_set_rules, unique_together
from pipelines.data.contracts.references import Reference, reference_mistakes, references_of
from pipelines.data.contracts.rules import DataSetRule, Mistake, Rule
from pipelines.data.contracts.terms import Terms, ages_mistakes, terms_mistakes, terms_of
from pipelines.errors import TinsmithError
from pipelines.strict_yaml import Document, Field

__all__ = ["RECORD", "Column", "Contract", "Rule", "merged_contract", "read_contract"]


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
    terms: Terms = field(default_factory=Terms)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in the contract's order."""
        return tuple(column.name for column in self.columns)

    def columns_of(self, name: str) -> tuple[Column, ...]:
        """The column of a name or, where it names an object, the columns of the object's fields; none where neither."""
        return tuple(column for column in self.columns if column.name == name or column.name.startswith(f"{name}."))

    def type_of(self, name: str) -> str:
        """The logical type of a column."""
        return self.columns[self.names.index(name)].logical_type

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
    document = document if mistakes else with_fields_as_columns(document)
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
        terms=terms_of(document),
    )


def merged_contract(contracts: Sequence[Contract]) -> Contract:
    """The contracts of several sources as one that has every column of each.

    A column is personal where one of them says so, and keeps the rules that all of them have.
    """
    first, *others = contracts
    columns = {column.name: column for column in first.columns}
    for contract in others:
        for column in contract.columns:
            known = columns.setdefault(column.name, column)
            rules = tuple(rule for rule in known.rules if rule in column.rules)
            columns[column.name] = replace(
                known,
                rules=rules,
                personal=known.personal or column.personal,
                contains=tuple(dict.fromkeys([*known.contains, *column.contains])),
                subject_id=known.subject_id or column.subject_id,
            )
    return replace(first, columns=tuple(columns.values()))


def _in_line_order(document: Document, mistakes: list[Mistake]) -> list[str]:
    lines = []
    for spot, message in mistakes:
        line = document.line(spot)
        lines.append((line, f"{document.path}:{line}: {_spelled(document, spot)}{message}"))
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
