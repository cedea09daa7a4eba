"""The rows of tables whose columns have types: Arrow batches and Parquet files."""

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import Contract
from pipelines.data.contracts.objects import field_of
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.json_records import BrokenJsonError, as_text
from pipelines.data.sources.rows import Row, as_json, batches_of, key_texts, places_of, row_schema, value_faults
from pipelines.data.sources.shapes import reshaped
from pipelines.data.sources.text_lines import LONGEST_ROW, shown
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import Shape

_BATCH_ROWS = 10_000
_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Names of columns are decoded where they are asked for.
_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)


def parquet_schema(file: PlainFile, contract: Contract) -> pa.Schema:
    """The types of the contract's columns in a Parquet file.

    Raises:
        TinsmithError: a column is missing, or the file is damaged.
    """
    schema = _with_fields(pa.RecordBatch.from_pylist([], _schema(file)), contract).schema
    places = places_of(contract, schema.names, file.told, "file")
    return pa.schema([schema.field(place) for place in places])


def parquet_names(file: PlainFile) -> list[str]:
    """The names of a Parquet file's columns; raises TinsmithError where the file is damaged."""
    return list(_schema(file).names)


def _schema(file: PlainFile) -> pa.Schema:
    try:
        schema = pq.read_schema(file.path)
        list(schema.names)
    except _BROKEN:
        raise _broken(file) from None
    return schema


def parquet_batches(file: PlainFile, shape: Shape | None, contract: Contract) -> Iterator[pa.RecordBatch]:
    """Every row of a Parquet file, in order, as batches (see rows.row_schema); `line` is the row's number.

    Raises:
        TinsmithError: the file is damaged, or lacks a column of the contract.
    """
    try:
        with pq.ParquetFile(file.path, page_checksum_verification=True, pre_buffer=False) as parquet:
            number = 1
            for batch in parquet.iter_batches(_BATCH_ROWS):
                batch.validate(full=True)
                if shape:
                    yield from batches_of(_reshaped_rows(batch, file, number, shape, contract), contract)
                else:
                    yield from table_batches(batch, file.label, number, contract, file.told)
                number += batch.num_rows
            # A damaged page can end a column early, without an error.
            if number - 1 != parquet.metadata.num_rows:
                raise _broken(file)
    except _BROKEN:
        raise _broken(file) from None


def table_batches(
    batch: pa.RecordBatch, label: str, number: int, contract: Contract, told: str
) -> Iterator[pa.RecordBatch]:
    """The rows of a table's batch, the first of which has the number `number`, as batches (see rows.row_schema)."""
    names = batch.schema.names
    batch = _with_fields(batch, contract)
    places = places_of(contract, batch.schema.names, told, "table")
    columns = [_texts(column) for column in batch.columns]
    chosen = [columns[place] for place in places]
    if len(set(names)) < len(names) or not _are_plain([texts for _, texts in chosen]):
        yield from batches_of(_rows(names, columns, places, label, number, contract), contract)
        return
    kinds = [pc.if_else(pc.is_null(texts), "-", letter) for letter, texts in chosen]
    given = {
        "source": pa.repeat(label, batch.num_rows),
        "line": pa.array(range(number, number + batch.num_rows), pa.int64()),
        "raw": _objects(names, [texts for _, texts in columns[: len(names)]]),
        "kinds": pc.binary_join_element_wise(*kinds, ""),
        **{f"t{index}": texts for index, (_, texts) in enumerate(chosen)},
    }
    schema = row_schema(len(places))
    arrays = [given[field.name] if field.name in given else pa.nulls(batch.num_rows, field.type) for field in schema]
    yield pa.record_batch(arrays, schema=schema)


def _are_plain(columns: list[pa.Array]) -> bool:
    """Whether no text can be a fault of its row, as in most batches."""
    longest = sum(pc.max(pc.binary_length(texts)).as_py() or 0 for texts in columns)
    return longest < LONGEST_ROW and not any(pc.any(pc.match_substring(texts, "\0")).as_py() for texts in columns)


def _objects(names: list[str], columns: list[pa.Array]) -> pa.Array:
    """Each row as as_json writes it."""
    parts: list[Any] = []
    for place, (name, texts) in enumerate(zip(names, columns, strict=True)):
        parts.append(f"{', ' if place else '{'}{as_json(name)}: ")
        parts.append(pc.fill_null(pc.binary_join_element_wise('"', _escaped(texts), '"', ""), "null"))
    return pc.binary_join_element_wise(*parts, "}", "")


def _escaped(texts: pa.Array) -> pa.Array:
    for letter, escape in _ESCAPES.items():
        texts = pc.replace_substring(texts, letter, escape)
    if pc.any(pc.match_substring_regex(texts, _CONTROL.pattern)).as_py():
        rare = [text and _CONTROL.sub(lambda one: as_json(one[0])[1:-1], text) for text in texts.to_pylist()]
        return pa.array(rare, pa.string())
    return texts


def _rows(
    names: list[str],
    columns: list[tuple[str, pa.Array]],
    places: list[int],
    label: str,
    number: int,
    contract: Contract,
) -> Iterator[Row]:
    letters = [columns[place][0] for place in places]
    for line, cells in enumerate(zip(*(texts.to_pylist() for _, texts in columns), strict=True), number):
        raw = shown(as_json(dict(zip(names, cells, strict=False))))
        texts = [cells[place] for place in places]
        if faults := value_faults(texts):
            yield Row(label, line, raw, faults, key_texts(texts, contract), None)
        else:
            kinds = "".join("-" if text is None else letter for text, letter in zip(texts, letters, strict=True))
            yield Row(label, line, raw, (), texts, kinds)


def _with_fields(batch: pa.RecordBatch, contract: Contract) -> pa.RecordBatch:
    """The rows with each field of an object that the contract names as one more column."""
    for column in contract.columns:
        name = column.source_name
        outer, *inner = name.split(".")
        if inner and name not in batch.schema.names and batch.schema.names.count(outer) == 1:
            try:
                batch = batch.append_column(name, pc.struct_field(batch[outer], inner))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                continue  # no object, or without such a field: places_of says that the column is missing
    return batch


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
    is_text = pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of)
    if is_text or pa.types.is_date(of) or pa.types.is_time(of):
        return "s", column.cast(pa.string())
    # An object or a list; or binary, which no column of a contract holds, but the person who looks at the row sees.
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
        texts, kinds = zip(*(_cell(field_of(columns, name)) for name in names), strict=True)
        if faults := value_faults(texts):
            yield Row(file.label, line, raw, faults, key_texts(texts, contract), None)
        else:
            yield Row(file.label, line, raw, (), texts, "".join(kinds))


def _cell(value: Any) -> tuple[str | None, str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, dict | list):
        return as_json(value), "o"
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
