"""The rows of tables whose columns have types: Arrow batches and Parquet files."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.json_records import BrokenJsonError, as_text
from pipelines.data.sources.rows import Row, as_json, places_of, value_faults
from pipelines.data.sources.shapes import reshaped
from pipelines.data.sources.text_lines import shown
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import Shape

_BATCH_ROWS = 10_000
# Names of columns are decoded where they are asked for.
_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)


def parquet_schema(file: PlainFile, contract: Contract) -> pa.Schema:
    """The types of the contract's columns in a Parquet file.

    Raises:
        TinsmithError: a column is missing, or the file is damaged.
    """
    try:
        schema = pq.read_schema(file.path)
        names = schema.names
    except _BROKEN:
        raise _broken(file) from None
    places = places_of(contract, names, file.told, "file")
    return pa.schema([schema.field(place) for place in places])


def parquet_rows(file: PlainFile, shape: Shape | None, contract: Contract) -> Iterator[Row]:
    """Every row of a Parquet file, in order; `line` is the row's number.

    Raises:
        TinsmithError: the file is damaged, or lacks a column of the contract.
    """
    try:
        with pq.ParquetFile(file.path, page_checksum_verification=True) as parquet:
            number = 1
            for batch in parquet.iter_batches(_BATCH_ROWS):
                batch.validate(full=True)
                rows = (
                    _reshaped_rows(batch, file, number, shape, contract)
                    if shape
                    else batch_rows(batch, file.label, number, contract, file.told)
                )
                yield from rows
                number += batch.num_rows
    except _BROKEN:
        raise _broken(file) from None


def batch_rows(batch: pa.RecordBatch, label: str, number: int, contract: Contract, told: str) -> Iterator[Row]:
    """The rows of an Arrow batch, the first of which has the number `number`."""
    names = batch.schema.names
    places = places_of(contract, names, told, "table")
    columns = [_texts(column) for column in batch.columns]
    letters = [columns[place][0] for place in places]
    without_missing = "".join(letters)
    for line, cells in enumerate(zip(*(texts.to_pylist() for _, texts in columns), strict=True), number):
        raw = shown(as_json(dict(zip(names, cells, strict=True))))
        texts = [cells[place] for place in places]
        if faults := value_faults(texts):
            yield Row(label, line, raw, faults, (), None)
        elif None in texts:
            kinds = "".join("-" if text is None else letter for text, letter in zip(texts, letters, strict=True))
            yield Row(label, line, raw, (), texts, kinds)
        else:
            yield Row(label, line, raw, (), texts, without_missing)


def _texts(column: pa.Array) -> tuple[str, pa.Array]:
    of = column.type
    if isinstance(of, pa.UuidType):
        return "s", pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if isinstance(of, pa.OpaqueType) and of.type_name == "numeric":
        return "n", column.storage
    if isinstance(of, pa.BaseExtensionType):
        return _texts(column.storage)
    if pa.types.is_dictionary(of):
        return _texts(column.dictionary_decode())
    if pa.types.is_boolean(of):
        return "b", column.cast(pa.string())
    if pa.types.is_integer(of) or pa.types.is_floating(of) or pa.types.is_decimal(of):
        return "n", column.cast(pa.string())
    if pa.types.is_timestamp(of):
        # Nanoseconds that are none do not make a timestamp another one.
        return "s", pc.replace_substring_regex(column.cast(pa.string()), r"(\.\d{6})000(Z?)$", r"\1\2")
    if pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_date(of) or pa.types.is_time(of):
        return "s", column.cast(pa.string())
    # Nested or binary: no column of a contract holds it, and the person who looks at the row still sees it.
    written = [None if value is None else as_json(value) for value in column.to_pylist()]
    return "o", pa.array(written, pa.string())


def _reshaped_rows(
    batch: pa.RecordBatch, file: PlainFile, number: int, shape: Shape, contract: Contract
) -> Iterator[Row]:
    names = [column.source_name for column in contract.columns]
    for line, value in enumerate(batch.to_pylist(), number):
        raw = shown(as_json(value))
        try:
            columns = reshaped(value, shape)
        except BrokenJsonError as error:
            yield Row(file.label, line, raw, (str(error),), (), None)
            continue
        texts, kinds = zip(*(_cell(columns.get(name)) for name in names), strict=True)
        faults = value_faults(texts)
        yield Row(file.label, line, raw, faults, () if faults else texts, None if faults else "".join(kinds))


def _cell(value: Any) -> tuple[str | None, str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (str(value), "n") if number else as_text(value)


def drift(first: PlainFile, first_schema: pa.Schema, file: PlainFile, schema: pa.Schema) -> list[str]:
    """In which columns a Parquet file differs from the first of its source."""
    return [
        f"{file.told}: the column {name} is {schema.field(name).type}, and {first_schema.field(name).type} in "
        f"{first.told}; write both alike"
        for name in schema.names
        if schema.field(name).type != first_schema.field(name).type
    ]


def _broken(file: PlainFile) -> TinsmithError:
    return TinsmithError(f"{file.told}: no readable Parquet (cut short or damaged); write it anew")
