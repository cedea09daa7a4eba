"""Collected rows on disk: one Parquet file a source, every value still the text that was read."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contract import Contract
from pipelines.data.sources.rows import Row

_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 2**24


def write_rows(rows: Iterable[Row], contract: Contract, path: Path) -> None:
    """Write rows as Parquet: `seq` (their order), the fields of Row, and one text column t0, t1, ... for each column.

    Batches of bounded size pass through, so that memory stays flat in the number of rows.
    """
    schema = _schema(len(contract.columns))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(rows, schema):
            writer.write_table(batch)


def _schema(width: int) -> pa.Schema:
    return pa.schema(
        [
            ("seq", pa.int64()),
            ("source", pa.string()),
            ("line", pa.int64()),
            ("offset", pa.int64()),
            ("raw", pa.string()),
            ("raw_bytes", pa.binary()),
            ("faults", pa.list_(pa.string())),
            ("kinds", pa.string()),
            *((f"t{index}", pa.string()) for index in range(width)),
        ]
    )


def _batches(rows: Iterable[Row], schema: pa.Schema) -> Iterator[pa.Table]:
    nothing = (None,) * sum(name.startswith("t") for name in schema.names)
    batch: list[tuple[object, ...]] = []
    characters = 0
    for seq, row in enumerate(rows):
        place = (seq, row.source, row.line, row.offset)
        batch.append((*place, row.raw, row.raw_bytes, row.faults, row.kinds, *(row.texts or nothing)))
        characters += len(row.raw)
        if len(batch) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield _table(batch, schema)
            batch, characters = [], 0
    if batch:
        yield _table(batch, schema)


def _table(batch: list[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*batch, strict=True)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)
