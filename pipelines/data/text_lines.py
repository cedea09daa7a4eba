"""A file's lines as text, decoded strictly: what cannot be decoded is marked, never replaced and never dropped."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipelines.errors import TinsmithError

LONGEST_ROW = 16 * 2**20
"""Characters of the longest row that is read, so that one broken quote cannot fill the memory."""

_MARK = "tinsmith-mark"
_MARKED = re.compile("[\ud800-\udfff]")


class Line(NamedTuple):
    """A line of a file with its end; `number` is 1-based."""

    number: int
    text: str


def read_lines(path: Path, encoding: str) -> Iterator[Line]:
    """The lines of a file, without a byte order mark; of a line longer than LONGEST_ROW only its beginning.

    Raises:
        TinsmithError: the file cannot be opened, or is said to be UTF-16 and has no byte order mark.
    """
    # utf-8-sig leaves out the byte order mark that spreadsheets write.
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    number = 0
    try:
        with path.open(encoding=codec, errors=_MARK, newline="\n") as stream:
            while text := stream.readline(LONGEST_ROW):
                number += 1
                yield Line(number, text)
                while len(text) == LONGEST_ROW and not text.endswith("\n"):
                    text = stream.readline(LONGEST_ROW)
    except OSError as error:
        raise TinsmithError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeError:
        raise TinsmithError(
            f"{path}: not UTF-16, since it has no byte order mark; mend the source's encoding"
        ) from None


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


def shown(text: str) -> str:
    r"""The text without its line's end and with each byte that could not be decoded as its escape, such as \xe9."""
    return _MARKED.sub(lambda marked: f"\\x{ord(marked[0]) - 0xDC00:02x}", text).rstrip("\r\n")


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    """Stand a lone surrogate, which these decoders never give out, in the place of each byte that is not text."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_MARK, _mark_bytes)
