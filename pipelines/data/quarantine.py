"""Sorting rows by a contract: the accepted into a typed table, the refused into the quarantine with every reason."""

import base64
import datetime
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import RECORD, Contract
from pipelines.data.contracts.row_checks import ORDER, joined_keys, keys_table, lacking, reasons, repeats, typed_values
from pipelines.data.contracts.sql import identifier
from pipelines.data.contracts.values import quoted
from pipelines.files import written_whole

_ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "object": pa.string(),
    "array": pa.string(),
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
def judged_rows(
    rows: Path,
    contract: Contract,
    folder: Path,
    as_of: datetime.date | None = None,
    tables: Mapping[str, Path] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in `folder` that holds every row with its typed values and its reasons.

    `rows` is a file of row_store.write_rows; in which order it holds them does not matter, since they are judged in the
    order of their files and lines. `as_of` is the day from which the contract's ages are counted. `tables` gives, by
    name, the file of write_accepted for each table that the contract refers to.

    DuckDB spills to `folder`, so that memory stays flat in the number of rows; what a killed run left there is cleared
    away first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = {"memory_limit": _MEMORY, "temp_directory": str(folder / "spilled")}
    with (
        _removed_after(folder),
        closing(duckdb.connect(str(folder / "rows.duckdb"), config=config)) as database,
    ):
        database.execute("SET TimeZone = 'UTC'")
        _load_keys(database, contract, tables or {})
        database.execute(
            f"CREATE VIEW rows AS SELECT * FROM read_parquet({quoted(str(rows))});"  # noqa: S608
            f"SET allowed_paths = [{quoted(str(rows))}];"
            "SET enable_external_access = false; SET lock_configuration = true"
        )
        database.execute(_judge(contract, as_of))
        yield database


def _load_keys(database: duckdb.DuckDBPyConnection, contract: Contract, tables: Mapping[str, Path]) -> None:
    for number, reference in enumerate(contract.references):
        keys = ", ".join(f"{identifier(name)} AS c{place}" for place, name in enumerate(reference.to_columns))
        database.execute(
            f"CREATE TABLE {keys_table(number)} AS SELECT DISTINCT {keys}"  # noqa: S608 - quoted
            f" FROM read_parquet({quoted(str(tables[reference.to_table]))})"
        )


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
        f"SELECT {listed} FROM judged WHERE len(reasons) = 0 ORDER BY {ORDER}"  # noqa: S608 - v0, v1, ... and a quoted name
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


def write_accepted(database: duckdb.DuckDBPyConnection, source: str, contract: Contract, path: Path) -> int:
    """Write the accepted rows of one source alone, for what looks them up: rules in SQL, and other contracts' keys.

    Returns how many they are.
    """
    schema = accepted_schema(contract)
    with written_whole(path) as fresh, pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
        return append_accepted(database, source, contract, writer)


def date_ranges(database: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, tuple[str, str]]:
    """The first and last day, in ISO 8601, of each date and timestamp column of the accepted rows.

    Personal columns are left out, since the ranges stand in committed reports; so are columns without values.
    """
    columns = [
        (f"v{index}", column.name)
        for index, column in enumerate(contract.columns)
        if column.logical_type in ("date", "timestamp") and not column.personal
    ]
    ranges = {}
    for value, name in columns:
        asked = f"SELECT min({value})::DATE, max({value})::DATE FROM judged WHERE len(reasons) = 0"  # noqa: S608 - v0, ...
        first, last = database.execute(asked).fetchall()[0]
        if first is not None:
            ranges[name] = (first.isoformat(), last.isoformat())
    return ranges


def append_quarantine(database: duckdb.DuckDBPyConnection, source: str, contract: Contract, stream: TextIO) -> Refused:
    """Append the refused rows of a source as JSON Lines, in order, each with its origin, its reasons and what it holds.

    `offset` is the byte of the file at which the row begins, `key` its primary key where the contract has one and the
    row could be read. `raw` is the row's text; where its bytes are no valid text, they follow as `raw_base64`.
    """
    keys = {column.name: f"t{index}" for index, column in enumerate(contract.columns) if column.primary_key}
    refused = Refused()
    found = database.execute(
        f'SELECT source, line, "offset", rejected, reasons, raw, raw_bytes, [{", ".join(keys.values())}] AS key'  # noqa: S608 - t0, ...
        f" FROM judged WHERE len(reasons) > 0 ORDER BY {ORDER}"
    )
    for batch in found.to_arrow_reader(_BATCH_ROWS):
        for row in batch.to_pylist():
            entry = _entry(row, source, tuple(keys))
            refused.reasons.update(entry["reasons"])
            if row["rejected"]:
                refused.rejected_raw += 1
            else:
                refused.quarantined += 1
            stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return refused


def _entry(row: dict[str, Any], source: str, keys: tuple[str, ...]) -> dict[str, Any]:
    entry = {"source": f"{source}/{row['source']}", "line": row["line"]}
    if row["offset"] is not None:
        entry["offset"] = row["offset"]
    if keys and not row["rejected"]:
        entry["key"] = dict(zip(keys, row["key"], strict=True))
    entry["kind"] = "rejected_raw" if row["rejected"] else "quarantined"
    entry["reasons"] = list(dict.fromkeys(row["reasons"]))
    entry["raw"] = row["raw"]
    if row["raw_bytes"] is not None:
        entry["raw_base64"] = base64.b64encode(row["raw_bytes"]).decode("ascii")
    return entry


def _judge(contract: Contract, as_of: datetime.date | None) -> str:
    """SQL that makes the table `judged`; unreadable rows keep their faults as reasons."""
    return f"""
        CREATE TABLE judged AS
        WITH typed AS (SELECT *, {typed_values(contract)} FROM rows),
             counted AS (SELECT *{repeats(contract)} FROM typed),
             joined AS (SELECT counted.*{lacking(contract)} FROM counted{joined_keys(contract)})
        SELECT * EXCLUDE (faults), len(faults) > 0 AS rejected,
               CASE WHEN len(faults) > 0 THEN faults ELSE {reasons(contract, as_of)} END AS reasons
        FROM joined
    """  # noqa: S608 - the contract's words enter as quoted literals
