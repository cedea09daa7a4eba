"""The rendered rows on their way through curation and split: texts in a Parquet file, only numbers in memory."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.data.contracts.contract import RECORD
from pipelines.data.conversations import BrokenConversationError, openai_messages
from pipelines.data.curation.hidden_text import hidden_text_signals
from pipelines.data.rendering import Message, plain_text, render
from pipelines.data.splits import NO_KEY, SIDES, Assignment, key_hash
from pipelines.data.words import folded
from pipelines.errors import TinsmithError
from pipelines.files import written_whole
from pipelines.recipe import Example, Recipe, template_columns

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("prompt", MESSAGES),
        ("answer", pa.string()),
        ("said", pa.string()),  # what the row brings into its prompt, without the recipe's own words
        ("keys", pa.list_(pa.uint64())),  # see splits.give_way; the last is the prompt's
        ("answer_key", pa.uint64()),
        ("time", pa.int64()),  # microseconds since 1970; 0 where the split is not by time
        ("signals", pa.list_(pa.string())),  # see hidden_text.SIGNALS
    ]
)
_SIDE_SCHEMA = pa.schema(
    [("example_id", pa.string()), ("group", pa.string()), ("prompt", MESSAGES), ("answer", pa.string())]
)
_BATCH = 10_000


@dataclass(frozen=True)
class Examples:
    """The rows of one file, in order."""

    path: Path

    def __len__(self) -> int:
        return int(pq.read_metadata(self.path).num_rows)

    def numbers(self, column: str) -> NDArray[Any]:
        """A column of numbers, one for each row."""
        values: NDArray[Any] = pq.read_table(self.path, columns=[column])[column].to_numpy()
        return values

    def keys(self) -> NDArray[np.uint64]:
        """The keys of each row, (rows, columns)."""
        keys = pq.read_table(self.path, columns=["keys"])["keys"].combine_chunks()
        return keys.flatten().to_numpy().reshape(len(keys), -1) if len(keys) else np.zeros((0, 1), np.uint64)

    def rows(self, columns: Sequence[str], wanted: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
        """The columns of the rows that the mask `wanted` names, in order, a batch in memory at a time."""
        start = 0
        for batch in pq.ParquetFile(self.path).iter_batches(_BATCH, columns=list(columns)):
            mask = wanted[start : start + len(batch)]
            start += len(batch)
            if mask.any():
                yield from batch.filter(pa.array(mask)).to_pylist()

    def texts(self, wanted: NDArray[np.bool_]) -> Iterator[str]:
        """What the rows that the mask `wanted` names say, in order."""
        return (row["said"] for row in self.rows(["said"], wanted))


def write_examples(path: Path, rows: Iterable[dict[str, Any]]) -> Examples:
    """Write rows with the columns of the schema above, a batch in memory at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for batch in batches(rows):
            writer.write_table(pa.Table.from_pylist(batch, schema=_SCHEMA))
    return Examples(path)


def write_sides(examples: Examples, assignment: Assignment, work: Path) -> None:
    """Write the rows of each side, in order, to train.parquet, validation.parquet and test.parquet in `work`."""
    for number, side in enumerate(SIDES):
        wanted = assignment.sides == number
        groups = iter(assignment.groups[wanted])
        with (
            written_whole(work / f"{side}.parquet") as fresh,
            pq.ParquetWriter(fresh, _SIDE_SCHEMA, compression="zstd") as writer,
        ):
            for batch in batches(examples.rows(["example_id", "prompt", "answer"], wanted)):
                rows = [{**row, "group": f"{next(groups):016x}"} for row in batch]
                writer.write_table(pa.Table.from_pylist(rows, schema=_SIDE_SCHEMA))


def batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows in lists short enough to be held in memory."""
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def example_row(
    row: dict[str, Any], masked: dict[str, Any], recipe: Recipe, control: re.Pattern[str]
) -> dict[str, Any]:
    """A row as write_examples takes it, from a contract's row and the same row with its shown columns masked.

    Raises:
        TinsmithError: the row has no time to be split by, or its history is none.
    """
    history = _history(masked, row[RECORD], recipe)
    chat = render(recipe.data.example, masked, control, history)
    columns, by_time = recipe.data.split.group_by, recipe.data.split.by_time
    values = [row[column] for column in columns]
    keys = [NO_KEY if value is None else key_hash(n, plain_text(value)) for n, value in enumerate(values)]
    # One prompt with two answers must not be asked on one side and answered on the other.
    prompt = folded("\n".join(message["content"] for message in chat.prompt))
    said = "\n".join([*(turn["content"] for turn in history), _said(recipe.data.example, masked)])
    return {
        "example_id": row[RECORD],
        "prompt": chat.prompt,
        "answer": chat.answer,
        "said": said,
        "keys": [*keys, key_hash(len(columns), prompt)],
        "answer_key": key_hash(-1, chat.answer),
        "time": _microseconds(row[by_time], row[RECORD], recipe) if by_time else 0,
        "signals": [*(["control_token"] if chat.defused else []), *hidden_text_signals(f"{said}\n{chat.answer}")],
    }


def _history(masked: dict[str, Any], record: str, recipe: Recipe) -> list[Message]:
    column = recipe.data.example.history
    if column is None or masked[column] is None:
        return []
    try:
        messages = openai_messages(masked[column])
    except BrokenConversationError as error:
        raise TinsmithError(
            f"recipes/{recipe.name}.yaml: data.example.history: {record}: {error}; mend the row or leave it out"
        ) from None
    if any(message["role"] not in ("user", "assistant") or "tool_calls" in message for message in messages):
        raise TinsmithError(
            f"recipes/{recipe.name}.yaml: data.example.history: {record} has turns of others than user and assistant, "
            "or calls of tools, which a history cannot hold yet; leave them out"
        )
    return messages


def _said(example: Example, masked: dict[str, Any]) -> str:
    """What a row brings into its prompt: the recipe's own words would make all rows alike."""
    columns = dict.fromkeys([*template_columns(example.user), *template_columns(example.system or "")])
    return "\n".join(plain_text(masked[column]) for column in columns)


def _microseconds(value: Any, record: str, recipe: Recipe) -> int:
    if not isinstance(value, date):
        wrong = "has no" if value is None else "holds no date or timestamp in"
        raise TinsmithError(
            f"recipes/{recipe.name}.yaml: data.split.by_time: {record} {wrong} {recipe.data.split.by_time}; make it a "
            "required date or timestamp in the contract"
        )
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)
