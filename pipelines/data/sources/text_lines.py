"""A file's lines as text, decoded strictly: what cannot be decoded is marked, never replaced and never dropped."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from pipelines.errors import TinsmithError

LONGEST_ROW = 16 * 2**20
"""Characters of the longest row that is read, so that one broken quote cannot fill the memory."""

_MARK = "tinsmith-mark"
_MARKED = re.compile("[\ud800-\udfff]")


class Line(NamedTuple):
    """A line of a file with its end; `number` is 1-based, `offset` is the byte of the file at which it begins."""

    number: int
    text: str
    offset: int


class Place(NamedTuple):
    """Where a line begins: its 1-based number, and the byte of the file."""

    line: int
    offset: int


def read_lines(path: Path, encoding: str, start: Place | None = None) -> Iterator[Line]:
    """The lines of a file, without a byte order mark; of a line longer than LONGEST_ROW only its beginning.

    They begin with the line at `start`, or with the first.

    Raises:
        TinsmithError: the file cannot be opened, or is said to be UTF-16 and has no byte order mark.
    """
    with _opened(path) as stream:
        codec, mark = _codec_and_mark(stream.peek(len(codecs.BOM_UTF8)), path, encoding)
        first, offset = start or Place(1, mark)
        stream.seek(offset)
        number = first - 1
        text_stream = io.TextIOWrapper(stream, encoding=codec, errors=_MARK, newline="\n")
        while text := text_stream.readline(LONGEST_ROW):
            number += 1
            yield Line(number, text, offset)
            offset += size_in(text, codec)
            while len(text) == LONGEST_ROW and not text.endswith("\n"):
                text = text_stream.readline(LONGEST_ROW)
                offset += size_in(text, codec)


@contextmanager
def opened_text(path: Path, encoding: str) -> Iterator[tuple[TextIO, str, int]]:
    """A file's text behind its byte order mark, its codec, and the byte at which it begins.

    Raises as read_lines does.
    """
    with _opened(path) as stream:
        codec, mark = _codec_and_mark(stream.peek(len(codecs.BOM_UTF8)), path, encoding)
        stream.seek(mark)
        yield io.TextIOWrapper(stream, encoding=codec, errors=_MARK, newline="\n"), codec, mark


def text_faults(text: str, encoding: str) -> tuple[str, ...]:
    """Why a row's text cannot be trusted, whatever its format."""
    faults = []
    if len(text) >= LONGEST_ROW:
        faults.append(f"row: longer than {LONGEST_ROW} characters")
    if has_lone_surrogate(text):
        faults.append(f"row: not {encoding}")
    if "\0" in text:
        faults.append("row: NUL character")
    return tuple(faults)


def has_lone_surrogate(text: str) -> bool:
    """Whether a text holds half of a UTF-16 pair, which no Unicode encoding can write."""
    return not text.isascii() and _MARKED.search(text) is not None


def codec_of(path: Path, encoding: str) -> str:
    """The codec of a file in an encoding that a recipe names: for utf-16 its byte order mark tells which of the two."""
    if encoding != "utf-16":
        return encoding
    with _opened(path) as stream:
        return _codec_and_mark(stream.peek(2), path, encoding)[0]


def shown(text: str) -> str:
    r"""The text without its line's end and with each byte that could not be decoded as its escape, such as \xe9."""
    text = without_end(text)
    return text if text.isascii() else _MARKED.sub(lambda marked: f"\\x{ord(marked[0]) - 0xDC00:02x}", text)


def decoded(content: bytes) -> str:
    """UTF-8 as text, with each byte that is none marked, as read_lines does it."""
    return content.decode("utf-8", _MARK)


def undecoded(text: str, codec: str) -> bytes | None:
    """The bytes of a text without its line's end, where `shown` cannot give them back because some are no text."""
    if not has_lone_surrogate(text):
        return None
    parts = re.split(f"({_MARKED.pattern}+)", without_end(text))
    return b"".join(
        bytes(ord(mark) - 0xDC00 for mark in part) if _MARKED.match(part) else part.encode(codec) for part in parts
    )


def without_end(text: str) -> str:
    """A text without the end of its last line."""
    return text.removesuffix("\n").removesuffix("\r")


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise TinsmithError(f"{path}: cannot be read ({error.strerror})") from None


def _codec_and_mark(start: bytes, path: Path, encoding: str) -> tuple[str, int]:
    """The codec of the bytes behind the byte order mark, and how many bytes the mark has."""
    if encoding == "utf-8" and start.startswith(codecs.BOM_UTF8):
        return encoding, len(codecs.BOM_UTF8)
    if encoding != "utf-16":
        return encoding, 0
    for mark, codec in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if start.startswith(mark) or not start:
            return codec, len(mark)
    raise TinsmithError(f"{path}: not UTF-16, since it has no byte order mark; mend the source's encoding")


def size_in(text: str, codec: str) -> int:
    """How many bytes a text was decoded from; each mark stands for one of them."""
    if text.isascii() and not codec.startswith("utf-16"):
        return len(text)
    plain, marks = _MARKED.subn("", text) if has_lone_surrogate(text) else (text, 0)
    return len(plain.encode(codec)) + marks


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    """Stand a lone surrogate, which these decoders never give out, in the place of each byte that is not text."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_MARK, _mark_bytes)
