"""prepare: accepted rows become chats without personal data, secrets and duplicates, split so that no group is cut.

Reads work/<recipe>/accepted.parquet, the contract and the base's tokenizer; writes work/<recipe>/{train,validation,
test}.parquet and reports/<recipe>/datasheet.json.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from pipelines.data.contract import RECORD, Contract, read_contract
from pipelines.data.duplicates import find_duplicates, folded
from pipelines.data.privacy.measured import measured_recall
from pipelines.data.privacy.people import FullNames, full_names
from pipelines.data.privacy.screening import (
    ScreenCounts,
    keep_surrogates,
    kept_rows,
    name_columns,
    open_surrogates,
    screen_of,
    screened_rows,
    without_forgotten,
)
from pipelines.data.rendering import (
    Chat,
    TokenizedExample,
    answer_fields,
    control_tokens,
    plain_text,
    render,
    tokenize_example,
)
from pipelines.data.splits import SIDES, Assignment, Key, assign_sides, check_labels, check_sides, labels
from pipelines.errors import TinsmithError
from pipelines.files import write_json, written_whole
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths
from pipelines.recipe import Recipe, example_columns
from pipelines.stage_runner import run

_SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("group", pa.string()),
        ("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("answer", pa.string()),
    ]
)


@dataclass(frozen=True)
class _Example:
    record: str
    chat: Chat
    group_keys: tuple[Key, ...]


def prepare(recipe: Recipe, paths: Paths) -> None:
    """Write the three splits and the datasheet of `recipe`."""
    contract = read_contract(Path(recipe.data.contract))
    tokenizer = load_tokenizer(base_model(recipe.model).folder)
    rows, accepted = _accepted_rows(recipe, paths, contract)

    privacy = ScreenCounts()
    control = control_tokens(tokenizer)
    screened = _screened_rows(rows, recipe, paths, contract, privacy)
    examples = [_example(row, masked, recipe, control) for row, masked in _watched(screened, "Screening", accepted)]
    if not examples:
        raise TinsmithError(
            f"{paths.recipe}: data.privacy: none of {accepted} rows is left; {privacy.dropped['secret']} dropped for "
            f"secrets, {privacy.dropped['personal']} for personal data; `mask` keeps such rows"
        )

    duplicates = find_duplicates((_folded_prompt(example.chat), example.chat.answer) for example in examples)
    examples = [examples[position] for position in duplicates.kept]
    tokenized = [_tokenized(tokenizer, example, recipe, paths) for example in _watched(examples, "Counting tokens")]
    fitting = _fitting(tokenized, recipe, paths)
    examples = [examples[position] for position in fitting]
    tokenized = [tokenized[position] for position in fitting]

    assignment = assign_sides([example.group_keys for example in examples], recipe.data.split)
    fields = _fields(examples, recipe)
    check_sides(assignment, recipe.data.split, paths.recipe)
    check_labels(fields, assignment, [example.record for example in examples], paths.recipe)

    _write_sides(examples, assignment, paths)
    sides = Counter(assignment.sides)
    datasheet: dict[str, Any] = {
        "rows": {
            "accepted": accepted,
            "dropped_forgotten": privacy.dropped["forgotten"],
            "dropped_secret": privacy.dropped["secret"],
            "dropped_personal": privacy.dropped["personal"],
            "dropped_duplicate": duplicates.dropped,
            "dropped_too_long": len(duplicates.kept) - len(fitting),
            "train": sides["train"],
            "validation": sides["validation"],
            "test": sides["test"],
        },
        "groups": assignment.group_counts(),
        "masked": dict(sorted(privacy.masked.items())),
        "pseudonymised": dict(sorted(privacy.pseudonymised.items())),
        "secrets": dict(sorted(privacy.secrets.items())),
        "recall": measured_recall(recipe.data.privacy),
        "conflicting_labels": duplicates.conflicting_labels,
        "defused": sum(example.chat.defused for example in examples),
        "tokens": _token_counts(tokenized),
        "allowed_answers": {field: found for field, values in fields.items() if (found := labels(values)) is not None},
    }
    write_json(paths.reports / "datasheet.json", datasheet)


def _accepted_rows(recipe: Recipe, paths: Paths, contract: Contract) -> tuple[Iterator[dict[str, Any]], int]:
    """The accepted rows, a batch in memory at a time, and their number."""
    source = paths.work / "accepted.parquet"
    if not source.exists():
        raise TinsmithError(f"{source}: not there yet; run `python -m pipelines.stages.ingest {recipe.name}` first")
    file = pq.ParquetFile(source)
    subjects = [column.name for column in contract.columns if column.subject_id]
    wanted = {RECORD, *_shown_columns(recipe), *recipe.data.split.group_by, *contract.personal, *subjects}
    batches = file.iter_batches(columns=sorted(wanted))
    return (row for batch in batches for row in batch.to_pylist()), file.metadata.num_rows


def _everybody(paths: Paths, contract: Contract) -> FullNames:
    """The names of all persons of the data, since tickets quote, forward and copy what others wrote."""
    table = pq.read_table(paths.work / "accepted.parquet", columns=name_columns(contract))
    return full_names(value for column in table.columns for value in column.cast(pa.string()).to_pylist())


def _shown_columns(recipe: Recipe) -> tuple[str, ...]:
    """The columns whose values leave this stage."""
    return example_columns(recipe.data.example)


def _screened_rows(
    rows: Iterable[dict[str, Any]], recipe: Recipe, paths: Paths, contract: Contract, counts: ScreenCounts
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each row that the recipe's privacy rules keep, as it was and with its shown columns masked."""
    # A word of a closed list is no free text: a customer called Billing must not take that label away.
    listed = {column.name for column in contract.columns if any(rule.name == "enum" for rule in column.rules)}
    shown = _shown_columns(recipe)
    choices = [column for column in shown if column in listed and column not in contract.personal]
    texts = [column for column in shown if column not in choices]
    privacy, everybody, vault = recipe.data.privacy, _everybody(paths, contract), paths.work / "vault.enc"
    screen = screen_of(privacy, contract, texts, everybody, paths.recipe)
    surrogates = open_surrogates(privacy, everybody, vault)
    screened = screened_rows(without_forgotten(rows, contract, counts), screen)
    for row, found in kept_rows(screened, screen.policy, counts, surrogates):
        yield row, {**found, **{column: row[column] for column in choices}}
    keep_surrogates(privacy, surrogates, vault)


def _example(row: dict[str, Any], masked: dict[str, Any], recipe: Recipe, control: Any) -> _Example:
    chat = render(recipe.data.example, masked, control)
    columns = recipe.data.split.group_by
    keys = [(number, plain_text(row[column])) for number, column in enumerate(columns) if row[column] is not None]
    # One prompt with two answers must not be asked on one side and answered on the other.
    keys.append((len(columns), _folded_prompt(chat)))
    return _Example(row[RECORD], chat, tuple(keys))


def _folded_prompt(chat: Chat) -> str:
    return folded("\n".join(message["content"] for message in chat.prompt))


def _tokenized(tokenizer: Any, example: _Example, recipe: Recipe, paths: Paths) -> TokenizedExample:
    if not example.chat.answer.strip():
        raise TinsmithError(
            f"{paths.recipe}: data.example.assistant: the answer of {example.record} is empty; make its columns "
            f"required in {recipe.data.contract}"
        )
    return tokenize_example(tokenizer, example.chat.prompt, example.chat.answer)


def _fitting(tokenized: Sequence[TokenizedExample], recipe: Recipe, paths: Paths) -> list[int]:
    """The positions of the examples that fit into train.max_length; too many that do not are a mistake."""
    limit = recipe.train.max_length
    lengths = [len(one.input_ids) for one in tokenized]
    fitting = [position for position, length in enumerate(lengths) if length <= limit]
    too_long = len(lengths) - len(fitting)
    if too_long > recipe.data.max_too_long * len(lengths):
        enough = sorted(lengths)[int((1 - recipe.data.max_too_long) * (len(lengths) - 1))]
        raise TinsmithError(
            f"{paths.recipe}: train.max_length: {too_long} of {len(lengths)} examples are longer than {limit} tokens "
            f"(the longest {max(lengths)}), more than data.max_too_long allows; raise train.max_length to {enough} or "
            "more, shorten the templates, or raise data.max_too_long"
        )
    return fitting


def _fields(examples: Sequence[_Example], recipe: Recipe) -> dict[str, list[Any]]:
    """Every answer field's values, one for each example."""
    fields: dict[str, list[Any]] = {}
    for example in examples:
        for field, value in answer_fields(recipe.data.example, example.chat.answer).items():
            fields.setdefault(field, []).append(value)
    return fields


def _write_sides(examples: Sequence[_Example], assignment: Assignment, paths: Paths) -> None:
    for side in SIDES:
        rows = [
            {
                "example_id": example.record,
                "group": group,
                "prompt": example.chat.prompt,
                "answer": example.chat.answer,
            }
            for example, group, its_side in zip(examples, assignment.groups, assignment.sides, strict=True)
            if its_side == side
        ]
        with written_whole(paths.work / f"{side}.parquet") as fresh:
            pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), fresh, compression="zstd")


def _token_counts(tokenized: Sequence[TokenizedExample]) -> dict[str, float]:
    """Tokens of the kept examples; `trained_share` is the part of them that is answer and end of turn."""
    lengths = [len(one.input_ids) for one in tokenized]
    answers = [sum(one.trained) for one in tokenized]
    return {
        "longest": max(lengths),
        "mean": round(sum(lengths) / len(lengths), 1),
        "longest_answer": max(answers),
        "trained_share": round(sum(answers) / sum(lengths), 4),
    }


def _watched(items: Any, what: str, total: int | None = None) -> Iterable[Any]:
    """`items` with a progress bar, where a person watches."""
    return track(items, what, total, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


if __name__ == "__main__":
    run(prepare)
