"""prepare: accepted rows become chats without personal data, secrets and duplicates, split so that no group is cut.

Reads work/<recipe>/{accepted.parquet,reference/}, the contracts and the base's tokenizer; writes
work/<recipe>/{train,validation,test}.parquet and reports/<recipe>/datasheet.json.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from pipelines.data.answer_schema import answer_schema
from pipelines.data.contracts.contract import RECORD, Contract, merged_contract, read_contract
from pipelines.data.curation.curate import (
    cluster_near_duplicates,
    drop_contaminated,
    drop_duplicates,
    drop_filtered,
    drop_over_caps,
    drop_suspicious,
)
from pipelines.data.curation.languages import known_languages
from pipelines.data.curation.ledger import Ledger
from pipelines.data.datasheet import datasheet_html, datasheet_markdown
from pipelines.data.engine import mapped
from pipelines.data.examples import MESSAGES, Examples, batches, example_row, write_examples
from pipelines.data.examples_page import chosen_examples, examples_page
from pipelines.data.labels import LabelCounts
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
from pipelines.data.rendering import answer_fields, control_tokens, token_counts
from pipelines.data.splits import (
    LEFT_OUT,
    SIDES,
    Assignment,
    Keys,
    Numbers,
    check_leaks,
    check_sides,
    give_way,
    groups_of,
    sides_by_hash,
    sides_by_time,
)
from pipelines.errors import TinsmithError
from pipelines.files import read_json, write_json, write_text, written_whole
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths, check_made
from pipelines.recipe import Example, Recipe, example_columns
from pipelines.stage_runner import run

_SCHEMA = pa.schema(
    [("example_id", pa.string()), ("group", pa.string()), ("prompt", MESSAGES), ("answer", pa.string())]
)


def prepare(recipe: Recipe, paths: Paths) -> None:
    """Write the three splits and the datasheet of `recipe`."""
    _check_curate(recipe, paths)
    scratch = paths.scratch / "prepare"
    try:
        _prepare(recipe, paths, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _prepare(recipe: Recipe, paths: Paths, scratch: Path) -> None:
    contract = merged_contract([read_contract(Path(one.contract)) for one in recipe.data.example_sources.values()])
    tokenizer = load_tokenizer(base_model(recipe.model).folder)
    rows, accepted = _accepted_rows(recipe, paths, contract)

    privacy = ScreenCounts()
    control = control_tokens(tokenizer)
    screened = _screened_rows(rows, recipe, paths, contract, privacy)
    rendered = (example_row(row, masked, recipe, control) for row, masked in _watched(screened, "Screening", accepted))
    examples = write_examples(scratch / "examples.parquet", rendered)
    if not len(examples):
        raise TinsmithError(
            f"{paths.recipe}: data.privacy: none of {accepted} rows is left; {privacy.dropped['secret']} dropped for "
            f"secrets, {privacy.dropped['personal']} for personal data; `mask` keeps such rows"
        )

    curate, example, ledger = recipe.data.curate, recipe.data.example, Ledger(len(examples))
    duplicates = drop_duplicates(examples, ledger, curate, example)
    filtered, boilerplate = drop_filtered(examples, ledger, curate)
    suspicious, phrases = drop_suspicious(examples, ledger, curate, example)
    clusters, near_duplicates = cluster_near_duplicates(examples, ledger, curate, boilerplate, scratch)
    tokens, answer_tokens = _token_counts(examples, ledger, tokenizer, recipe, paths)
    _drop_too_long(tokens, ledger, recipe, paths)

    keys = np.column_stack([examples.keys(), clusters])
    assignment = _assigned(examples, keys, ledger, recipe)
    check_sides(assignment.of(ledger.kept), recipe.data.split, paths.recipe)
    ledger.drop("linked_to_train", assignment.sides == LEFT_OUT)
    files = [Path(file) for file in curate.benchmarks]
    benchmarks = drop_contaminated(examples, ledger, assignment.sides, boilerplate, files)
    drop_over_caps(examples, ledger, assignment.sides, assignment.groups, curate)
    assignment = Assignment(assignment.groups, np.where(ledger.kept, assignment.sides, LEFT_OUT))
    check_leaks(keys, assignment.sides, paths.recipe)
    labels = _labels(examples, assignment, example)
    labels.check(paths.recipe)

    _write_sides(examples, assignment, paths)
    datasheet: dict[str, Any] = {
        "rows": {
            "accepted": accepted,
            "dropped_forgotten": privacy.dropped["forgotten"],
            "dropped_secret": privacy.dropped["secret"],
            "dropped_personal": privacy.dropped["personal"],
            **{f"dropped_{reason}": count for reason, count in ledger.dropped().items()},
            **assignment.row_counts(),
        },
        "groups": assignment.group_counts(),
        "masked": dict(sorted(privacy.masked.items())),
        "pseudonymised": dict(sorted(privacy.pseudonymised.items())),
        "secrets": dict(sorted(privacy.secrets.items())),
        "recall": measured_recall(recipe.data.privacy),
        **duplicates,
        "near_duplicates": near_duplicates,
        **filtered,
        "suspicious": suspicious,
        "benchmarks": benchmarks,
        "defused": suspicious["hidden_text"]["control_token"],
        "tokens": _token_figures(tokens[ledger.kept], answer_tokens[ledger.kept]),
        "allowed_answers": labels.choices(),
        "answer_schema": None if isinstance(example.assistant, str) else answer_schema(example.assistant, contract),
        "labels": labels.balance(),
    }
    write_json(paths.work / "suspicious.json", phrases)
    write_text(paths.work / "examples.html", examples_page(recipe.name, chosen_examples(paths.work, tokenizer, 20)))
    write_json(paths.reports / "datasheet.json", datasheet)
    ingest = read_json(paths.reports / "ingest.json")
    for ending, page in (("md", datasheet_markdown), ("html", datasheet_html)):
        write_text(paths.reports / f"datasheet.{ending}", page(recipe.name, recipe.purpose, datasheet, ingest))


def _check_curate(recipe: Recipe, paths: Paths) -> None:
    """Tell what would only be found after the slow steps."""
    curate = recipe.data.curate
    mistakes = [f"languages: {code} is not known to the detector" for code in set(curate.languages) - known_languages()]
    mistakes += [f"benchmarks: there is no file {file}" for file in curate.benchmarks if not Path(file).is_file()]
    if mistakes:
        raise TinsmithError("\n".join(f"{paths.recipe}: data.curate.{mistake}" for mistake in sorted(mistakes)))


def _accepted_rows(recipe: Recipe, paths: Paths, contract: Contract) -> tuple[Iterator[dict[str, Any]], int]:
    """The accepted rows, a batch in memory at a time, and their number."""
    source = paths.work / "accepted.parquet"
    check_made("ingest", recipe.name, source)
    file = pq.ParquetFile(source)
    split = recipe.data.split
    by_time = {split.by_time} if split.by_time else set()
    subjects = [column.name for column in contract.columns if column.subject_id]
    wanted = {RECORD, *_shown_columns(recipe), *split.group_by, *by_time, *contract.personal, *subjects}
    batches = file.iter_batches(columns=sorted(wanted))
    return (row for batch in batches for row in batch.to_pylist()), file.metadata.num_rows


def _everybody(recipe: Recipe, paths: Paths) -> FullNames:
    """The names of all persons of the data, since tickets quote, forward and copy what others wrote."""
    files = {paths.work / "accepted.parquet": list(recipe.data.example_sources.values())}
    for name, source in recipe.data.sources.items():
        if source.use == "reference":
            files[paths.work / "reference" / f"{name}.parquet"] = [source]
    names: list[str] = []
    for file, sources in files.items():
        contract = merged_contract([read_contract(Path(source.contract)) for source in sources])
        table = pq.read_table(file, columns=name_columns(contract))
        names += [name for column in table.columns for name in column.cast(pa.string()).to_pylist()]
    return full_names(names)


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
    privacy, everybody, vault = recipe.data.privacy, _everybody(recipe, paths), paths.work / "vault.enc"
    screen = screen_of(privacy, contract, texts, everybody, paths.recipe)
    surrogates = open_surrogates(privacy, everybody, vault)
    contracts = {name: read_contract(Path(one.contract)) for name, one in recipe.data.example_sources.items()}
    screened = screened_rows(without_forgotten(rows, contracts, counts), screen, recipe.data.engine)
    for row, found in kept_rows(screened, screen.policy, counts, surrogates):
        yield row, {**found, **{column: row[column] for column in choices}}
    keep_surrogates(privacy, surrogates, vault)


def _token_counts(
    examples: Examples, ledger: Ledger, tokenizer: Any, recipe: Recipe, paths: Paths
) -> tuple[Numbers, Numbers]:
    """Tokens of each kept row's whole chat and of its answer with the end of turn; 0 for rows that are not kept."""
    whole, answer = np.zeros((2, len(examples)), np.int64)
    rows = examples.rows(["example_id", "prompt", "answer"], ledger.kept)
    counted = mapped(rows, partial(token_counts, tokenizer), recipe.data.engine)
    watched = _watched(counted, "Counting tokens", int(ledger.kept.sum()))
    for place, (row, counts) in zip(np.flatnonzero(ledger.kept), watched, strict=True):
        if not counts:
            raise TinsmithError(
                f"{paths.recipe}: data.example.assistant: the answer of {row['example_id']} is empty; make its columns "
                "required in the contract"
            )
        whole[place], answer[place] = counts
    return whole, answer


def _drop_too_long(tokens: Numbers, ledger: Ledger, recipe: Recipe, paths: Paths) -> None:
    """Drop the rows that do not fit into train.max_length; too many of them are a mistake."""
    limit = recipe.train.max_length
    lengths = tokens[ledger.kept]
    too_long = int((lengths > limit).sum())
    if too_long > recipe.data.max_too_long * len(lengths):
        enough = np.sort(lengths)[int((1 - recipe.data.max_too_long) * (len(lengths) - 1))]
        raise TinsmithError(
            f"{paths.recipe}: train.max_length: {too_long} of {len(lengths)} examples are longer than {limit} tokens "
            f"(the longest {max(lengths)}), more than data.max_too_long allows; raise train.max_length to {enough} or "
            "more, shorten the templates, or raise data.max_too_long"
        )
    ledger.drop("too_long", tokens > limit)


def _assigned(examples: Examples, keys: Keys, ledger: Ledger, recipe: Recipe) -> Assignment:
    """The side of each kept row; LEFT_OUT for those that are not kept or give way."""
    split, kept = recipe.data.split, ledger.kept
    groups = groups_of(keys)
    sides = np.full(len(examples), LEFT_OUT)
    if split.by_time:
        sides[kept] = sides_by_time(examples.numbers("time")[kept], split)
    else:
        sides[kept] = sides_by_hash(groups[kept], split)
    return Assignment(groups, give_way(keys, sides))


def _labels(examples: Examples, assignment: Assignment, example: Example) -> LabelCounts:
    counts = LabelCounts()
    placed = assignment.sides != LEFT_OUT
    for row, side in zip(examples.rows(["example_id", "answer"], placed), assignment.sides[placed], strict=True):
        counts.add(answer_fields(example, row["answer"]), int(side), row["example_id"])
    return counts


def _write_sides(examples: Examples, assignment: Assignment, paths: Paths) -> None:
    for number, side in enumerate(SIDES):
        wanted = assignment.sides == number
        groups = iter(assignment.groups[wanted])
        with (
            written_whole(paths.work / f"{side}.parquet") as fresh,
            pq.ParquetWriter(fresh, _SCHEMA, compression="zstd") as writer,
        ):
            for batch in batches(examples.rows(["example_id", "prompt", "answer"], wanted)):
                rows = [{**row, "group": f"{next(groups):016x}"} for row in batch]
                writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))


def _token_figures(tokens: Numbers, answers: Numbers) -> dict[str, float]:
    """Tokens of the kept examples; `trained_share` is the part of them that is answer and end of turn."""
    return {
        "longest": int(tokens.max()),
        "p99": int(np.quantile(tokens, 0.99)),
        "median": int(np.median(tokens)),
        "mean": round(float(tokens.mean()), 1),
        "longest_answer": int(answers.max()),
        "trained_share": round(float(answers.sum() / tokens.sum()), 4),
    }


def _watched(items: Any, what: str, total: int | None = None) -> Iterable[Any]:
    """`items` with a progress bar, where a person watches."""
    return track(items, what, total, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


if __name__ == "__main__":
    run(prepare)
