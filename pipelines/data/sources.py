"""A source of a recipe: files of rows, read as text; every row comes out, whole or with why it could not be read.

Nothing is guessed: delimiter, quoting and encoding are what the recipe says. A row that breaks them neither stops the
reading nor pulls the rows behind it along.
"""

import difflib
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pipelines.data.contract import Contract
from pipelines.data.csv_records import read_records
from pipelines.data.json_records import BrokenJsonError, as_text, parse_object
from pipelines.data.text_lines import Line, codec_of, has_lone_surrogate, read_lines, shown, text_faults, undecoded
from pipelines.errors import TinsmithError
from pipelines.recipe import FilesSource

Format = Literal["csv", "jsonl"]
_FORMATS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_JSON_SPACE = " \t\r\n"


class Row(NamedTuple):
    """One row of a source; `line` is the 1-based line on which it begins.

    `texts` are the contract's columns in its order, None for a missing value; it is empty where the row has `faults`.
    `kinds` says by one letter each which JSON type the texts had (see json_records.as_text); None for a CSV.
    `offset` is the byte of the file at which it begins, None where the source is no file; `raw_bytes` are the row's
    bytes where `raw` alone would not give them back.
    """

    source: str
    line: int
    raw: str
    faults: tuple[str, ...]
    texts: Sequence[str | None]
    kinds: str | None
    offset: int | None = None
    raw_bytes: bytes | None = None


@dataclass(frozen=True)
class SourceFile:
    """A file of rows; `label` names it within its source, without this machine's folders."""

    path: Path
    label: str
    format: Format


def find_files(source: FilesSource) -> tuple[SourceFile, ...]:
    """The files of a source, sorted by path.

    Raises:
        TinsmithError: the path names an unset environment variable, matches no file, or a file's format is unknown.
    """
    pattern = _expanded(source)
    found = [pattern] if os.path.isfile(pattern) else sorted(glob.glob(pattern, recursive=True))
    paths = [Path(path) for path in found if os.path.isfile(path)]
    if not paths:
        raise TinsmithError(f"no file matches {source.path}; put the files there or mend the path")
    folder = os.path.commonpath([path.parent for path in paths])
    return tuple(
        SourceFile(path, Path(os.path.relpath(path, folder)).as_posix(), source.format or _format_of(path))
        for path in paths
    )


def read_rows(file: SourceFile, source: FilesSource, contract: Contract) -> Iterator[Row]:
    """Every row of a file, in order, blank lines left out.

    A CSV begins with a header that holds every column of the contract; an empty field is a missing value. Columns of a
    CSV and keys of a JSON object that the contract does not name are left out.

    Raises:
        TinsmithError: the file cannot be opened, or its header is missing, broken, or not the contract's.
    """
    lines = read_lines(file.path, source.encoding)
    if file.format == "jsonl":
        return _jsonl_rows(lines, file, source.encoding, contract)
    return _csv_rows(lines, file, source, contract)


def _expanded(source: FilesSource) -> str:
    try:
        return source.expanded_path()
    except KeyError as error:
        name = error.args[0]
        raise TinsmithError(
            f"{source.path} needs the environment variable {name}, which is not set; "
            f"export {name}=<folder> and run again"
        ) from None
    except ValueError:
        raise TinsmithError(f"{source.path} has a $ without a name; write $$ for a plain $") from None


def _format_of(path: Path) -> Format:
    ending = path.suffix.lower()
    if ending not in _FORMATS:
        raise TinsmithError(f"{path}: the ending {ending!r} does not say the format; set the source's format")
    return _FORMATS[ending]


def _jsonl_rows(lines: Iterator[Line], file: SourceFile, encoding: str, contract: Contract) -> Iterator[Row]:
    names = [column.source_name for column in contract.columns]
    codec = codec_of(file.path, encoding)
    for number, text, offset in lines:
        if not text.strip(_JSON_SPACE):
            continue
        faults = text_faults(text, encoding)
        texts: Sequence[str | None] = ()
        kinds = None
        if not faults:
            try:
                value = parse_object(text)
            except BrokenJsonError as error:
                faults = (str(error),)
            else:
                texts, letters = zip(*(as_text(value.get(name)) for name in names), strict=True)
                kinds = "".join(letters)
                # Escapes can write what the line itself must not hold.
                if any(value and has_lone_surrogate(value) for value in texts):
                    faults = ("row: half of a surrogate pair in JSON",)
                elif any(value and "\0" in value for value in texts):
                    faults = ("row: NUL character",)
        if faults:
            texts, kinds = (), None
        yield Row(file.label, number, shown(text), faults, texts, kinds, offset, undecoded(text, codec))


def _csv_rows(lines: Iterator[Line], file: SourceFile, source: FilesSource, contract: Contract) -> Iterator[Row]:
    records = read_records(lines, source.delimiter)
    header = next(records, None)
    if header is None:
        raise TinsmithError(f"{file.path}: the file is empty; it needs a header with the contract's columns")
    where = f"{file.path}:{header.line}"
    faults = _csv_faults(header.raw, header.fault, source.encoding)
    if faults:
        said = f"encoding {source.encoding} and delimiter {source.delimiter!r}"
        raise TinsmithError(f"{where}: the header cannot be read ({', '.join(faults)}); the recipe says {said}")
    places = _places(header.fields, where, contract)
    width = len(header.fields)
    codec = codec_of(file.path, source.encoding)
    for number, offset, raw, fault, fields in records:
        faults = _csv_faults(raw, fault, source.encoding)
        if not fault and len(fields) != width:
            faults = (*faults, "row: too many columns" if len(fields) > width else "row: too few columns")
        texts = () if faults else [fields[place] or None for place in places]
        yield Row(file.label, number, shown(raw), faults, texts, None, offset, undecoded(raw, codec))


def _csv_faults(raw: str, fault: str | None, encoding: str) -> tuple[str, ...]:
    faults = text_faults(raw, encoding)
    return (*faults, fault) if fault and fault not in faults else faults


def _places(header: list[str], where: str, contract: Contract) -> list[int]:
    """Where in the header each column of the contract stands."""
    if len(header) == 1 < len(contract.columns):
        raise TinsmithError(f"{where}: the header holds one column only; is the source's delimiter right?")
    mistakes = []
    for column in contract.columns:
        name = column.source_name
        if name not in header:
            # Of the header only a near name is told: where it is missing, the file's first line is data.
            near = difflib.get_close_matches(name, header, n=1)
            hint = f"did you mean {near[0]}?" if near else "add it, or take it out of the contract"
            mistakes.append(f"{where}: the header lacks the column {name} of {contract.path}:{column.line} ({hint})")
    if not mistakes:
        twice = sorted({name for name in header if header.count(name) > 1})
        mistakes = [f"{where}: the header holds the column {name!r} twice; keep one" for name in twice]
    if mistakes:
        raise TinsmithError("\n".join(mistakes))
    return [header.index(name) for name in (column.source_name for column in contract.columns)]
