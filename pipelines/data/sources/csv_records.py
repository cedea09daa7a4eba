"""CSV as RFC 4180 has it, record by record, and going on behind a broken one."""

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipelines.data.sources.text_lines import LONGEST_ROW, Line, Place, read_lines, without_end

csv.field_size_limit(LONGEST_ROW)
_WINDOW = 2**18
"""Characters that are read at once where nothing is broken."""


class Record(NamedTuple):
    """A record with the 1-based line and the byte on which it begins; `raw` is its text, `fault` why it is unread."""

    line: int
    offset: int
    raw: str
    fault: str | None
    fields: list[str]


def read_records(lines: Iterator[Line], delimiter: str) -> Iterator[Record]:
    """The records in order, blank lines left out.

    A record with a broken quote ends with its first line: where the quote should have ended nobody can know, and the
    rows behind it must not be swallowed.
    """
    replay = _Replay(lines)
    while window := replay.window():
        yield from _records_in(window, replay, delimiter)


def records_from(
    path: Path, encoding: str, delimiter: str, start: Place | None, last: int
) -> tuple[list[Record], Place | None]:
    """The records from `start` (or the beginning) on, at least those that begin on lines until `last`.

    Returns with them where the next one begins, None at the file's end.
    """
    replay = _Replay(read_lines(path, encoding, start))
    records: list[Record] = []
    while replay.next_number() <= last:
        records += _records_in(replay.window(), replay, delimiter)
    return records, replay.next_place()


def _records_in(window: list[Line], replay: "_Replay", delimiter: str) -> Iterator[Record]:
    well_quoted = _record_pattern(delimiter)
    records = _whole_records(window, delimiter, well_quoted)
    if records is not None:
        yield from records
    else:
        # Something in the window is broken: record by record, which is slow, but tells what.
        replay.give_back(window)
        yield from _single_records(replay, delimiter, well_quoted, window[-1].number)


def _whole_records(window: list[Line], delimiter: str, well_quoted: re.Pattern[str]) -> list[Record] | None:
    """The records of lines, of which the last one ends a record; None where one of them is broken."""
    texts = [line.text for line in window]
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    records = []
    begin = 0
    try:
        for fields in reader:
            end = reader.line_num
            raw = without_end(texts[begin] if end == begin + 1 else "".join(texts[begin:end]))
            if '"' in raw and not _is_well_quoted(fields, raw, well_quoted):
                return None
            if raw:
                number, _, offset = window[begin]
                records.append(Record(number, offset, raw, None, fields))
            begin = end
    except csv.Error:
        return None
    return records


def _single_records(replay: "_Replay", delimiter: str, well_quoted: re.Pattern[str], last: int) -> Iterator[Record]:
    """The records that begin on lines until `last`, one by one."""
    reader = csv.reader(replay, delimiter=delimiter, strict=True)
    while replay.next_number() <= last:
        replay.row.clear()
        fault = None
        try:
            fields = next(reader)
        except csv.Error as error:
            fault, fields = _fault(error), []
        if not _is_well_quoted(fields, replay.text(), well_quoted):
            fault = "row: broken quote"
        if fault:
            replay.back_to_second_line()
            reader = csv.reader(replay, delimiter=delimiter, strict=True)
        if raw := replay.text():
            first = replay.row[0]
            yield Record(first.number, first.offset, raw, fault, fields)


def _is_well_quoted(fields: list[str], raw: str, well_quoted: re.Pattern[str]) -> bool:
    return not any('"' in field for field in fields) or well_quoted.fullmatch(raw) is not None


class _Replay:
    """Lines for a csv.reader, which remembers those of the row being read, so that they can be read once more."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: list[Line] = []
        self.row: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.row.append(line)
        return line.text

    def next_number(self) -> float:
        """The number of the line that comes next; infinity at the end."""
        place = self.next_place()
        return place.line if place else math.inf

    def next_place(self) -> Place | None:
        """Where the line begins that comes next; None at the end."""
        if not self._again:
            try:
                self._again.append(next(self._lines))
            except StopIteration:
                return None
        return Place(self._again[-1].number, self._again[-1].offset)

    def window(self) -> list[Line]:
        """The next lines, of which the last one ends a record unless a quote is broken; empty at the end."""
        window: list[Line] = []
        characters = quotes = 0
        while line := self._again.pop() if self._again else next(self._lines, None):
            window.append(line)
            characters += len(line.text)
            quotes += line.text.count('"')
            if characters > _WINDOW and (quotes % 2 == 0 or characters > 2 * _WINDOW):
                break
        return window

    def text(self) -> str:
        """The row's text without the end of its last line."""
        return without_end("".join(line.text for line in self.row))

    def give_back(self, window: list[Line]) -> None:
        """Give lines out again."""
        self._again += reversed(window)

    def back_to_second_line(self) -> None:
        """Keep the row's first line as the row, and give the others out again."""
        self._again += reversed(self.row[1:])
        del self.row[1:]


def _record_pattern(delimiter: str) -> re.Pattern[str]:
    """RFC 4180's record. csv.reader lets a quote inside an unquoted field pass: often the rest of a text cut apart."""
    other = re.escape(delimiter)
    field = f'(?:"(?:[^"]|"")*+"|[^"{other}]*+)'
    return re.compile(f"{field}(?:{other}{field})*+")


def _fault(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "row: carriage return outside quotes"
    if "field limit" in str(error):
        return f"row: longer than {LONGEST_ROW} characters"
    return "row: broken quote"
