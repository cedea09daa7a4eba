"""Reading a source, of whatever kind, as parts of rows."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pyarrow as pa

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.csv_rows import csv_batches
from pipelines.data.sources.files import PlainFile, SourceFile, expanded, find_files, is_remote, plain_files
from pipelines.data.sources.json_rows import json_rows, jsonl_rows
from pipelines.data.sources.rows import Part, batches_of
from pipelines.data.sources.tables import drift, parquet_batches, parquet_schema
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import DatabaseSource, DocumentsSource, FilesSource, Format, HubSource, Source

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_EXECUTABLE = {
    ".pkl",
    ".pickle",
    ".joblib",
    ".pt",
    ".pth",
    ".bin",
    ".npy",
    ".npz",
    ".py",
    ".exe",
    ".dll",
    ".so",
    ".xlsm",
}


def read_source(source: Source, contract: Contract) -> Iterator[Part]:
    """The parts of a source, in order; the rows of one are read before the next is asked for.

    Raises:
        TinsmithError: a part cannot be found or opened, or is not of the form that recipe and contract say.
    """
    # What only some sources need takes a second to import.
    if isinstance(source, DatabaseSource):
        from pipelines.data.sources.database import read_database

        return iter([read_database(source, contract)])
    if isinstance(source, HubSource):
        from pipelines.data.sources.hub import hub_files

        source = hub_files(source)
    if isinstance(source, DocumentsSource):
        from pipelines.data.sources.documents import read_documents

        return read_documents(source, contract)
    return _files(find_files(source), source, contract)


def source_mistake(source: Source) -> tuple[str, str] | None:
    """The field and the mistake of a source that cannot be read from here; the network is not asked."""
    try:
        if isinstance(source, DatabaseSource):
            from pipelines.data.sources.database import dsn_of

            dsn_of(source)
        elif isinstance(source, FilesSource | DocumentsSource) and not is_remote(expanded(source)):
            find_files(source)
    except TinsmithError as error:
        return "dsn_env" if isinstance(source, DatabaseSource) else "path", str(error)
    return None


def _files(files: tuple[SourceFile, ...], source: FilesSource, contract: Contract) -> Iterator[Part]:
    first: tuple[PlainFile, pa.Schema] | None = None
    for file in files:
        with plain_files(file, source.members) as plain:
            for one in plain:
                format_ = source.format or _format_of(one)
                if format_ == "parquet" and not source.shape:
                    schema = parquet_schema(one, contract)
                    first = first or (one, schema)
                    if mistakes := drift(*first, one, schema):
                        raise TinsmithError("\n".join(mistakes))
                yield Part(one.label, one.sha256, _batches(one, format_, source, contract))


def _batches(file: PlainFile, format_: Format, source: FilesSource, contract: Contract) -> Iterator[pa.RecordBatch]:
    if source.shape and format_ not in ("jsonl", "json", "parquet"):
        raise TinsmithError(f"{file.told}: shape {source.shape} is read from JSON and Parquet only; take shape away")
    if format_ == "csv":
        return csv_batches(file, source.delimiter, source.encoding, contract)
    if format_ == "parquet":
        return parquet_batches(file, source.shape, contract)
    if format_ == "jsonl":
        rows = jsonl_rows(file, source.encoding, source.shape, contract)
    elif format_ == "json":
        rows = json_rows(file, source.encoding, source.shape, contract)
    else:
        from pipelines.data.sources.xlsx_rows import xlsx_rows

        rows = xlsx_rows(file, source.sheet, contract)
    return batches_of(rows, contract)


def _format_of(file: PlainFile) -> Format:
    ending = PurePosixPath(file.name).suffix.lower()
    if ending in _EXECUTABLE:
        raise TinsmithError(f"{file.told}: a {ending} can run code when it is read; export the rows as Parquet or CSV")
    if ending not in _FORMATS:
        raise TinsmithError(f"{file.told}: the ending {ending!r} does not say the format; set the source's format")
    return _FORMATS[ending]
