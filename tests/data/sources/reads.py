"""Reading a source's rows as the line does, under a contract made of a few columns."""

from pathlib import Path

from pydantic import TypeAdapter

from pipelines.data.contracts.contract import Column, Contract
from pipelines.data.sources.reading import read_source
from pipelines.data.sources.rows import Part, Row
from pipelines.recipe_sources import Source


def contract_of(**columns: str) -> Contract:
    """A contract of columns, each given as name=logicalType, from line 9 on; `id` is its primary key."""
    return Contract(
        path=Path("c.odcs.yaml"),
        id="c",
        version="1",
        sha256="",
        table="t",
        columns=tuple(
            Column(name, name, kind, (), name == "id", None, line)
            for line, (name, kind) in enumerate(columns.items(), 9)
        ),
    )


CONTRACT = contract_of(id="string", body="string")


def parts_of(contract: Contract = CONTRACT, **fields: object) -> list[tuple[Part, list[Row]]]:
    """Each part of a source, given by its fields as a recipe has them, with its rows."""
    source = TypeAdapter(Source).validate_python({"contract": "c", "type": "files", **fields}, strict=False)
    return [(part, list(part.rows)) for part in read_source(source, contract)]


def collected(contract: Contract = CONTRACT, **fields: object) -> list[Row]:
    """Every row of a source."""
    return [row for _, rows in parts_of(contract, **fields) for row in rows]


def rows_of(path: Path, content: bytes, contract: Contract = CONTRACT, **fields: object) -> list[Row]:
    """Every row of one file."""
    path.write_bytes(content)
    return collected(contract, path=str(path), **fields)


def read(rows: list[Row]) -> list[tuple[str | None, ...]]:
    """The texts of the rows that could be read."""
    return [tuple(row.texts) for row in rows if not row.faults]


def refused(rows: list[Row]) -> list[tuple[int, tuple[str, ...]]]:
    """Place and faults of the others."""
    return [(row.line, row.faults) for row in rows if row.faults]
