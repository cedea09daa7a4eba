"""evaluate: the tuned GGUF, the file that ships, against its base on the same rows, and the gate's verdict."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.side_rows import SideRows
from pipelines.data.slice_columns import slice_values
from pipelines.errors import TinsmithError
from pipelines.exported import judged_file
from pipelines.files import read_json, write_json, write_text
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain, version_at_hand
from pipelines.handoff.champion import Champion, fetch_champion
from pipelines.handoff.registry import open_registry
from pipelines.llama_client import PARALLEL
from pipelines.paths import Paths, check_made
from pipelines.recipe import JsonAnswer, Recipe, answer_key
from pipelines.scoring import gate
from pipelines.scoring.answers import Answer, answers_to, read_answers
from pipelines.scoring.asking import answerer
from pipelines.scoring.comparison import CHAMPION, TUNED, compare
from pipelines.scoring.comparison_slices import (
    Slice,
    column_slices,
    label_slices,
    length_slices,
    slice_rows,
    slices_csv,
    without_twins,
)
from pipelines.scoring.evaluation import Evaluation
from pipelines.scoring.gate_figures import other_figures, reported_figure
from pipelines.scoring.metrics.figures import Measured
from pipelines.scoring.metrics.measuring import Measuring, check_measurable, measure
from pipelines.scoring.metrics.perplexity import answer_likelihoods, read_expected, read_likelihoods
from pipelines.scoring.metrics.perplexity_figure import perplexity_figure
from pipelines.scoring.own_lengths import in_own_tokens
from pipelines.scoring.prompts import Row, judged_rows
from pipelines.scoring.tuned_questions import longest_answer, tuned_questions
from pipelines.scoring.variants import BASE_VARIANTS
from pipelines.stage_runner import run

Rows = Sequence[Row]
Answers = dict[str, Sequence[Answer]]
_DEFAULT_CONFIDENCE = 0.95
# A slot's tokens where none are read, only counted.
_CONTEXT_TO_COUNT = 256


def evaluate(recipe: Recipe, paths: Paths) -> None:
    """Score base and tuned, judge by the recipe's gate, and write the evaluation's reports."""
    check_made("prepare", recipe.name, paths.work / "test.parquet")
    check_made("export", recipe.name, paths.reports / "export.json", paths.work / "gguf")
    rows = judged_rows(SideRows(paths.work / "test.parquet"), recipe.evaluate.max_rows)
    if not rows:
        raise TinsmithError(
            f"{paths.work / 'test.parquet'}: no rows to judge by; raise data.split.test in {paths.recipe} or add data"
        )
    measuring = _measuring(recipe, paths, rows)
    check_measurable(measuring)
    slices = _slices(recipe, paths, rows)
    judged = judged_file(paths)
    # What is kept is of the llama.cpp that is at hand, or of that which made the file.
    llama_cpp = version_at_hand(judged.llama_cpp)
    tuned = _model(paths, judged.gguf, judged.sha256, llama_cpp, TUNED)
    champion = _champion(recipe, paths)
    answers = _answers(recipe, paths, rows, tuned)
    if champion is not None:
        model = _model(paths, champion.gguf, champion.sha256, llama_cpp, CHAMPION)
        is_tuned = champion.sha256 == tuned.sha256
        answers[CHAMPION] = answers[TUNED] if is_tuned else _champions_answers(recipe, paths, rows, model)
    found = measure(measuring, answers)
    comparisons = {
        metric: compare(metric, variants, len(rows), _confidence(recipe, metric))
        for metric, variants in found.figures.items()
    }
    perplexity = _perplexity(tuned, paths, rows, answers) if recipe.evaluate.perplexity else None
    figures = {metric: gate.metric_figure(compared) for metric, compared in comparisons.items()}
    if perplexity:
        figures["evaluate.perplexity"] = reported_figure(perplexity)
    figures |= other_figures([name for name in recipe.gate.rules if name not in figures], paths, judged.entry)
    compared_with = {metric: compared.compared_with for metric, compared in comparisons.items()}
    to_beat = _to_beat(recipe, tuned, champion, found.figures, len(rows))
    evaluation = Evaluation(
        example_ids=[row["example_id"] for row in rows],
        answers=answers,
        comparisons=comparisons,
        results=gate.rule_results(recipe.gate.rules, figures, to_beat),
        slices=slice_rows(slices, found.figures, compared_with),
        quant=judged.quant,
        gguf_sha256=tuned.sha256,
        constrained=recipe.evaluate.constrained,
        more={
            "confusion": found.confusion,
            "calibration": found.calibration,
            "judge": found.judge,
            "refusals": found.refusals,
            "functions": found.functions,
            "perplexity": perplexity,
        },
    )
    _write_answers_side_by_side(paths.work / "answers.jsonl", rows, answers, found.figures)
    write_json(paths.reports / "evaluation.json", evaluation.as_json())
    write_json(paths.reports / "metrics.json", evaluation.in_columns())
    write_text(paths.reports / "slices.csv", slices_csv(evaluation.slices))


def _measuring(recipe: Recipe, paths: Paths, rows: Rows) -> Measuring:
    datasheet = read_json(paths.reports / "datasheet.json")
    return Measuring(
        recipe.evaluate,
        recipe.data.example,
        rows,
        allowed=datasheet["allowed_answers"],
        schema=datasheet["answer_schema"],
        kept_in=paths.scratch / "evaluate",
    )


def _champion(recipe: Recipe, paths: Paths) -> Champion | None:
    """The champion, where a rule is about it and there is one."""
    if all(rule.better_than_champion_by is None for rule in recipe.gate.rules.values()):
        return None
    with open_registry() as client:
        return fetch_champion(client, recipe.handoff.model, paths.scratch / "champion")


@dataclass(frozen=True)
class _Model:
    """A file that is asked: its digest, how kept answers name it, and what serves it with so many tokens a slot."""

    sha256: str
    name: str
    serve: Callable[[int], AbstractContextManager[str]]


def _model(paths: Paths, gguf: Path, sha256: str, llama_cpp: str, label: str) -> _Model:
    def serve(context: int) -> AbstractContextManager[str]:
        # Found only when something is left to ask: scoring kept answers anew needs no llama.cpp.
        toolchain = find_toolchain()
        log = paths.scratch / "evaluate" / f"{label}.log"
        return serving(gguf, toolchain, parallel=PARALLEL, context_per_slot=context, log=log)

    return _Model(sha256, answerer(sha256, llama_cpp), serve)


def _answers(recipe: Recipe, paths: Paths, rows: Rows, tuned: _Model) -> Answers:
    """By variant: what the base answered in the baseline stage, and what the tuned model answers now or did before."""
    ids = [row["example_id"] for row in rows]
    check_made("baseline", recipe.name, paths.work / "baseline")
    files = {variant: paths.work / "baseline" / f"{variant}.jsonl" for variant in BASE_VARIANTS}
    answers: Answers = {variant: read_answers(file, ids) for variant, file in files.items() if file.exists()}
    questions = tuned_questions(recipe, read_json(paths.reports / "datasheet.json"), rows, tuned.name)
    answers[TUNED] = answers_to(questions, paths.scratch / "evaluate", partial(tuned.serve, _context(paths)), TUNED)
    return answers


def _context(paths: Paths) -> int:
    """Tokens of the longest prompt and answer of the tuned model."""
    datasheet = read_json(paths.reports / "datasheet.json")
    return int(datasheet["tokens"]["longest"]) + longest_answer(datasheet)


def _champions_answers(recipe: Recipe, paths: Paths, rows: Rows, champion: _Model) -> Sequence[Answer]:
    """The datasheet counts the tokens of the recipe's base, and a champion may be of another."""
    kept_in = paths.scratch / "evaluate"
    questions = tuned_questions(recipe, read_json(paths.reports / "datasheet.json"), rows, champion.name)
    counting = partial(champion.serve, _CONTEXT_TO_COUNT)
    expected = [row["answer"] for row in rows]
    questions, context = in_own_tokens(questions, expected, kept_in, counting, f"{CHAMPION}, lengths")
    return answers_to(questions, kept_in, partial(champion.serve, context), CHAMPION)


def _perplexity(tuned: _Model, paths: Paths, rows: Rows, variants: Iterable[str]) -> dict[str, Any]:
    """Of the expected answers: for the base as baseline found it; the tuned model is asked."""
    folder, ids = paths.work / "baseline", [row["example_id"] for row in rows]
    bases = [variant for variant in variants if variant not in (TUNED, CHAMPION)]
    found = {variant: read_likelihoods(folder / f"{variant}.likelihoods.json", ids) for variant in bases}
    expected = read_expected(folder / "expected.json", ids)
    server, label = partial(tuned.serve, _context(paths)), f"{TUNED}, expected answers"
    found[TUNED] = answer_likelihoods(tuned.name, expected, paths.scratch / "evaluate", server, label)
    return perplexity_figure(found)


def _confidence(recipe: Recipe, metric: str) -> float:
    rule = recipe.gate.rules.get(metric)
    return rule.confidence if rule else _DEFAULT_CONFIDENCE


def _to_beat(
    recipe: Recipe,
    tuned: _Model,
    champion: Champion | None,
    measured: Mapping[str, Mapping[str, Measured]],
    rows: int,
) -> gate.Champion:
    if champion is None:
        return gate.Champion({}, "There is no champion yet, so there is nothing to beat.")
    if champion.sha256 == tuned.sha256:
        return gate.Champion({}, f"The champion, version {champion.version}, is this very file.")
    ruled = [metric for metric, rule in recipe.gate.rules.items() if rule.better_than_champion_by is not None]
    return gate.Champion(
        {metric: compare(metric, measured[metric], rows, _confidence(recipe, metric), (CHAMPION,)) for metric in ruled}
    )


def _slices(recipe: Recipe, paths: Paths, rows: Rows) -> list[Slice]:
    columns, accepted = recipe.evaluate.slices, paths.work / "accepted.parquet"
    named = {answer_key(column) for column in columns}
    labels = read_json(paths.reports / "datasheet.json")["allowed_answers"]
    by_label = label_slices(
        [row["answer"] for row in rows],
        [label for label in labels if label not in named],
        is_json=isinstance(recipe.data.example.assistant, JsonAnswer),
    )
    values = slice_values(accepted, columns, [row["example_id"] for row in rows], paths.recipe)
    lengths = [sum(len(turn.get("content") or "") for turn in row["prompt"]) for row in rows]
    return [*without_twins(column_slices(columns, values), by_label), *length_slices(lengths), *by_label]


def _write_answers_side_by_side(
    path: Path, rows: Rows, answers: Answers, measured: Mapping[str, Mapping[str, Measured]]
) -> None:
    """What was asked, expected and said, with its scores, for people who may see the data.

    A metric of the whole set scores no row.
    """
    by_row = {
        metric: {name: scores for name, scores in variants.items() if isinstance(scores, np.ndarray)}
        for metric, variants in measured.items()
    }
    lines = [
        {
            "example_id": row["example_id"],
            "prompt": row["prompt"],
            "expected": row["answer"],
            **{variant: given[index].text for variant, given in answers.items()},
            "scores": {
                metric: {name: float(scores[index]) for name, scores in variants.items()}
                for metric, variants in by_row.items()
                if variants
            },
        }
        for index, row in enumerate(rows)
    ]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


if __name__ == "__main__":
    run(evaluate)
