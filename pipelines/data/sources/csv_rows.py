"""The rows of a CSV. Nothing is guessed: delimiter, quoting and encoding are what the recipe says.

A row that breaks them neither stops the reading nor pulls the rows behind it along.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.csv_blocks import Apart, Block, Layout, read_block, whole_part
from pipelines.data.sources.csv_records import Record, records_from
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.rows import Row, batches_of, column_names, places_of
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
    header, place = _header(file, delimiter, encoding)
    layout = _layout(header, file, delimiter, encoding, contract)
    codec = codec_of(file.path, encoding)
    with file.path.open("rb") as stream:
        while place:
            content, at_end = _next_block(stream, place, layout)
            if content and (block := read_block(content, place, layout)):
                yield _in_order(block, layout, codec, contract)
                behind = Place(place.line + content.count(b"\n"), place.offset + len(content))
                place = None if at_end else behind
            else:
                last = place.line + max(content.count(b"\n") - 1, 0)
                records, place = records_from(file.path, encoding, delimiter, place, last)
                yield from batches_of((_row(record, layout, codec) for record in records), contract)


def _header(file: PlainFile, delimiter: str, encoding: str) -> tuple[Record, Place | None]:
    """The first record, and where the next one begins, None where there is none."""
    records, place = records_from(file.path, encoding, delimiter, None, 1)
    while not records and place:
        records, place = records_from(file.path, encoding, delimiter, place, place.line)
    if not records:
        raise TinsmithError(f"{file.told}: the file is empty; it needs a header with the contract's columns")
    header, *others = records
    return header, Place(others[0].line, others[0].offset) if others else place


def _next_block(stream: BinaryIO, place: Place, layout: Layout) -> tuple[bytes, bool]:
    """The whole lines that are read together from `place` on, none where they cannot; whether the file ends there."""
    if not layout.by_bytes:
        return b"", False
    stream.seek(place.offset)
    content = stream.read(_BLOCK)
    if len(content) == _BLOCK:
        return whole_part(content), False
    return content + b"\n" * (not content.endswith(b"\n")), True


def _layout(header: Record, file: PlainFile, delimiter: str, encoding: str, contract: Contract) -> Layout:
    where = f"{file.told}:{header.line}"
    if faults := _faults(header.raw, header.fault, encoding):
        said = f"encoding {encoding} and delimiter {delimiter!r}"
        raise TinsmithError(f"{where}: the header cannot be read ({', '.join(faults)}); the recipe says {said}")
    width = len(header.fields)
    if width == 1 < len(contract.columns):
        raise TinsmithError(f"{where}: the header holds one column only; is the source's delimiter right?")
    places = places_of(contract, column_names(header.fields), where, "header")
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
