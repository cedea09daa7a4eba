"""The sample from which `tinsmith new` drafts: its format, its encoding and its columns."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipelines.data.contracts.contract import Column, Contract
from pipelines.data.sources.csv_records import Record, read_records
from pipelines.data.sources.files import COMPRESSED, PlainFile, SourceFile, plain_files
from pipelines.data.sources.json_records import BrokenJsonError, as_text, parse_object
from pipelines.data.sources.json_rows import json_texts
from pipelines.data.sources.reading import read_source
from pipelines.data.sources.tables import parquet_names
from pipelines.data.sources.text_lines import read_lines, text_faults
from pipelines.data.sources.xlsx_rows import xlsx_names
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import FilesSource, Format

MOST_ROWS = 20_000
"""Rows that are looked at: many, because exports are often sorted, and a label may first stand far down."""

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_DELIMITERS = ",;\t|"
_LOOK_AT_BYTES = 2**20


@dataclass(frozen=True)
class SampleColumn:
    """A column under its name in the file: the text of each row, None where it is empty.

    `kinds` holds the JSON kinds of its values, as json_records.as_text has them; it is empty for a CSV and an XLSX.
    """

    name: str
    texts: list[str | None]
    kinds: frozenset[str]

    @property
    def given(self) -> list[str]:
        """The texts that are not empty."""
        return [text for text in self.texts if text is not None]


@dataclass(frozen=True)
class Sample:
    """The first MOST_ROWS readable rows of a file, and how it is to be read."""

    path: Path
    format: Format
    delimiter: str
    encoding: str
    columns: tuple[SampleColumn, ...]


def read_sample(path: Path) -> Sample:
    """Read a sample; rows that cannot be read are left out, as ingest will quarantine them.

    Raises:
        TinsmithError: the file is missing, empty, of an unknown kind, has no header, or only one column.
    """
    if not path.is_file():
        raise TinsmithError(f"{path}: there is no such file; name a CSV, JSON, Parquet or XLSX file after --from")
    name = path.stem if path.suffix.lower() in COMPRESSED else path.name
    format_ = _FORMATS.get(Path(name).suffix.lower())
    if format_ is None:
        raise TinsmithError(f"{path}: is not one of {', '.join(_FORMATS)}; export the data as CSV or JSON Lines")
    with plain_files(SourceFile(str(path), path.name), "*") as files:
        (file,) = files
        sample = _read(path, file, format_)
    columns = sample.columns
    if not columns or not columns[0].texts:
        raise TinsmithError(f"{path}: holds no rows that can be read; give a sample with some rows")
    if len(columns) == 1:
        raise TinsmithError(f"{path}: has one column only; a text and its answer need at least two")
    return sample


def _read(path: Path, file: PlainFile, format_: Format) -> Sample:
    encoding = _encoding(file.path) if format_ in ("csv", "jsonl", "json") else "utf-8"
    delimiter = _delimiter(file, encoding) if format_ == "csv" else ","
    if format_ in ("parquet", "xlsx"):
        columns = _table_columns(path, file, format_)
    elif format_ == "csv":
        columns = _csv_columns(file, delimiter, encoding)
    else:
        columns = _json_columns(_json_texts(file, format_, encoding), encoding)
    return Sample(path, format_, delimiter, encoding, columns)


def _encoding(path: Path) -> str:
    """UTF-16 by its mark; UTF-8, unless more of the lines beyond ASCII are not UTF-8 than are: then Windows-1252."""
    with path.open("rb") as stream:
        start = stream.read(_LOOK_AT_BYTES)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # The last line may be cut in the middle of a character.
    beyond = [line for line in start.split(b"\n")[: -1 if len(start) == _LOOK_AT_BYTES else None] if not line.isascii()]
    return "utf-8" if sum(map(_is_utf8, beyond)) * 2 >= len(beyond) else "cp1252"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _csv_columns(file: PlainFile, delimiter: str, encoding: str) -> tuple[SampleColumn, ...]:
    records = read_records(read_lines(file.path, encoding), delimiter)
    header = next(records, None)
    if header is None:
        raise TinsmithError(f"{file.told}: the file is empty; give a sample with a header and some rows")
    if header.fault or text_faults(header.raw, encoding):
        raise TinsmithError(f"{file.told}:{header.line}: the header cannot be read; save the file as plain UTF-8 CSV")
    # The names are not told: where a header is missing, they are data.
    twice = [place for place, name in enumerate(header.fields) if name and header.fields.index(name) != place]
    if twice:
        raise TinsmithError(
            f"{file.told}:{header.line}: column {twice[0] + 1} has the name of an earlier one; rename it"
        )
    rows = list(islice(_whole_rows(records, len(header.fields), encoding), MOST_ROWS))
    return tuple(
        SampleColumn(name, [row[place] or None for row in rows], frozenset())
        for place, name in enumerate(header.fields)
        if name
    )


def _delimiter(file: PlainFile, encoding: str) -> str:
    """The one that cuts the first line into the most fields."""
    first = next((line.text for line in read_lines(file.path, encoding) if line.text.strip()), "")
    try:
        return max(_DELIMITERS, key=lambda delimiter: len(next(csv.reader([first], delimiter=delimiter), [])))
    except csv.Error:
        raise TinsmithError(f"{file.told}: its lines cannot be told apart; save the file as plain UTF-8 CSV") from None


def _whole_rows(records: Iterator[Record], width: int, encoding: str) -> Iterator[list[str]]:
    for record in records:
        if not record.fault and len(record.fields) == width and not text_faults(record.raw, encoding):
            yield record.fields


def _json_texts(file: PlainFile, format_: Format, encoding: str) -> Iterator[str]:
    if format_ == "json":
        return json_texts(file, encoding)
    return (line.text for line in read_lines(file.path, encoding))


def _json_columns(texts: Iterator[str], encoding: str) -> tuple[SampleColumn, ...]:
    rows = list(islice(_objects(texts, encoding), MOST_ROWS))
    names = dict.fromkeys(name for row in rows for name in row if name)
    return tuple(
        SampleColumn(
            name,
            [row[name][0] if name in row else None for row in rows],
            frozenset(row[name][1] for row in rows if name in row),
        )
        for name in names
    )


def _objects(texts: Iterator[str], encoding: str) -> Iterator[dict[str, tuple[str | None, str]]]:
    """Each readable object's values by key, as text and kind."""
    for text in texts:
        if text.strip() and not text_faults(text, encoding):
            try:
                found = {name: as_text(value) for name, value in parse_object(text).items()}
            except BrokenJsonError:
                continue  # ingest will quarantine it, with its reason
            yield found


def _table_columns(path: Path, file: PlainFile, format_: Format) -> tuple[SampleColumn, ...]:
    """The columns as their reader gives them under a contract that takes each for text."""
    names = [name for name in (parquet_names(file) if format_ == "parquet" else xlsx_names(file)) if name]
    asked = tuple(Column(name, name, "string", (), False, None, 0) for name in names)
    contract = Contract(path=path, id="", version="", sha256="", table="", columns=asked)
    source = FilesSource(contract=str(path), type="files", path=str(path).replace("$", "$$"))
    rows = (row for part in read_source(source, contract) for row in part.rows if not row.faults)
    read = list(islice(rows, MOST_ROWS))
    return tuple(
        SampleColumn(
            name,
            [row.texts[place] for row in read],
            frozenset(row.kinds[place] for row in read if row.kinds),
        )
        for place, name in enumerate(names)
    )
