"""Foreign keys of a contract: columns whose values must stand in another contract's table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.strict_yaml import Document, Field

_SHORT = re.compile(r"([^./#]+)\.([^./#]+)")
_FULL = re.compile(r"(?:[^#]*#)?/?schema/([^/#]+)/properties/([^/#]+)")


@dataclass(frozen=True)
class Reference:
    """Values of `columns` together, where none is missing, must come in `to_columns` of the table `to_table`."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    line: int = field(default=0, compare=False)

    @property
    def said(self) -> str:
        """The reason of a row that breaks it, as `customer_id: no such customers.id`."""
        targets = ", ".join(f"{self.to_table}.{column}" for column in self.to_columns)
        return f"{', '.join(self.columns)}: no such {targets}"


def references_of(document: Document) -> Iterator[Reference]:
    """The foreign keys of a contract in which `reference_mistakes` found nothing."""
    table = document.value["schema"][0]
    for spot, columns, to in _given(table):
        targets = [_target(word) for word in _words(to)]
        (to_table,) = {found[0] for found in targets if found}
        yield Reference(
            tuple(_own_column(column, table["name"]) for column in columns),
            to_table,
            tuple(found[1] for found in targets if found),
            document.line(spot),
        )


def reference_mistakes(table: dict[str, Any]) -> Iterator[tuple[Field, str]]:
    """What of the relationships, which the standard's schema lets pass, could not be checked here."""
    known = {column["name"] for column in table["properties"]}
    for spot, columns, to in _given(table):
        own = [_own_column(column, table["name"]) for column in columns]
        targets = [_target(word) for word in _words(to)]
        if unknown := [column for column in own if column not in known]:
            yield (*spot, "from"), f"the table has no column {unknown[0]}"
        if not all(targets) or len({found[0] for found in targets if found}) != 1:
            yield (*spot, "to"), "must name columns of one table, each as table.column"
        elif len(targets) != len(own):
            yield (*spot, "to"), f"names {len(targets)} columns for {len(own)}"
        elif any(found[0] == table["name"] for found in targets if found):
            yield (*spot, "to"), "a table that refers to itself is not supported here; take it out"


def _given(table: dict[str, Any]) -> Iterator[tuple[Field, list[str], Any]]:
    """Each relationship's place, its own columns, and what it refers to."""
    for index, given in enumerate(table.get("relationships", [])):
        yield ("schema", 0, "relationships", index), _words(given["from"]), given["to"]
    for number, column in enumerate(table["properties"]):
        for index, given in enumerate(column.get("relationships", [])):
            yield ("schema", 0, "properties", number, "relationships", index), [column["name"]], given["to"]


def _words(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def _target(word: str) -> tuple[str, str] | None:
    found = _SHORT.fullmatch(word) or _FULL.fullmatch(word)
    return (found[1], found[2]) if found else None


def _own_column(word: str, table: str) -> str:
    found = _target(word)
    return found[1] if found and found[0] == table else word
