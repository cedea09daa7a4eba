"""The rows of a CSV. Nothing is guessed: delimiter, quoting and encoding are what the recipe says.

A row that breaks them neither stops the reading nor pulls the rows behind it along.
"""

from collections.abc import Iterator

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.csv_records import read_records
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.rows import Row, places_of
from pipelines.data.sources.text_lines import LONGEST_ROW, codec_of, read_lines, shown, text_faults, undecoded
from pipelines.errors import TinsmithError


def csv_rows(file: PlainFile, delimiter: str, encoding: str, contract: Contract) -> Iterator[Row]:
    """Every row of a CSV, in order, blank lines left out.

    It begins with a header that holds every column of the contract; an empty field is a missing value. Columns that the
    contract does not name are left out.

    Raises:
        TinsmithError: the file cannot be opened, or its header is missing, broken, or not the contract's.
    """
    records = read_records(read_lines(file.path, encoding), delimiter)
    header = next(records, None)
    if header is None:
        raise TinsmithError(f"{file.told}: the file is empty; it needs a header with the contract's columns")
    where = f"{file.told}:{header.line}"
    if faults := _faults(header.raw, header.fault, encoding):
        said = f"encoding {encoding} and delimiter {delimiter!r}"
        raise TinsmithError(f"{where}: the header cannot be read ({', '.join(faults)}); the recipe says {said}")
    width = len(header.fields)
    if width == 1 < len(contract.columns):
        raise TinsmithError(f"{where}: the header holds one column only; is the source's delimiter right?")
    places = places_of(contract, header.fields, where, "header")
    codec = codec_of(file.path, encoding)
    for number, offset, raw, fault, fields in records:
        if fault is None and len(fields) == width and _is_plain(raw):
            yield Row(file.label, number, raw, (), [fields[place] or None for place in places], None, offset)
            continue
        faults = _faults(raw, fault, encoding)
        if not fault and len(fields) != width:
            faults = (*faults, "row: too many columns" if len(fields) > width else "row: too few columns")
        texts = () if faults else [fields[place] or None for place in places]
        yield Row(file.label, number, shown(raw), faults, texts, None, offset, undecoded(raw, codec))


def _is_plain(raw: str) -> bool:
    """Whether most rows' short way will do: text without anything that could be a fault."""
    return raw.isascii() and "\0" not in raw and len(raw) < LONGEST_ROW


def _faults(raw: str, fault: str | None, encoding: str) -> tuple[str, ...]:
    faults = text_faults(raw, encoding)
    return (*faults, fault) if fault and fault not in faults else faults
