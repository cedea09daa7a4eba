"""prepare: accepted rows become chats without personal data, secrets and duplicates, split so that no group is cut.

Reads work/<recipe>/{accepted.parquet,reference/}, the contracts and the base's tokenizer; writes
work/<recipe>/{train,validation,test}.parquet, canaries.jsonl, examples.html, suspicious.json and, where asked,
vault.enc there, and reports/<recipe>/datasheet.{json,md,html}.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from pipelines.data.answer_schema import answer_schema
from pipelines.data.canaries import (
    canaries_of,
    canary_rows,
    check_fit,
    planting_figures,
    with_planted,
    write_canaries,
)
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
from pipelines.data.examples import CHAT, Examples, example_row, renderer_of, write_examples, write_sides
from pipelines.data.examples_page import chosen_examples, examples_page
from pipelines.data.labels import Choices, LabelCounts, choices_by_contract
from pipelines.data.privacy.measured import measured_recall
from pipelines.data.privacy.screening import (
    ScreenCounts,
    everybody_of,
    keep_surrogates,
    kept_rows,
    open_surrogates,
    screen_of,
    screened_rows,
    without_forgotten,
)
from pipelines.data.rendering import answer_fields
from pipelines.data.splits import (
    LEFT_OUT,
    SIDES,
    Assignment,
    assigned,
    check_leaks,
    check_sides,
)
from pipelines.data.structures import list_columns, single_columns, with_lists, with_objects
from pipelines.data.thumbs import DESIRABLE, UNDESIRABLE, voted_sources, without_undesirable
from pipelines.data.token_lengths import drop_too_long, token_counts, token_figures
from pipelines.errors import TinsmithError
from pipelines.files import clear_unfinished, read_json, write_json, write_text
from pipelines.model.base import base_model, load_tokenizer
from pipelines.parquet import batches_in
from pipelines.paths import Paths, check_made
from pipelines.recipe import Example, JsonAnswer, Recipe, example_columns
from pipelines.stage_runner import run

_SHOWN = 20  # examples on the page for people


def prepare(recipe: Recipe, paths: Paths) -> None:
    """Write the three splits and the datasheet of `recipe`."""
    _check_curate(recipe, paths)
    scratch = paths.scratch / "prepare"
    clear_unfinished(*(paths.work / f"{side}.parquet" for side in SIDES))
    try:
        _prepare(recipe, paths, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _prepare(recipe: Recipe, paths: Paths, scratch: Path) -> None:
    contract = merged_contract([read_contract(Path(one.contract)) for one in recipe.data.example_sources.values()])
    base = base_model(recipe.model)
    rows, accepted = _accepted_rows(recipe, paths, contract)

    privacy = ScreenCounts()
    answer = recipe.data.example.assistant
    schema = answer_schema(answer, contract) if isinstance(answer, JsonAnswer) else None
    screened = _started(_screened_rows(rows, recipe, paths, contract, privacy))
    tokenizer = load_tokenizer(base.folder)
    choices = choices_by_contract(recipe.data.example, contract)
    renderer = renderer_of(recipe, tokenizer, schema, choices)
    rendered = (example_row(row, masked, renderer) for row, masked in _watched(screened, "Screening", accepted))
    examples = write_examples(scratch / "examples.parquet", rendered)
    _check_left(examples, accepted, privacy, paths)

    curate, example, ledger = recipe.data.curate, recipe.data.example, Ledger(len(examples))
    duplicates = drop_duplicates(examples, ledger, curate, example, choices)
    filtered, boilerplate = drop_filtered(examples, ledger, curate)
    suspicious, phrases = drop_suspicious(examples, ledger, curate, example, choices)
    clusters, near_duplicates = cluster_near_duplicates(examples, ledger, curate, boilerplate, scratch)
    kept = ledger.kept
    chats = _watched(examples.rows([*CHAT], kept), "Counting tokens", int(kept.sum()))
    tokens, trained, answers = token_counts(chats, kept, tokenizer, recipe, paths.recipe)
    lengths = drop_too_long(tokens, ledger, recipe, paths.recipe)

    keys = np.column_stack([examples.keys(), clusters])
    assignment = assigned(keys, ledger.kept, recipe.data.split, examples.numbers("time"))
    check_sides(assignment.of(ledger.kept), recipe.data.split, paths.recipe)
    ledger.drop("linked_to_train", assignment.sides == LEFT_OUT)
    files = [Path(file) for file in curate.benchmarks]
    benchmarks = drop_contaminated(examples, ledger, assignment.sides, boilerplate, files)
    drop_over_caps(examples, ledger, assignment.sides, assignment.groups, curate)
    assignment = Assignment(assignment.groups, np.where(ledger.kept, assignment.sides, LEFT_OUT))
    check_leaks(keys, assignment.sides, paths.recipe)
    labels = _labels(examples, assignment, example, choices)
    labels.check(paths.recipe)

    canaries = canaries_of(recipe)
    planted = canary_rows(canaries)
    planted_counts = token_counts(planted, np.ones(len(planted), bool), tokenizer, recipe, paths.recipe)
    check_fit(planted_counts[0], recipe, paths.recipe)
    write_sides(examples, assignment, paths.work, planted)
    write_canaries(paths.work / "canaries.jsonl", canaries)
    with_canaries = with_planted(assignment, planted)
    tokens, trained, answers = np.hstack([(tokens, trained, answers), planted_counts])
    datasheet: dict[str, Any] = {
        "rows": {
            "accepted": accepted,
            "planted": len(planted),
            "dropped_undesirable": privacy.dropped[UNDESIRABLE],
            "dropped_forgotten": privacy.dropped["forgotten"],
            "dropped_secret": privacy.dropped["secret"],
            "dropped_personal": privacy.dropped["personal"],
            **{f"dropped_{reason}": count for reason, count in ledger.dropped().items()},
            **with_canaries.row_counts(),
        },
        "groups": with_canaries.group_counts(),
        "canaries": planting_figures(canaries, *planted_counts[:2]),
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
        "tokens": {**token_figures(tokens, trained, answers, with_canaries.sides), **lengths},
        "allowed_answers": labels.choices(),
        "answer_schema": schema,
        "labels": labels.balance(),
    }
    write_json(paths.work / "suspicious.json", phrases)
    shown = chosen_examples(paths.work, tokenizer, recipe.train.loss_on, _SHOWN)
    write_text(paths.work / "examples.html", examples_page(recipe.name, shown))
    _write_datasheet(datasheet, recipe, paths)


def _write_datasheet(datasheet: dict[str, Any], recipe: Recipe, paths: Paths) -> None:
    write_json(paths.reports / "datasheet.json", datasheet)
    ingest = read_json(paths.reports / "ingest.json")
    for ending, page in (("md", datasheet_markdown), ("html", datasheet_html)):
        write_text(paths.reports / f"datasheet.{ending}", page(recipe.name, recipe.purpose, datasheet, ingest))


def _check_left(examples: Examples, accepted: int, privacy: ScreenCounts, paths: Paths) -> None:
    if not len(examples):
        raise TinsmithError(
            f"{paths.recipe}: data.privacy: none of {accepted} rows is left; {privacy.dropped['secret']} dropped for "
            f"secrets, {privacy.dropped['personal']} for personal data; `mask` keeps such rows"
        )


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
    split = recipe.data.split
    by_time = {split.by_time} if split.by_time else set()
    subjects = [column.name for column in contract.columns if column.subject_id]
    shown, example = _shown_columns(recipe, contract), recipe.data.example
    votes = {DESIRABLE} if voted_sources(recipe) else set()
    wanted = {RECORD, *shown, *votes, *split.group_by, *by_time, *contract.personal, *subjects}
    batches = batches_in(source, sorted(wanted))
    # Read before anything is looked for in them: what stands behind an escape, or is masked outside of quotes, is lost.
    lists = set(shown) & {*list_columns(contract), example.history, example.messages, example.tools}
    return (with_lists(row, lists) for batch in batches for row in batch.to_pylist()), pq.read_metadata(source).num_rows


def _shown_columns(recipe: Recipe, contract: Contract) -> tuple[str, ...]:
    """The columns whose values leave this stage."""
    return single_columns(example_columns(recipe.data.example), contract)


def _screened_rows(
    rows: Iterable[dict[str, Any]], recipe: Recipe, paths: Paths, contract: Contract, counts: ScreenCounts
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each row that the recipe's privacy rules keep, as it was and with its shown columns masked."""
    # A word of a closed list is no free text: a customer called Billing must not take that label away.
    listed = {column.name for column in contract.columns if any(rule.name == "enum" for rule in column.rules)}
    named, shown = example_columns(recipe.data.example), _shown_columns(recipe, contract)
    choices = [column for column in shown if column in listed and column not in contract.personal]
    texts = [column for column in shown if column not in choices]
    privacy, everybody, vault = recipe.data.privacy, everybody_of(recipe, paths), paths.work / "vault.enc"
    screen = screen_of(privacy, contract, texts, everybody, paths.recipe)
    surrogates = open_surrogates(privacy, everybody, vault)
    contracts = {name: read_contract(Path(one.contract)) for name, one in recipe.data.example_sources.items()}
    if voted_sources(recipe):
        rows = without_undesirable(rows, counts.dropped)
    screened = screened_rows(without_forgotten(rows, contracts, counts), screen, recipe.data.engine)
    for row, found in kept_rows(screened, screen.policy, counts, surrogates):
        yield row, with_objects({**found, **{column: row[column] for column in choices}}, named, contract)
    keep_surrogates(privacy, surrogates, vault)


def _started(items: Iterator[Any]) -> Iterator[Any]:
    """The same, begun: processes that it starts must not carry along what is imported later."""
    return chain(list(islice(items, 1)), items)


def _labels(examples: Examples, assignment: Assignment, example: Example, choices: Choices) -> LabelCounts:
    counts = LabelCounts(choices)
    placed = assignment.sides != LEFT_OUT
    for row, side in zip(examples.rows(["example_id", "answer"], placed), assignment.sides[placed], strict=True):
        counts.add(answer_fields(example, row["answer"]), int(side), row["example_id"])
    return counts


def _watched(items: Any, what: str, total: int | None = None) -> Iterable[Any]:
    """`items` with a progress bar, where a person watches."""
    return track(items, what, total, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


if __name__ == "__main__":
    run(prepare)
