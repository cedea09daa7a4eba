"""Sorting rows by a contract: the accepted into a typed table, the refused into the quarantine with every reason."""

import base64
import datetime
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contract import RECORD, Contract
from pipelines.data.contract_sql import identifier
from pipelines.data.row_checks import ORDER, joined_keys, keys_table, lacking, reasons, repeats, typed_values
from pipelines.data.sources import Row
from pipelines.files import written_whole

_ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "time": pa.time64("us"),
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
def judged_rows(
    rows: Iterable[Row],
    contract: Contract,
    folder: Path,
    as_of: datetime.date | None = None,
    tables: Mapping[str, Path] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in `folder` that holds every row with its typed values and its reasons.

    `as_of` is the day from which the contract's ages are counted. `tables` gives, by its contract's table name, the
    accepted rows of each data set that the contract refers to. The order in which rows come does not matter: they are
    judged in the order of their sources and lines.

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
        database.execute("SET TimeZone = 'UTC'")
        _load_keys(database, contract, tables or {})
        database.execute("SET enable_external_access = false; SET lock_configuration = true")
        for index, batch in enumerate(_batches(rows, contract)):
            database.register("batch", batch)
            verb = "INSERT INTO rows" if index else "CREATE TABLE rows AS"
            database.execute(f"{verb} SELECT * FROM batch")  # noqa: S608 - two fixed verbs
            database.unregister("batch")
        database.execute(_judge(contract, as_of))
        yield database


def _load_keys(database: duckdb.DuckDBPyConnection, contract: Contract, tables: Mapping[str, Path]) -> None:
    for number, reference in enumerate(contract.references):
        keys = ", ".join(f"{identifier(name)} AS c{place}" for place, name in enumerate(reference.to_columns))
        database.execute(
            f"CREATE TABLE {keys_table(number)} AS SELECT DISTINCT {keys} FROM read_parquet(?)",  # noqa: S608 - quoted
            [str(tables[reference.to_table])],
        )


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
        f"SELECT {values}, source || ':' || line FROM judged WHERE len(reasons) = 0 ORDER BY {ORDER}"  # noqa: S608 - v0, v1, ...
    )
    count = 0
    with written_whole(path) as fresh, pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
        for batch in accepted.to_arrow_reader(_BATCH_ROWS):
            table = pa.Table.from_batches([batch]).rename_columns(schema.names).cast(schema)
            writer.write_table(table)
            count += table.num_rows
    return count


def write_quarantine(database: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> Refused:
    """Write the refused rows as JSON Lines, in order, each with its origin, its reasons and what it holds.

    `offset` is the byte of the source at which the row begins; `key` is its primary key, where the contract has one and
    the row could be read. `raw` is the row's text; where its bytes are no valid text they follow as `raw_base64`.
    """
    keys = {column.name: f"t{index}" for index, column in enumerate(contract.columns) if column.primary_key}
    refused = Refused()
    found = database.execute(
        f'SELECT source, line, "offset", rejected, reasons, raw, raw_bytes, [{", ".join(keys.values())}] AS key'  # noqa: S608 - t0, t1, ...
        f" FROM judged WHERE len(reasons) > 0 ORDER BY {ORDER}"
    )
    with written_whole(path) as fresh, fresh.open("w", encoding="utf-8", newline="\n") as stream:
        for batch in found.to_arrow_reader(_BATCH_ROWS):
            for row in batch.to_pylist():
                entry = _entry(row, tuple(keys))
                refused.reasons.update(entry["reasons"])
                if row["rejected"]:
                    refused.rejected_raw += 1
                else:
                    refused.quarantined += 1
                stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return refused


def _entry(row: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    entry = {"source": row["source"], "line": row["line"]}
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


def _batches(rows: Iterable[Row], contract: Contract) -> Iterator[pa.Table]:
    width = len(contract.columns)
    texts = [(f"t{index}", pa.string()) for index in range(width)]
    schema = pa.schema(
        [
            ("seq", pa.int64()),
            ("source", pa.string()),
            ("line", pa.int64()),
            ("offset", pa.int64()),
            ("raw", pa.string()),
            ("raw_bytes", pa.binary()),
            ("faults", pa.list_(pa.string())),
            ("kinds", pa.string()),
            *texts,
        ]
    )
    nothing = (None,) * width
    batch: list[tuple[object, ...]] = []
    characters = 0
    for seq, row in enumerate(rows):
        place = (seq, row.source, row.line, row.offset)
        batch.append((*place, row.raw, row.raw_bytes, row.faults, row.kinds, *(row.texts or nothing)))
        characters += len(row.raw)
        if len(batch) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield _table(batch, schema)
            batch, characters = [], 0
    if batch or not characters:
        yield _table(batch, schema)


def _table(batch: list[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*batch, strict=True) if batch else [()] * len(schema)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)
