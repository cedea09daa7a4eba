"""Many records of a CSV at once, a column at a time, with the same result as csv_records gives record by record.

Quotes, records and their fields are told apart by looking at all of a block's bytes at once; the fields of whole
records are then read by Arrow. Records with too many or too few fields, with NUL or with bytes that are no text are set
apart, to be read one by one. Where a quote is broken, no record of the block is certain, and the block is given up.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from pipelines.data.sources.rows import row_schema
from pipelines.data.sources.text_lines import Place

_NEWLINE, _RETURN, _QUOTE = b'\n\r"'
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """How the records of a file are built: `width` fields, of which those at `places` are the contract's columns."""

    label: str
    encoding: str
    delimiter: str
    width: int
    places: tuple[int, ...]

    @property
    def by_bytes(self) -> bool:
        """Whether the bytes of a delimiter and of a line's end are never part of another character."""
        return self.encoding != "utf-16" and self.delimiter.isascii() and self.delimiter not in '\r\n"'


class Apart(NamedTuple):
    """A record that is to be read by itself: its number among those of the block, and its bytes as UTF-8."""

    number: int
    place: Place
    content: bytes


class Block(NamedTuple):
    """The records of a block: those that are whole as a batch, with their numbers, and those set apart."""

    whole: pa.RecordBatch
    numbers: Places
    apart: list[Apart]


def whole_part(block: bytes) -> bytes:
    """A block up to the last line's end that stands outside quotes; empty where there is none."""
    if b'"' not in block:
        return block[: block.rfind(b"\n") + 1]
    content = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero((content == _NEWLINE) & ~_inside_quotes(content))
    return block[: ends[-1] + 1] if len(ends) else b""


def read_block(block: bytes, start: Place, layout: Layout) -> Block | None:
    """The records of a block, which begins at `start` and ends with a line's end; None where it cannot be read so."""
    utf8 = _as_utf8(block, layout.encoding)
    # Arrow takes a byte order mark away from where its input begins, which may be any record.
    if utf8 is None or utf8.startswith(_BYTE_ORDER_MARK) or b"\n" + _BYTE_ORDER_MARK in utf8:
        return None
    content = np.frombuffer(utf8, np.uint8)
    inside = _inside_quotes(content) if b'"' in utf8 else None
    if inside is not None and not _is_well_quoted(content, ord(layout.delimiter)):
        return None
    if b"\r" in utf8 and not _returns_end_lines(content, inside):
        return None
    newlines = np.flatnonzero(content == _NEWLINE)
    ends = newlines if inside is None else newlines[~inside[newlines]]
    starts = np.concatenate(([0], ends[:-1] + 1))
    texts_end = ends - ((content[ends - 1] == _RETURN) & (ends > starts))
    apart = (texts_end > starts) & _are_odd(utf8, content, inside, starts, ends, layout)
    lines = start.line + np.searchsorted(newlines, starts)
    offsets = start.offset + starts
    if len(utf8) != len(block):
        offsets -= np.searchsorted(np.flatnonzero((content & 0xC0) == 0x80), starts)
    numbers = np.flatnonzero((texts_end > starts) & ~apart)
    wanted = np.repeat(~apart, ends + 1 - starts)
    fields = _fields(content[wanted] if apart.any() else utf8, len(numbers), layout)
    wanted[ends] = wanted[texts_end] = False
    raw = _text_array(content[wanted], (texts_end - starts)[numbers])
    whole = _batch(layout, _integers(lines[numbers]), _integers(offsets[numbers]), raw, fields)
    kept_apart = [
        Apart(number, Place(int(lines[number]), int(offsets[number])), utf8[starts[number] : ends[number] + 1])
        for number in map(int, np.flatnonzero(apart))
    ]
    return Block(whole, numbers, kept_apart)


def _as_utf8(block: bytes, encoding: str) -> bytes | None:
    if encoding == "utf-8" or block.isascii():
        return block
    try:
        return block.decode(encoding).encode()
    except UnicodeDecodeError:
        return None


def _inside_quotes(content: Bytes) -> Flags:
    """For each byte whether it stands behind an odd number of quotes, itself among them."""
    inside: Flags = np.logical_xor.accumulate(content == _QUOTE)
    return inside


def _is_well_quoted(content: Bytes, delimiter: int) -> bool:
    """Whether each quote opens a field, closes one, or is one of two within."""
    quotes = np.flatnonzero(content == _QUOTE)
    if len(quotes) % 2:
        return False
    before = content[quotes[::2] - 1]
    before[quotes[::2] == 0] = _NEWLINE
    behind = content[quotes[1::2] + 1]
    opened = (before == delimiter) | (before == _NEWLINE) | (before == _QUOTE)
    closed = (behind == delimiter) | (behind == _NEWLINE) | (behind == _QUOTE) | (behind == _RETURN)
    return bool(opened.all() and closed.all())


def _returns_end_lines(content: Bytes, inside: Flags | None) -> bool:
    returns = np.flatnonzero(content == _RETURN)
    if inside is not None:
        returns = returns[~inside[returns]]
    return bool((content[returns + 1] == _NEWLINE).all())


def _are_odd(utf8: bytes, content: Bytes, inside: Flags | None, starts: Places, ends: Places, layout: Layout) -> Flags:
    """For each record whether it has another number of fields than the header, or is not text."""
    delimiters = np.flatnonzero(content == ord(layout.delimiter))
    if inside is not None:
        delimiters = delimiters[~inside[delimiters]]
    odd: Flags = np.diff(np.searchsorted(delimiters, ends), prepend=0) != layout.width - 1
    if b"\0" in utf8:
        odd[np.searchsorted(ends, np.flatnonzero(content == 0))] = True
    if not _is_text(utf8):
        beyond_ascii = np.unique(np.searchsorted(ends, np.flatnonzero(content >= 0x80)))
        for number in beyond_ascii:
            odd[number] |= not _is_text(utf8[starts[number] : ends[number]])
    return odd


def _is_text(content: bytes) -> bool:
    try:
        return content.isascii() or content.decode() is not None
    except UnicodeDecodeError:
        return False


def _fields(content: Any, rows: int, layout: Layout) -> list[pa.Array]:
    """The contract's columns of records that are all of the header's width; an empty field is a missing value."""
    if not rows:
        return [pa.nulls(0, pa.string())] * len(layout.places)
    names = [str(place) for place in range(layout.width)]
    wanted = [names[place] for place in layout.places]
    table = pa.csv.read_csv(
        pa.BufferReader(pa.py_buffer(content)),
        read_options=pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(content) + 1),
        parse_options=pa.csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    assert table.num_rows == rows
    return [column.combine_chunks() for column in table.columns]


def _batch(layout: Layout, lines: pa.Array, offsets: pa.Array, raw: pa.Array, fields: list[pa.Array]) -> pa.RecordBatch:
    schema = row_schema(len(layout.places))
    given = {"source": _repeated(layout.label, len(raw)), "line": lines, "offset": offsets, "raw": raw}
    given |= {f"t{index}": column for index, column in enumerate(fields)}
    columns = [given[field.name] if field.name in given else pa.nulls(len(raw), field.type) for field in schema]
    return pa.record_batch(columns, schema=schema)


# pyarrow.array and pyarrow.repeat would import pandas, for a second.
def _integers(values: Places) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _repeated(text: str, times: int) -> pa.Array:
    content = np.frombuffer(text.encode(), np.uint8)
    return _text_array(np.tile(content, times), np.full(times, len(content)))


def _text_array(content: Bytes, lengths: Places) -> pa.Array:
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(content)])
