"""The rows of JSON Lines, and of JSON that is one object or one array of objects."""

from collections.abc import Iterator, Sequence

from pipelines.data.contracts.contract import Contract
from pipelines.data.contracts.objects import field_of
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.json_records import BrokenJsonError, as_text, parse_object
from pipelines.data.sources.json_values import values_in
from pipelines.data.sources.rows import Row
from pipelines.data.sources.shapes import reshaped
from pipelines.data.sources.text_lines import (
    LONGEST_ROW,
    codec_of,
    has_lone_surrogate,
    read_lines,
    shown,
    text_faults,
    undecoded,
)
from pipelines.recipe_sources import Shape


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
        TinsmithError: the file cannot be opened.
    """
    codec = codec_of(file.path, encoding)
    for line, offset, raw, fault in values_in(file.path, encoding):
        broken = (*text_faults(raw, encoding), fault) if fault else ()
        faults, texts, kinds = (broken, (), None) if broken else _values(raw, encoding, shape, contract)
        raw = raw[:LONGEST_ROW]
        yield Row(file.label, line, shown(raw), faults, texts, kinds, offset, undecoded(raw, codec))


def json_texts(file: PlainFile, encoding: str) -> Iterator[str]:
    """The text of every value of a JSON file that can be told apart; raises as json_rows does."""
    return (raw for _, _, raw, fault in values_in(file.path, encoding) if not fault)


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
