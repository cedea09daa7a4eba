"""CSV as RFC 4180 has it, record by record, and going on behind a broken one."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.data.sources.text_lines import LONGEST_ROW, Line, without_end

csv.field_size_limit(LONGEST_ROW)


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
    reader = csv.reader(replay, delimiter=delimiter, strict=True)
    well_quoted = _record_pattern(delimiter)
    while True:
        replay.row.clear()
        fault = None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault, fields = _fault(error), []
        if any('"' in field for field in fields) and not well_quoted.fullmatch(replay.text()):
            fault = "row: broken quote"
        if fault:
            replay.back_to_second_line()
            reader = csv.reader(replay, delimiter=delimiter, strict=True)
        if raw := replay.text():
            first = replay.row[0]
            yield Record(first.number, first.offset, raw, fault, fields)


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

    def text(self) -> str:
        """The row's text without the end of its last line."""
        return without_end("".join(line.text for line in self.row))

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
