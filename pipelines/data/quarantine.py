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
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import RECORD, Contract
from pipelines.data.contracts.row_checks import (
    POSITION,
    firsts,
    firsts_table,
    keys_table,
    refused_rows,
    repeating_rows,
    typed_values,
)
from pipelines.data.contracts.sql import identifier
from pipelines.data.contracts.values import quoted
from pipelines.data.row_store import are_in_order, regrouped, write_beside
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
_BATCH_BYTES = 2**26
_MEMORY = "512MB"


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
    """Give a database that knows every row, its typed values, and of those that are refused every reason.

    `rows` is a file of row_store.write_batches; in which order it holds them does not matter, since they are judged in
    the order of their files and lines. `as_of` is the day from which the contract's ages are counted. `tables` gives,
    by name, the file of write_accepted for each table that the contract refers to.

    Only the refused are written down: whoever asks for values has them cast anew from the file, which costs less than
    storing them. What does not fit in memory DuckDB spills to `folder`, so that memory stays flat in the number of
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
        _load_keys(database, contract, tables or {})
        in_order = rows if are_in_order(rows) else _sorted(database, rows, folder / "sorted.parquet")
        _judge(database, in_order, contract, as_of)
        yield database


def _sorted(database: duckdb.DuckDBPyConnection, rows: Path, path: Path) -> Path:
    database.execute(
        f"COPY (SELECT * EXCLUDE ({POSITION}) FROM read_parquet({quoted(str(rows))}, file_row_number = true)"  # noqa: S608
        f" ORDER BY source, line, {POSITION}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return path


def _judge(database: duckdb.DuckDBPyConnection, rows: Path, contract: Contract, as_of: datetime.date | None) -> None:
    file = quoted(str(rows))
    database.execute(
        f"SET VARIABLE batch_rows = {_batch_rows(rows)};"  # noqa: S608 - quoted literals
        f"CREATE VIEW rows AS SELECT * FROM read_parquet({file}, file_row_number = true);"
        f"SET allowed_paths = [{file}]; SET enable_external_access = false;"
        f"CREATE VIEW typed AS SELECT *, {typed_values(contract)} FROM rows"
    )
    for group, query in enumerate(firsts(contract)):
        database.execute(f"CREATE TABLE {firsts_table(group)} AS {query}")
    _let_first_accepted_stay(database, contract, as_of)
    database.execute(
        f"CREATE TABLE refused AS {refused_rows(contract, as_of)};"  # noqa: S608 - as above
        f"CREATE VIEW accepted AS SELECT * FROM typed ANTI JOIN refused ON {POSITION} = position;"
        # Rows go out one batch at a time and are compressed beside; more threads would only wait for each other.
        # The buffer of results does not count what long texts hold, and would take up all of them.
        "SET threads = 1; SET streaming_buffer_size = '1B'; SET lock_configuration = true"
    )


def _let_first_accepted_stay(
    database: duckdb.DuckDBPyConnection, contract: Contract, as_of: datetime.date | None
) -> None:
    """Name as the first row of each value that comes again the first that is accepted, where one is.

    Rows are taken in order, since one that is refused for a value of its own keeps no later one from staying.
    """
    query, tables = repeating_rows(contract, as_of), [firsts_table(group) for group, _ in enumerate(firsts(contract))]
    sizes = [(database.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,))[0] for table in tables]  # noqa: S608
    if query is None or not any(sizes):
        return
    stays = [np.full(size, -1, np.int64) for size in sizes]
    for batch in _batches(database, query):
        for position, ids in zip(batch["position"].to_pylist(), batch["ids"].to_pylist(), strict=True):
            values = [(stay, place) for stay, place in zip(stays, ids, strict=True) if place is not None]
            if all(stay[place] < 0 for stay, place in values):
                for stay, place in values:
                    stay[place] = position
    for table, stay in zip(tables, stays, strict=True):
        database.register("stays", {"id": np.arange(len(stay)), "first": stay})
        database.execute(
            f"UPDATE {table} SET first = stays.first FROM stays WHERE {table}.id = stays.id AND stays.first >= 0"  # noqa: S608
        )
        database.unregister("stays")


def _batch_rows(rows: Path) -> int:
    """How many rows may leave the database at once: of long ones fewer, since Arrow takes 2 GiB of texts at most."""
    file = pq.read_metadata(rows)
    groups = [file.row_group(number) for number in range(file.num_row_groups)]
    longest = max((group.total_byte_size / group.num_rows for group in groups if group.num_rows), default=0.0)
    return max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / max(longest, 1))))


def _batches(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """What a query over the rows gives, few enough of them at a time for memory to stay bounded."""
    (at_once,) = database.execute("SELECT getvariable('batch_rows')").fetchone() or (_BATCH_ROWS,)
    yield from database.execute(query).to_arrow_reader(at_once)


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


def accepted_writer(path: Path, contract: Contract) -> pq.ParquetWriter:
    """A writer of a file of `accepted_schema`, to which append_accepted appends."""
    # Most values differ, so that dictionaries would be begun and given up; nobody asks for statistics.
    return pq.ParquetWriter(
        path, accepted_schema(contract), compression="zstd", use_dictionary=False, write_statistics=False
    )


def append_accepted(
    database: duckdb.DuckDBPyConnection, source: str, contract: Contract, writer: pq.ParquetWriter
) -> int:
    """Append the accepted rows of a source, in order, to a file of `accepted_schema`; returns how many they are.

    Columns of the file that the contract does not have stay empty.
    """
    count = 0

    def counted() -> Iterator[pa.Table]:
        nonlocal count
        for table in regrouped(_accepted(database, source, contract, writer.schema)):
            count += table.num_rows
            yield table

    write_beside(writer, counted())
    return count


def _accepted(
    database: duckdb.DuckDBPyConnection, source: str, contract: Contract, schema: pa.Schema
) -> Iterator[pa.Table]:
    values = {column.name: f"v{index}" for index, column in enumerate(contract.columns)}
    values[RECORD] = f"{quoted(source + '/')} || coalesce(alias, source) || ':' || line"
    known = [name for name in schema.names if name in values]
    listed = ", ".join(values[name] for name in known)
    refused = database.execute("SELECT position FROM refused ORDER BY position").fetchnumpy()["position"]
    # DuckDB keeps the order of what it scans, not of what it joins: the refused are taken out here.
    rows = _batches(database, f"SELECT {POSITION}, {listed} FROM typed")  # noqa: S608 - v0, v1, ... and a quoted name
    begin = 0
    for batch in rows:
        positions = np.from_dlpack(batch[0])
        if not np.array_equal(positions, np.arange(begin, begin + len(positions))):
            raise AssertionError("DuckDB gave rows in another order than that of their file")
        low, high = np.searchsorted(refused, [begin, begin + len(positions)])
        begin += len(positions)
        kept = _without(batch, refused[low:high] - positions[0]) if high > low else batch
        given = dict(zip(known, kept.columns[1:], strict=True))
        columns = [
            given[field.name].cast(field.type) if field.name in given else pa.nulls(kept.num_rows, field.type)
            for field in schema
        ]
        yield pa.Table.from_arrays(columns, schema=schema)


def _without(batch: pa.RecordBatch, places: npt.NDArray[np.int64]) -> pa.RecordBatch:
    kept = np.delete(np.arange(batch.num_rows), places)
    # pyarrow.array would import pandas, for a second, as to_numpy would.
    return batch.take(pa.Array.from_buffers(pa.int64(), len(kept), [None, pa.py_buffer(kept)]))


def write_accepted(database: duckdb.DuckDBPyConnection, source: str, contract: Contract, path: Path) -> int:
    """Write the accepted rows of one source alone, for what looks them up: rules in SQL, and other contracts' keys.

    Returns how many they are.
    """
    with written_whole(path) as fresh, accepted_writer(fresh, contract) as writer:
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
    asked = [f"{end}({value})::DATE" for value, _ in columns for end in ("min", "max")]
    found = database.execute(f"SELECT {', '.join(asked)} FROM accepted").fetchall()[0] if columns else ()  # noqa: S608 - v0, ...
    ranges = zip(columns, found[::2], found[1::2], strict=True)
    return {name: (first.isoformat(), last.isoformat()) for (_, name), first, last in ranges if first is not None}


def append_quarantine(database: duckdb.DuckDBPyConnection, source: str, contract: Contract, stream: TextIO) -> Refused:
    """Append the refused rows of a source as JSON Lines, in order, each with its origin, its reasons and what it holds.

    `offset` is the byte of the file at which the row begins, `key` its primary key where the contract has one and it
    could be read. `raw` is the row's text; where its bytes are no valid text, they follow as `raw_base64`. A document
    has its `alias` instead: it is not copied, and this says which bytes it had, and what the reports call it.
    """
    keys = {column.name: f"t{index}" for index, column in enumerate(contract.columns) if column.primary_key}
    refused = Refused()
    found = _batches(
        database,
        f'SELECT source, alias, line, "offset", rejected, reasons, raw, raw_bytes, [{", ".join(keys.values())}] AS key'  # noqa: S608 - t0, ...
        f" FROM rows JOIN refused ON {POSITION} = position ORDER BY position",
    )
    for batch in found:
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
    if row["alias"] is not None:
        entry["alias"] = row["alias"]
    if keys and not (row["rejected"] and None in row["key"]):
        entry["key"] = dict(zip(keys, row["key"], strict=True))
    entry["kind"] = "rejected_raw" if row["rejected"] else "quarantined"
    entry["reasons"] = list(dict.fromkeys(row["reasons"]))
    entry["raw"] = row["raw"]
    if row["raw_bytes"] is not None:
        entry["raw_base64"] = base64.b64encode(row["raw_bytes"]).decode("ascii")
    return entry
