"""The values of a JSON array, or the one value of a file, found a piece of the file at a time."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from pipelines.data.sources.text_lines import LONGEST_ROW, opened_text, size_in

_PIECE = 2**20
_LONGEST_VALUE = 2 * LONGEST_ROW
# Behind its first digits a number that goes on as .5 or e-5 seems to end before these characters.
_NUMBER_GOES_ON = len("e-")
_SPACE = re.compile(r"[ \t\r\n]*")
_CLOSED = re.compile(r"\][ \t\r\n]*")
# Finds where a value ends and keeps nothing of it; parse_object looks at what it holds.
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class Value(NamedTuple):
    """The text of a value, its line, and the byte of the file at which it begins.

    Where a `fault` says why no more values can be told apart, it is the last, and its text what stands there: all of
    it, or at least LONGEST_ROW characters.
    """

    line: int
    offset: int
    text: str
    fault: str | None = None


def values_in(path: Path, encoding: str) -> Iterator[Value]:
    """Every value of an array, or the one value, in order. Memory is bounded by the longest value, not by the file.

    Raises:
        TinsmithError: the file cannot be opened, or is said to be UTF-16 and has no byte order mark.
    """
    with opened_text(path, encoding) as (stream, codec, offset):
        place = _Place(stream, codec, offset)
        place.skip_space()
        if place.is_end():
            return
        in_array = place.skip("[")
        place.skip_space()
        more = not (in_array and place.is_at("]"))
        while more:
            value = place.value()
            yield value
            if value.fault:
                return
            place.skip_space()
            more = in_array and place.skip(",")
            place.skip_space()
        last = place.rest("row: broken JSON")
        as_it_should = (_CLOSED if in_array else _SPACE).fullmatch(last.text)
        if not as_it_should or len(last.text) >= LONGEST_ROW:
            yield last


class _Place:
    """A place in a file's text, of which only a piece is held: its line, and the byte of the file."""

    def __init__(self, stream: TextIO, codec: str, offset: int) -> None:
        self._stream, self._codec = stream, codec
        self._line, self._offset = 1, offset
        self._text, self._at = "", 0

    def is_end(self) -> bool:
        """Whether nothing stands here; asked behind skip_space, as is_at and skip are, which reads that far."""
        return self._at == len(self._text)

    def is_at(self, letter: str) -> bool:
        return self._text.startswith(letter, self._at)

    def skip(self, letter: str) -> bool:
        """Go behind a letter, where it stands here."""
        found = self.is_at(letter)
        self._take(self._at + found)
        return found

    def skip_space(self) -> None:
        """Go behind the white space that stands here."""
        more = True
        while more:
            space = _SPACE.match(self._text, self._at)
            assert space is not None
            self._take(space.end())
            more = self.is_end() and self._read_on()

    def value(self) -> Value:
        """The value that stands here, behind which this then is; where none can be told apart, what stands here."""
        while True:
            try:
                _, end = _SCANNER.raw_decode(self._text, self._at)
                if end < len(self._text) - _NUMBER_GOES_ON:
                    break
            except RecursionError:
                return self.rest("row: JSON nested too deeply")
            except ValueError:
                end = None
            if self._held() >= _LONGEST_VALUE:
                return self.rest(f"row: broken JSON, or longer than {_LONGEST_VALUE} characters")
            if not self._read_on():
                break
        if end is None:
            return self.rest("row: broken JSON")
        line, offset = self._line, self._offset
        return Value(line, offset, self._take(end))

    def rest(self, fault: str) -> Value:
        """What stands here, to the end of the file or for LONGEST_ROW characters, as a value with a fault."""
        while self._held() < LONGEST_ROW and self._read_on():
            pass
        return Value(self._line, self._offset, self._text[self._at :], fault)

    def _held(self) -> int:
        return len(self._text) - self._at

    def _read_on(self) -> bool:
        """Hold more text, twice as much of a long value, so that it is not looked through for each piece."""
        piece = self._stream.read(max(_PIECE, self._held()))
        if piece:
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)

    def _take(self, end: int) -> str:
        taken = self._text[self._at : end]
        self._line += taken.count("\n")
        self._offset += size_in(taken, self._codec)
        self._at = end
        return taken
