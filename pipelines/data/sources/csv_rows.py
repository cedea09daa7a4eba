"""The rows of a CSV. Nothing is guessed: delimiter, quoting and encoding are what the recipe says.

A row that breaks them neither stops the reading nor pulls the rows behind it along.
"""

import csv
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.csv_blocks import Apart, Block, Layout, read_block, whole_part
from pipelines.data.sources.csv_records import Record, records_from
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.rows import Row, batches_of, places_of
from pipelines.data.sources.text_lines import (
    LONGEST_ROW,
    Place,
    codec_of,
    decoded,
    shown,
    text_faults,
    undecoded,
    without_end,
)
from pipelines.errors import TinsmithError

_BLOCK = 2**20
"""Bytes that are looked at together."""


def csv_batches(file: PlainFile, delimiter: str, encoding: str, contract: Contract) -> Iterator[pa.RecordBatch]:
    """Every row of a CSV, in order, blank lines left out, as batches (see rows.row_schema).

    It begins with a header that holds every column of the contract; an empty field is a missing value. Columns that the
    contract does not name are left out.

    Raises:
        TinsmithError: the file cannot be opened, or its header is missing, broken, or not the contract's.
    """
    records: list[Record] = []
    place: Place | None = Place(0, 0)
    start = None
    while not records and place:
        records, place = records_from(file.path, encoding, delimiter, start, 1 if start is None else start.line)
        start = place
    if not records:
        raise TinsmithError(f"{file.told}: the file is empty; it needs a header with the contract's columns")
    layout = _layout(records[0], file, delimiter, encoding, contract)
    codec = codec_of(file.path, encoding)
    yield from batches_of((_row(record, layout, codec) for record in records[1:]), contract)
    with file.path.open("rb") as stream:
        while place:
            last = place.line
            if layout.by_bytes:
                stream.seek(place.offset)
                content = stream.read(_BLOCK)
                at_end = len(content) < _BLOCK
                content = content if at_end else whole_part(content)
                content += b"\n" if at_end and not content.endswith(b"\n") else b""
                if content and (block := read_block(content, place, layout)):
                    yield _in_order(block, layout, codec, contract)
                    ends = place.line + content.count(b"\n")
                    place = None if at_end else Place(ends, place.offset + len(content))
                    continue
                last += max(content.count(b"\n") - 1, 0)
            records, place = records_from(file.path, encoding, delimiter, place, last)
            yield from batches_of((_row(record, layout, codec) for record in records), contract)


def _layout(header: Record, file: PlainFile, delimiter: str, encoding: str, contract: Contract) -> Layout:
    where = f"{file.told}:{header.line}"
    if faults := _faults(header.raw, header.fault, encoding):
        said = f"encoding {encoding} and delimiter {delimiter!r}"
        raise TinsmithError(f"{where}: the header cannot be read ({', '.join(faults)}); the recipe says {said}")
    width = len(header.fields)
    if width == 1 < len(contract.columns):
        raise TinsmithError(f"{where}: the header holds one column only; is the source's delimiter right?")
    places = places_of(contract, header.fields, where, "header")
    return Layout(file.label, encoding, delimiter, width, tuple(places))


def _in_order(block: Block, layout: Layout, codec: str, contract: Contract) -> pa.RecordBatch:
    """All records of a block, those that were set apart in between."""
    if not block.apart:
        return block.whole
    rows = [_row(_record(apart, layout.delimiter), layout, codec) for apart in block.apart]
    numbers = np.concatenate((block.numbers, [apart.number for apart in block.apart]))
    mixed = pa.concat_batches([block.whole, *batches_of(rows, contract)])
    return mixed.take(pa.array(np.argsort(numbers)))


def _record(apart: Apart, delimiter: str) -> Record:
    text = decoded(apart.content)
    fields = next(csv.reader([text], delimiter=delimiter, strict=True))
    return Record(*apart.place, without_end(text), None, fields)


def _row(record: Record, layout: Layout, codec: str) -> Row:
    number, offset, raw, fault, fields = record
    width = layout.width
    if fault is None and len(fields) == width and _is_plain(raw):
        return Row(layout.label, number, raw, (), [fields[place] or None for place in layout.places], None, offset)
    faults = _faults(raw, fault, layout.encoding)
    if not fault and len(fields) != width:
        faults = (*faults, "row: too many columns" if len(fields) > width else "row: too few columns")
    texts = () if faults else [fields[place] or None for place in layout.places]
    return Row(layout.label, number, shown(raw), faults, texts, None, offset, undecoded(raw, codec))


def _is_plain(raw: str) -> bool:
    """Whether most rows' short way will do: text without anything that could be a fault."""
    return raw.isascii() and "\0" not in raw and len(raw) < LONGEST_ROW


def _faults(raw: str, fault: str | None, encoding: str) -> tuple[str, ...]:
    faults = text_faults(raw, encoding)
    return (*faults, fault) if fault and fault not in faults else faults
