"""Rows on disk as Parquet, in groups of bounded size; of a source that was collected every value is still text."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.rows import row_schema
from pipelines.parquet import batches_in

# DuckDB shares work out by groups of rows; long rows fill one before it has so many.
_GROUP_ROWS = 100_000
_GROUP_BYTES = 2**25
_GROUP_CHARACTERS = 2**24
_PIECE_ROWS = 250


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
        use_dictionary=["source", "alias", "kinds"],
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


def regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Rows in groups of bounded size that depend on nothing but the rows, however many come at once."""
    group: list[pa.Table] = []
    rows = characters = 0
    for piece in _pieces(tables):
        group.append(piece)
        rows += piece.num_rows
        texts = (column for column in piece.columns if column.type == pa.string())
        characters += sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in texts)
        if rows >= _GROUP_ROWS or characters >= _GROUP_CHARACTERS:
            yield pa.concat_tables(group).combine_chunks()
            group, rows, characters = [], 0, 0
    if group:
        yield pa.concat_tables(group).combine_chunks()


def _pieces(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    rest: list[pa.Table] = []
    for table in tables:
        together = pa.concat_tables([*rest, table])
        whole = together.num_rows // _PIECE_ROWS * _PIECE_ROWS
        for begin in range(0, whole, _PIECE_ROWS):
            yield together.slice(begin, _PIECE_ROWS)
        rest = [together.slice(whole)]
    yield from (piece for piece in rest if piece.num_rows)


def are_in_order(rows: Path) -> bool:
    """Whether the rows stand in the order of their files and lines, as those of a source do."""
    last: tuple[str, int] = "", 0
    for batch in batches_in(rows, ["source", "line"]):
        sources, lines = batch.columns
        follows = pc.and_(pc.equal(sources[1:], sources[:-1]), pc.greater(lines[:-1], lines[1:]))
        if pc.any(pc.or_(follows, pc.less(sources[1:], sources[:-1]))).as_py():
            return False
        if (sources[0].as_py(), lines[0].as_py()) < last:
            return False
        last = sources[-1].as_py(), lines[-1].as_py()
    return True
