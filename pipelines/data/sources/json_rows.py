"""The rows of JSON Lines, and of JSON that is one object or one array of objects."""

import json
import re
from collections.abc import Iterator, Sequence

from pipelines.data.contracts.contract import Contract
from pipelines.data.contracts.objects import field_of
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.json_records import BrokenJsonError, as_text, parse_object
from pipelines.data.sources.rows import Row
from pipelines.data.sources.shapes import reshaped
from pipelines.data.sources.text_lines import (
    LONGEST_ROW,
    Line,
    codec_of,
    has_lone_surrogate,
    read_lines,
    read_whole,
    shown,
    size_in,
    text_faults,
    undecoded,
)
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import Shape

_LARGEST_JSON = 2**30
_SPACE = re.compile(r"[ \t\r\n]*")
# Finds where a value ends and keeps nothing of it; parse_object looks at what it holds.
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def jsonl_rows(file: PlainFile, encoding: str, shape: Shape | None, contract: Contract) -> Iterator[Row]:
    """Every row of a file with one object a line, in order, blank lines left out.

    Raises:
        TinsmithError: the file cannot be opened.
    """
    codec = codec_of(file.path, encoding)
    for number, text, offset in read_lines(file.path, encoding):
        if text.strip(" \t\r\n"):
            faults, texts, kinds = _values(text, encoding, shape, contract)
            yield Row(file.label, number, shown(text), faults, texts, kinds, offset, undecoded(text, codec))


def json_rows(file: PlainFile, encoding: str, shape: Shape | None, contract: Contract) -> Iterator[Row]:
    """Every object of a JSON file, in order; behind a broken one nothing can be told apart: the rest is one row.

    Raises:
        TinsmithError: the file cannot be opened, or is too large to be read whole.
    """
    codec = codec_of(file.path, encoding)
    line, text, offset = _whole(file, encoding)
    counted = 0
    for start, end, fault in _values_in(text):
        line += text.count("\n", counted, start)
        offset += size_in(text[counted:start], codec)
        counted = start
        raw = text[start:end]
        broken = (*text_faults(raw, encoding), fault) if fault else ()
        faults, texts, kinds = (broken, (), None) if broken else _values(raw, encoding, shape, contract)
        raw = raw[:LONGEST_ROW]
        yield Row(file.label, line, shown(raw), faults, texts, kinds, offset, undecoded(raw, codec))


def json_texts(file: PlainFile, encoding: str) -> Iterator[str]:
    """The text of every value of a JSON file that can be told apart; raises as json_rows does."""
    text = _whole(file, encoding).text
    return (text[start:end] for start, end, fault in _values_in(text) if not fault)


def _whole(file: PlainFile, encoding: str) -> Line:
    if file.path.stat().st_size > _LARGEST_JSON:
        raise TinsmithError(f"{file.told}: is larger than 1 GiB; write it as JSON Lines, one object a line")
    return read_whole(file.path, encoding)


def _values_in(text: str) -> Iterator[tuple[int, int, str | None]]:
    """Where each value of an array, or the one value, begins and ends, and why the rest cannot be read."""
    at = _behind_space(text, 0)
    if at == len(text):
        return
    in_array = text.startswith("[", at)
    at = _behind_space(text, at + in_array)
    more = not (in_array and text.startswith("]", at))
    while more:
        try:
            _, end = _SCANNER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            fault = "row: JSON nested too deeply" if isinstance(error, RecursionError) else "row: broken JSON"
            yield at, len(text), fault
            return
        yield at, end, None
        at = _behind_space(text, end)
        more = in_array and text.startswith(",", at)
        at = _behind_space(text, at + more)
    closed = text.startswith("]", at) if in_array else True
    if not closed or _behind_space(text, at + in_array) != len(text):
        yield at, len(text), "row: broken JSON"


def _behind_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()


def _values(
    text: str, encoding: str, shape: Shape | None, contract: Contract
) -> tuple[tuple[str, ...], Sequence[str | None], str | None]:
    """The faults of an object's text or, where it has none, the texts of the contract's columns and their kinds."""
    faults = text_faults(text, encoding)
    if len(text) >= LONGEST_ROW:
        return faults, (), None
    try:
        value = parse_object(text)
        if shape:
            value = reshaped(value, shape)
        cells = [as_text(field_of(value, column.source_name)) for column in contract.columns]
    except BrokenJsonError as error:
        return (*faults, *error.args), (), None
    texts, letters = zip(*cells, strict=True)
    # Escapes can write what the line itself must not hold.
    together = "".join(filter(None, texts))
    if has_lone_surrogate(together) and not has_lone_surrogate(text):
        faults = (*faults, "row: half of a surrogate pair in JSON")
    if "\0" in together:
        faults = (*faults, "row: NUL character")
    return (faults, (), None) if faults else ((), texts, "".join(letters))
