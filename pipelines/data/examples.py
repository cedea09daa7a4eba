"""The rendered rows on their way through curation and split: texts in a Parquet file, only numbers in memory."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from numpy.typing import NDArray

from pipelines.batches import batched
from pipelines.data.canaries import scattered
from pipelines.data.contracts.contract import RECORD
from pipelines.data.control_tokens import control_tokens
from pipelines.data.conversations import BrokenConversationError, Message, openai_messages, openai_tools
from pipelines.data.curation.contamination import GRAM
from pipelines.data.curation.hidden_text import hidden_text_signals
from pipelines.data.labels import Choices
from pipelines.data.rendering import Chat, answer_fields, plain_text, render
from pipelines.data.splits import NO_KEY, SIDES, TRAIN, Assignment, key_hash
from pipelines.data.structures import texts_in
from pipelines.data.tokenizing import answer_text
from pipelines.data.words import folded, words
from pipelines.errors import TinsmithError
from pipelines.files import written_whole
from pipelines.parquet import batches_in
from pipelines.recipe import Example, JsonAnswer, Recipe, template_columns

# What training, judging and people read of an example. `chat` is all of it as JSON, {messages, tools}, where it is more
# than roles and texts, else null.
CHAT = {
    "example_id": pa.string(),
    "prompt": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
    "answer": pa.string(),
    "chat": pa.string(),
}
_SCHEMA = pa.schema(
    [
        *CHAT.items(),
        ("said", pa.string()),  # what the row brings into its prompt, without the recipe's own words
        ("answered", pa.string()),  # the answer's long texts; labels would make all rows of one alike
        ("keys", pa.list_(pa.uint64())),  # see splits.give_way; the last is the prompt's
        ("answer_key", pa.uint64()),
        ("time", pa.int64()),  # microseconds since 1970; 0 where the split is not by time
        ("signals", pa.list_(pa.string())),  # see hidden_text.SIGNALS
    ]
)
_SIDE_SCHEMA = pa.schema([*CHAT.items(), ("group", pa.string())])
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
        for batch in batches_in(self.path, columns):
            mask = wanted[start : start + len(batch)]
            start += len(batch)
            if mask.any():
                yield from batch.filter(pa.array(mask)).to_pylist()

    def parts(self, wanted: NDArray[np.bool_]) -> Iterator[tuple[str, ...]]:
        """What each row that the mask `wanted` names says in its prompt and, where its answer is long, in that."""
        for row in self.rows(["said", "answered"], wanted):
            yield (row["said"], row["answered"]) if row["answered"] else (row["said"],)

    def texts(self, wanted: NDArray[np.bool_]) -> Iterator[str]:
        """The same, each row's parts as one text."""
        return map("\n".join, self.parts(wanted))


def write_examples(path: Path, rows: Iterable[dict[str, Any]]) -> Examples:
    """Write rows with the columns of the schema above, a batch in memory at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for batch in batched(rows, _BATCH):
            writer.write_table(pa.Table.from_pylist(batch, schema=_SCHEMA))
    return Examples(path)


def write_sides(examples: Examples, assignment: Assignment, work: Path, planted: Sequence[dict[str, Any]] = ()) -> None:
    """Write the rows of each side, in order, to train.parquet, validation.parquet and test.parquet in `work`.

    The rows `planted` stand at random places among those of train.
    """
    for number, side in enumerate(SIDES):
        wanted = assignment.sides == number
        groups = assignment.groups[wanted]
        own = zip(examples.rows([*CHAT], wanted), groups, strict=True)
        rows: Iterable[dict[str, Any]] = ({**row, "group": f"{group:016x}"} for row, group in own)
        if number == TRAIN:
            rows = scattered(rows, len(groups), planted)
        with (
            written_whole(work / f"{side}.parquet") as fresh,
            pq.ParquetWriter(fresh, _SIDE_SCHEMA, compression="zstd") as writer,
        ):
            for batch in batched(rows, _BATCH):
                writer.write_table(pa.Table.from_pylist(batch, schema=_SIDE_SCHEMA))


@dataclass(frozen=True)
class Renderer:
    """What turns rows into examples; `answers` is the validator of JSON answers, None for others.

    `choices` are the answer's fields that the contract tells of (see choices_by_contract).
    """

    recipe: Recipe
    tokenizer: Any
    control: re.Pattern[str]
    answers: Draft202012Validator | None
    choices: Choices


def renderer_of(recipe: Recipe, tokenizer: Any, schema: dict[str, Any] | None, choices: Choices) -> Renderer:
    """The renderer of a recipe's rows; `schema` is what JSON answers keep (see answer_schema), None for others."""
    answers = Draft202012Validator(schema) if schema else None
    return Renderer(recipe, tokenizer, control_tokens(tokenizer), answers, choices)


def example_row(row: dict[str, Any], masked: dict[str, Any], renderer: Renderer) -> dict[str, Any]:
    """A row as write_examples takes it, from a contract's row and the same row with its shown columns masked.

    Raises:
        TinsmithError: the row has no time to be split by, its conversation or its tools are none, its answer no longer
            keeps the contract once masked, or the base's chat template cannot write it.
    """
    recipe = renderer.recipe
    example = recipe.data.example
    turns, tools = _conversation(masked, row[RECORD], recipe)
    chat = render(example, masked, renderer.control, turns, tools)
    answer = answer_text(renderer.tokenizer, chat.messages, chat.tools)
    _check_answer(answer, row, masked, renderer)
    columns, by_time = recipe.data.split.group_by, recipe.data.split.by_time
    values = [row[column] for column in columns]
    keys = [NO_KEY if value is None else key_hash(n, plain_text(value)) for n, value in enumerate(values)]
    # One prompt with two answers must not be asked on one side and answered on the other.
    prompt = folded("\n".join(_words_of(message) for message in chat.prompt))
    asked = turns[:-1] if example.messages else turns
    said = "\n".join([*(_words_of(turn) for turn in asked if turn["role"] != "system"), *_said(example, masked)])
    return {
        "example_id": row[RECORD],
        "prompt": [{key: message[key] for key in ("role", "content")} for message in chat.prompt],
        "answer": answer,
        "chat": None if chat.is_plain else _as_json(chat),
        "said": said,
        "answered": _long_texts(chat.messages[-1], renderer),
        "keys": [*keys, key_hash(len(columns), prompt)],
        "answer_key": key_hash(-1, answer),
        "time": _microseconds(row[by_time], row[RECORD], recipe) if by_time else 0,
        "signals": [*(["control_token"] if chat.defused else []), *hidden_text_signals(f"{said}\n{answer}")],
    }


def _check_answer(answer: str, row: dict[str, Any], masked: dict[str, Any], renderer: Renderer) -> None:
    """A mask is text, which a field that holds a number cannot take; what was not masked keeps the contract already."""
    if renderer.answers is None or not any(column in row and row[column] != masked[column] for column in masked):
        return
    if wrong := best_match(renderer.answers.iter_errors(json.loads(answer))):
        field = ".".join(str(part) for part in wrong.absolute_path)
        raise TinsmithError(
            f"recipes/{renderer.recipe.name}.yaml: data.example.assistant: {row[RECORD]}: `{field}` breaks "
            "the contract once its personal data is masked; keep that kind in data.privacy.entities, knowingly, or "
            "take the field out of the answer"
        )


def _conversation(
    masked: dict[str, Any], record: str, recipe: Recipe
) -> tuple[list[Message], list[dict[str, Any]] | None]:
    """The turns and the tools that the row brings in columns of its own."""
    example = recipe.data.example
    field = "tools"
    try:
        tools = openai_tools(masked[example.tools]) if example.tools else None
        field = "messages" if example.messages else "history"
        column = example.messages or example.history
        # A first question has no history; a row without its conversation has nothing.
        turns = openai_messages(masked[column]) if column and (example.messages or masked[column]) else []
        if example.messages and turns[-1]["role"] != "assistant":
            raise BrokenConversationError("the last turn is not the assistant's, so that there is no answer")
    except BrokenConversationError as error:
        raise TinsmithError(
            f"recipes/{recipe.name}.yaml: data.example.{field}: {record}: {error}; mend the row or leave it out"
        ) from None
    return turns, tools


def _words_of(message: Message) -> str:
    """A turn's text, and what its calls ask for."""
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return "\n".join([message["content"], *(json.dumps(call, ensure_ascii=False, sort_keys=True) for call in calls)])


def _as_json(chat: Chat) -> str:
    return json.dumps({"messages": chat.messages, "tools": chat.tools}, ensure_ascii=False)


def _said(example: Example, masked: dict[str, Any]) -> list[str]:
    """What a row brings into the templates of its prompt: the recipe's own words would make all rows alike."""
    columns = dict.fromkeys([*template_columns(example.user or ""), *template_columns(example.system or "")])
    return [plain_text(masked[column]) for column in columns]


def _long_texts(last: Message, renderer: Renderer) -> str:
    """The answer's texts that have runs of words to be compared by, without those of the contract's closed lists.

    Keys of JSON and the form of a call make no two answers alike.
    """
    example = renderer.recipe.data.example
    fields = answer_fields(example, last["content"]) if isinstance(example.assistant, JsonAnswer) else {"answer": last}
    texts = (text for field, value in fields.items() if not renderer.choices.get(field) for text in texts_in(value))
    return "\n".join(text for text in texts if len(words(text)) >= GRAM)


def _microseconds(value: Any, record: str, recipe: Recipe) -> int:
    if not isinstance(value, date):
        wrong = "has no" if value is None else "holds no date or timestamp in"
        raise TinsmithError(
            f"recipes/{recipe.name}.yaml: data.split.by_time: {record} {wrong} {recipe.data.split.by_time}; make it a "
            "required date or timestamp in the contract"
        )
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)
