"""What every reader gives out: rows as text, each whole or with why it could not be read, and their parts.

Rows go in Arrow batches, whose columns are the fields of Row, with t0, t1, ... in the place of `texts`: a reader that
makes them a column at a time never makes a Row, and the others make some thousands of Rows into a batch at once.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.text_lines import LONGEST_ROW, has_lone_surrogate, shown, undecoded
from pipelines.errors import TinsmithError

_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 2**22

as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""A value as JSON; what JSON does not know is written as Python shows it."""


class Row(NamedTuple):
    """One row of a source; `line` is the 1-based place at which it begins: a line, or the row's or passage's number.

    `texts` are the contract's columns in its order, None for a missing value; where the row has `faults`, they are its
    primary key alone, or empty. `kinds` says by one letter each which JSON type the texts had (see
    json_records.as_text); None where the source knows no types, as a CSV. `offset` is the byte of the file at which the
    row begins, None where the source is no file of lines; `raw_bytes` are the row's bytes where `raw` alone would not
    give them back. `alias` is what the source of an accepted row is called, since that goes to committed reports; None
    where `source` may stand there.
    """

    source: str
    line: int
    raw: str
    faults: tuple[str, ...]
    texts: Sequence[str | None]
    kinds: str | None
    offset: int | None = None
    raw_bytes: bytes | None = None
    alias: str | None = None


@dataclass(frozen=True)
class Part:
    """A part of a source that is counted apart: a file, a member of an archive, a table.

    `label` names it within its source, without this machine's folders; `sha256` is the digest of its bytes, None where
    it has none of its own, as a table. `batches` are its rows (see row_schema). `copy_of` is the earlier part of the
    same bytes where only that one is read. `alias` is as in Row.
    """

    label: str
    sha256: str | None
    batches: Iterator[pa.RecordBatch]
    copy_of: str | None = None
    alias: str | None = None

    @property
    def rows(self) -> Iterator[Row]:
        """Its rows, one by one."""
        for batch in self.batches:
            yield from _rows_of(batch)


def row_schema(width: int) -> pa.Schema:
    """The columns of a batch of rows under a contract of so many columns; a row without faults has a null there.

    A row with faults has nulls in t0, t1, ..., but for its primary key where that could be read.
    """
    return pa.schema(
        [
            ("source", pa.string()),
            ("alias", pa.string()),
            ("line", pa.int64()),
            ("offset", pa.int64()),
            ("raw", pa.string()),
            ("raw_bytes", pa.binary()),
            ("faults", pa.list_(pa.string())),
            ("kinds", pa.string()),
            *((f"t{index}", pa.string()) for index in range(width)),
        ]
    )


def batches_of(rows: Iterable[Row], contract: Contract) -> Iterator[pa.RecordBatch]:
    """Rows as batches of bounded size, so that memory stays flat in the number of rows."""
    schema = row_schema(len(contract.columns))
    waiting: list[Row] = []
    characters = 0
    for row in rows:
        waiting.append(row)
        characters += len(row.raw)
        if len(waiting) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield _batch(waiting, schema)
            waiting, characters = [], 0
    if waiting:
        yield _batch(waiting, schema)


def _batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    columns: dict[str, Sequence[Any]] = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
    columns["faults"] = [faults or None for faults in columns["faults"]]
    nothing = (None,) * (len(schema) - len(Row._fields) + 1)
    texts = zip(*(row_texts or nothing for row_texts in columns.pop("texts")), strict=True)
    columns |= {f"t{index}": column for index, column in enumerate(texts)}
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _rows_of(batch: pa.RecordBatch) -> Iterator[Row]:
    fields = {name: column.to_pylist() for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    texts = zip(*(fields[name] for name in batch.schema.names if name not in Row._fields), strict=True)
    for values in zip(*(fields.get(name, texts) for name in Row._fields), strict=True):
        row = Row(*values)
        known = not row.faults or any(text is not None for text in row.texts)
        yield row._replace(faults=tuple(row.faults or ()), texts=list(row.texts) if known else ())


def column_names(header: Iterable[str]) -> list[str]:
    """The names in a header, with its place from 1 for a cell that has none: Excel leaves such cells behind."""
    return [name or f"column {place}" for place, name in enumerate(header, 1)]


def places_of(contract: Contract, names: Sequence[str], where: str, what: str) -> list[int]:
    """Where each column of the contract stands among the names that a source's part has.

    Raises:
        TinsmithError: a column is not there, or twice. `where` begins the message; `what` is what holds the names.
    """
    mistakes = []
    for column in contract.columns:
        name = column.source_name
        if name not in names:
            # Of the names only a near one is told: where a header is missing, the file's first line is data.
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else "add it, or take it out of the contract"
            mistakes.append(f"{where}: the {what} lacks the column {name} of {contract.path}:{column.line} ({hint})")
    if not mistakes:
        twice = sorted({name for name in names if names.count(name) > 1})
        mistakes = [f"{where}: the {what} holds the column {name!r} twice; keep one" for name in twice]
    if mistakes:
        raise TinsmithError("\n".join(mistakes))
    return [names.index(column.source_name) for column in contract.columns]


def typed_row(
    label: str,
    line: int,
    names: Sequence[str],
    cells: Sequence[tuple[str | None, str]],
    places: Sequence[int],
    contract: Contract,
) -> Row:
    """A row of cells that know their types, each a text and its kind; `places` are those of the contract's columns."""
    raw = as_json(dict(zip(names, [text for text, _ in cells], strict=True)))
    texts = [cells[place][0] for place in places]
    if faults := value_faults(texts):
        return Row(label, line, shown(raw), faults, key_texts(texts, contract), None, None, undecoded(raw, "utf-8"))
    return Row(label, line, shown(raw), (), texts, "".join(cells[place][1] for place in places))


def key_texts(texts: Sequence[str | None], contract: Contract) -> Sequence[str | None]:
    """Of a refused row's texts those of the primary key; nothing where it has none that can be trusted."""
    key = [text if column.primary_key else None for column, text in zip(contract.columns, texts, strict=True)]
    return () if value_faults(key) else key


def value_faults(texts: Sequence[str | None]) -> tuple[str, ...]:
    """Why values that no file's decoding has looked at cannot be trusted as text."""
    together = "".join([text for text in texts if text])
    faults = []
    if has_lone_surrogate(together):
        faults.append("row: half of a surrogate pair, or bytes that are not utf-8")
    if "\0" in together:
        faults.append("row: NUL character")
    if len(together) >= LONGEST_ROW:
        faults.append(f"row: longer than {LONGEST_ROW} characters")
    return tuple(faults)
