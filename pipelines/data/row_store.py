"""Collected rows on disk: one Parquet file a source, every value still the text that was read."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.rows import Row

_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 2**24


def write_rows(rows: Iterable[Row], contract: Contract, path: Path) -> None:
    """Write rows as Parquet: `seq` (their order), the fields of Row, and one text column t0, t1, ... for each column.

    Batches of bounded size pass through, so that memory stays flat in the number of rows.
    """
    schema = _schema(len(contract.columns))
    # Dictionaries and statistics serve nobody who reads all of it, and take as long as the compression.
    repeated = ["source", "kinds"]
    with (
        pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=repeated, write_statistics=False) as writer,
        ThreadPoolExecutor(1) as beside,
    ):
        # One batch is compressed while the next is read.
        written = beside.submit(lambda: None)
        for batch in _batches(rows, schema):
            written.result()
            written = beside.submit(writer.write_table, batch)
        written.result()


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
    batch: list[Row] = []
    characters = seq = 0
    for row in rows:
        batch.append(row)
        characters += len(row.raw)
        if len(batch) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield _table(batch, seq, schema)
            seq += len(batch)
            batch, characters = [], 0
    if batch:
        yield _table(batch, seq, schema)


def _table(batch: list[Row], seq: int, schema: pa.Schema) -> pa.Table:
    columns: dict[str, Sequence[Any]] = dict(zip(Row._fields, zip(*batch, strict=True), strict=True))
    columns["seq"] = range(seq, seq + len(batch))
    nothing = (None,) * (len(schema) - len(Row._fields))
    texts = zip(*(row_texts or nothing for row_texts in columns.pop("texts")), strict=True)
    columns |= {f"t{index}": column for index, column in enumerate(texts)}
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
