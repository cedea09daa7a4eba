"""Sorting rows by a contract: the accepted into a typed table, the refused into the quarantine with every reason."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contract import RECORD, Contract
from pipelines.data.contract_values import quoted
from pipelines.data.row_checks import reasons, repeats, typed_values

_ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
_BATCH_ROWS = 10_000
_MEMORY = "1GB"


@dataclass
class Refused:
    """How many rows were refused, by kind and by reason (a row may have several)."""

    quarantined: int = 0
    rejected_raw: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Refused") -> None:
        """Count the rows of another source, too."""
        self.quarantined += other.quarantined
        self.rejected_raw += other.rejected_raw
        self.reasons += other.reasons


@contextmanager
def judged_rows(rows: Path, contract: Contract, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in `folder` that holds every row with its typed values and its reasons.

    `rows` is a file of row_store.write_rows. DuckDB spills to `folder`, so that memory stays flat in the number of
    rows; what a killed run left there is cleared away first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = {"memory_limit": _MEMORY, "temp_directory": str(folder / "spilled")}
    with (
        _removed_after(folder),
        closing(duckdb.connect(str(folder / "rows.duckdb"), config=config)) as database,
    ):
        database.execute("SET TimeZone = 'UTC'")
        database.execute(
            f"CREATE VIEW rows AS SELECT * FROM read_parquet({quoted(str(rows))});"  # noqa: S608
            f"SET allowed_paths = [{quoted(str(rows))}];"
            "SET enable_external_access = false; SET lock_configuration = true"
        )
        database.execute(_judge(contract))
        yield database


@contextmanager
def _removed_after(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder)


def accepted_schema(contract: Contract) -> pa.Schema:
    """The columns of accepted rows: the contract's, typed, and `_record`, which says where the row stood."""
    typed = [pa.field(column.name, _ARROW_TYPES[column.logical_type]) for column in contract.columns]
    return pa.schema([*typed, pa.field(RECORD, pa.string(), nullable=False)])


def append_accepted(
    database: duckdb.DuckDBPyConnection, source: str, contract: Contract, writer: pq.ParquetWriter
) -> int:
    """Append the accepted rows of a source, in order, to a file of `accepted_schema`; returns how many they are.

    Columns of the file that the contract does not have stay empty.
    """
    values = {column.name: f"v{index}" for index, column in enumerate(contract.columns)}
    values[RECORD] = f"{quoted(source + '/')} || source || ':' || line"
    known = [name for name in writer.schema.names if name in values]
    listed = ", ".join(values[name] for name in known)
    accepted = database.execute(
        f"SELECT {listed} FROM judged WHERE len(reasons) = 0 ORDER BY seq"  # noqa: S608 - v0, v1, ... and a quoted name
    )
    count = 0
    for batch in accepted.to_arrow_reader(_BATCH_ROWS):
        given = dict(zip(known, batch.columns, strict=True))
        columns = [
            given[field.name].cast(field.type) if field.name in given else pa.nulls(batch.num_rows, field.type)
            for field in writer.schema
        ]
        writer.write_batch(pa.record_batch(columns, schema=writer.schema))
        count += batch.num_rows
    return count


def append_quarantine(database: duckdb.DuckDBPyConnection, source: str, stream: TextIO) -> Refused:
    """Append the refused rows of a source as JSON Lines, in order, each with its origin, its reasons and its text."""
    refused = Refused()
    found = database.execute(
        "SELECT source, line, rejected, reasons, raw FROM judged WHERE len(reasons) > 0 ORDER BY seq"
    )
    for batch in found.to_arrow_reader(_BATCH_ROWS):
        for row in batch.to_pylist():
            why = list(dict.fromkeys(row["reasons"]))
            refused.reasons.update(why)
            if row["rejected"]:
                refused.rejected_raw += 1
            else:
                refused.quarantined += 1
            kind = "rejected_raw" if row["rejected"] else "quarantined"
            origin = {"source": f"{source}/{row['source']}", "line": row["line"]}
            entry = {**origin, "kind": kind, "reasons": why, "raw": row["raw"]}
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
