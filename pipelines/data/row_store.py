"""Collected rows on disk: one Parquet file a source, every value still the text that was read."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.rows import Row, batches_of, row_schema

# DuckDB shares work out by groups of rows; long rows fill one before it has so many.
_GROUP_ROWS = 100_000
_GROUP_BYTES = 2**25


def write_rows(rows: Iterable[Row], contract: Contract, path: Path) -> None:
    """Write rows as `write_batches` does."""
    write_batches(batches_of(rows, contract), contract, path)


def write_batches(batches: Iterable[pa.RecordBatch], contract: Contract, path: Path) -> None:
    """Write batches of rows (see sources.rows.row_schema) as one Parquet file, in their order.

    Groups of bounded size pass through, so that memory stays flat in the number of rows.
    """
    schema = row_schema(len(contract.columns))
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        # Dictionaries and statistics serve nobody who reads all of it, and take as long as the compression.
        use_dictionary=["source", "kinds"],
        write_statistics=False,
        column_encoding={"line": "DELTA_BINARY_PACKED", "offset": "DELTA_BINARY_PACKED"},
    ) as writer:
        write_beside(writer, _groups(batches))


def write_beside(writer: pq.ParquetWriter, groups: Iterable[pa.Table]) -> None:
    """Write each table as a group of rows, compressed while the next one is made."""
    with ThreadPoolExecutor(1) as beside:
        written = beside.submit(lambda: None)
        for group in groups:
            written.result()
            written = beside.submit(writer.write_table, group)
        written.result()


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield pa.Table.from_batches(group)
            group, rows, size = [], 0, 0
    if group:
        yield pa.Table.from_batches(group)
