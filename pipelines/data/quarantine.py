"""Sorting rows by a contract: the accepted into a typed table, the refused into the quarantine with every reason."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contract import RECORD, Contract
from pipelines.data.row_checks import reasons, repeats, typed_values
from pipelines.data.sources import Row
from pipelines.files import written_whole

_ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 2**24
_MEMORY = "1GB"


@dataclass
class Refused:
    """How many rows were refused, by kind and by reason (a row may have several)."""

    quarantined: int = 0
    rejected_raw: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@contextmanager
def judged_rows(rows: Iterable[Row], contract: Contract, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in `folder` that holds every row with its typed values and its reasons.

    The rows pass through in batches, and DuckDB spills to `folder`, so that memory stays flat in their number. What a
    killed run left in `folder` is cleared away first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = {"memory_limit": _MEMORY, "temp_directory": str(folder / "spilled")}
    with (
        _removed_after(folder),
        closing(duckdb.connect(str(folder / "rows.duckdb"), config=config)) as database,
    ):
        database.execute("SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true")
        for index, batch in enumerate(_batches(rows, contract)):
            database.register("batch", batch)
            verb = "INSERT INTO rows" if index else "CREATE TABLE rows AS"
            database.execute(f"{verb} SELECT * FROM batch")  # noqa: S608 - two fixed verbs
            database.unregister("batch")
        database.execute(_judge(contract))
        yield database


@contextmanager
def _removed_after(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder)


def write_accepted(database: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> int:
    """Write the accepted rows as Parquet, in order, the contract's columns and `_record`; returns how many they are."""
    schema = pa.schema(
        [
            *(pa.field(column.name, _ARROW_TYPES[column.logical_type]) for column in contract.columns),
            pa.field(RECORD, pa.string(), nullable=False),
        ]
    )
    values = ", ".join(f"v{index}" for index in range(len(contract.columns)))
    accepted = database.execute(
        f"SELECT {values}, source || ':' || line FROM judged WHERE len(reasons) = 0 ORDER BY seq"  # noqa: S608 - v0, v1, ...
    )
    count = 0
    with written_whole(path) as fresh, pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
        for batch in accepted.to_arrow_reader(_BATCH_ROWS):
            table = pa.Table.from_batches([batch]).rename_columns(schema.names).cast(schema)
            writer.write_table(table)
            count += table.num_rows
    return count


def write_quarantine(database: duckdb.DuckDBPyConnection, path: Path) -> Refused:
    """Write the refused rows as JSON Lines, in order, each with its origin, its reasons and its raw text."""
    refused = Refused()
    found = database.execute(
        "SELECT source, line, rejected, reasons, raw FROM judged WHERE len(reasons) > 0 ORDER BY seq"
    )
    with written_whole(path) as fresh, fresh.open("w", encoding="utf-8", newline="\n") as stream:
        for batch in found.to_arrow_reader(_BATCH_ROWS):
            for row in batch.to_pylist():
                why = list(dict.fromkeys(row["reasons"]))
                refused.reasons.update(why)
                if row["rejected"]:
                    refused.rejected_raw += 1
                else:
                    refused.quarantined += 1
                kind = "rejected_raw" if row["rejected"] else "quarantined"
                entry = {"source": row["source"], "line": row["line"], "kind": kind, "reasons": why, "raw": row["raw"]}
                stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return refused


def _judge(contract: Contract) -> str:
    """SQL that makes the table `judged`; unreadable rows keep their faults as reasons."""
    return f"""
        CREATE TABLE judged AS
        WITH typed AS (SELECT *, {typed_values(contract)} FROM rows),
             counted AS (SELECT *{repeats(contract)} FROM typed)
        SELECT * EXCLUDE (faults), len(faults) > 0 AS rejected,
               CASE WHEN len(faults) > 0 THEN faults ELSE {reasons(contract)} END AS reasons
        FROM counted
    """  # noqa: S608 - the contract's words enter as quoted literals


def _batches(rows: Iterable[Row], contract: Contract) -> Iterator[pa.Table]:
    width = len(contract.columns)
    texts = [(f"t{index}", pa.string()) for index in range(width)]
    schema = pa.schema(
        [
            ("seq", pa.int64()),
            ("source", pa.string()),
            ("line", pa.int64()),
            ("raw", pa.string()),
            ("faults", pa.list_(pa.string())),
            ("kinds", pa.string()),
            *texts,
        ]
    )
    nothing = (None,) * width
    batch: list[tuple[object, ...]] = []
    characters = 0
    for seq, row in enumerate(rows):
        batch.append((seq, row.source, row.line, row.raw, row.faults, row.kinds, *(row.texts or nothing)))
        characters += len(row.raw)
        if len(batch) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield _table(batch, schema)
            batch, characters = [], 0
    if batch or not characters:
        yield _table(batch, schema)


def _table(batch: list[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*batch, strict=True) if batch else [()] * len(schema)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)
