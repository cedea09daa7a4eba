"""evaluate: the tuned GGUF, the file that ships, against its base on the same rows, and the gate's verdict."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipelines.data.contracts.contract import RECORD
from pipelines.data.rendering import json_value
from pipelines.data.side_rows import SideRows
from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_file, write_json, write_text
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.handoff.champion import Champion, fetch_champion
from pipelines.handoff.registry import open_registry
from pipelines.llama_client import PARALLEL
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe, answer_key
from pipelines.scoring import gate
from pipelines.scoring.answers import (
    ANSWER_MARGIN_TOKENS,
    Answer,
    Questions,
    answers_to,
    read_answers,
)
from pipelines.scoring.comparison import CHAMPION, TUNED, compare
from pipelines.scoring.comparison_slices import (
    Slice,
    column_slices,
    label_slices,
    length_slices,
    slice_rows,
    slices_csv,
)
from pipelines.scoring.comparison_statistics import Measured
from pipelines.scoring.evaluation import Evaluation
from pipelines.scoring.gate_figures import other_figures
from pipelines.scoring.metrics import scorer
from pipelines.scoring.prompts import Row, judged_rows
from pipelines.stage_runner import run

Rows = Sequence[Row]
Answers = dict[str, Sequence[Answer]]
_DEFAULT_CONFIDENCE = 0.95


def evaluate(recipe: Recipe, paths: Paths) -> None:
    """Score base and tuned, judge by the recipe's gate, and write the evaluation's reports."""
    rows = judged_rows(SideRows(paths.work / "test.parquet"), recipe.evaluate.max_rows)
    if not rows:
        raise TinsmithError(
            f"{paths.work / 'test.parquet'}: no rows to judge by; raise data.split.test in {paths.recipe} or add data"
        )
    champion = _champion(recipe, paths)
    answers = _answers(recipe, paths, rows, champion)
    measured = _measured(recipe, rows, answers)
    comparisons = {
        metric: compare(metric, variants, len(rows), _confidence(recipe, metric))
        for metric, variants in measured.items()
    }
    figures = {metric: gate.metric_figure(found) for metric, found in comparisons.items()}
    figures |= other_figures(
        [name for name in recipe.gate.rules if name not in figures], paths, _exported(recipe, paths)
    )
    compared_with = {metric: found.compared_with for metric, found in comparisons.items()}
    evaluation = Evaluation(
        example_ids=[row["example_id"] for row in rows],
        answers=answers,
        comparisons=comparisons,
        results=gate.rule_results(recipe.gate.rules, figures, _to_beat(recipe, paths, champion, measured, len(rows))),
        slices=slice_rows(_slices(recipe, paths, rows), measured, compared_with),
        quant=recipe.export.quants[0],
        gguf_sha256=_exported(recipe, paths)["sha256"],
    )
    _write_answers_side_by_side(paths.work / "answers.jsonl", rows, answers, measured)
    write_json(paths.reports / "evaluation.json", evaluation.as_json())
    write_json(paths.reports / "metrics.json", evaluation.in_columns())
    write_text(paths.reports / "slices.csv", slices_csv(evaluation.slices))


def _champion(recipe: Recipe, paths: Paths) -> Champion | None:
    """The champion, where a rule is about it and there is one."""
    if all(rule.better_than_champion_by is None for rule in recipe.gate.rules.values()):
        return None
    with open_registry() as client:
        return fetch_champion(client, recipe.handoff.model, paths.scratch / "champion")


def _answers(recipe: Recipe, paths: Paths, rows: Rows, champion: Champion | None) -> Answers:
    """By variant: what the base answered in the baseline stage, and what the others answer now or did before."""
    ids = [row["example_id"] for row in rows]
    check_made("baseline", recipe.name, paths.work / "baseline")
    kept = sorted((paths.work / "baseline").glob("*.jsonl"))
    answers: Answers = {file.stem: read_answers(file, ids) for file in kept}
    exported = _exported(recipe, paths)
    gguf = paths.work / "gguf" / exported["file"]
    if sha256_of_file(gguf) != exported["sha256"]:
        raise TinsmithError(
            f"{gguf}: is not the file that {paths.reports / 'export.json'} describes; run the export stage again"
        )
    answers[TUNED] = _asked(paths, rows, gguf, exported["sha256"], TUNED)
    if champion is not None:
        answers[CHAMPION] = _asked(paths, rows, champion.gguf, champion.sha256, CHAMPION)
    return answers


def _asked(paths: Paths, rows: Rows, gguf: Path, sha256: str, label: str) -> Sequence[Answer]:
    tokens = read_json(paths.reports / "datasheet.json")["tokens"]
    max_tokens = tokens["longest_answer"] + ANSWER_MARGIN_TOKENS

    def server() -> AbstractContextManager[str]:
        # Found only when something is left to ask: scoring kept answers anew needs no llama.cpp.
        toolchain = find_toolchain()
        context = tokens["longest"] + max_tokens
        log = paths.scratch / "evaluate" / f"{label}.log"
        return serving(gguf, toolchain, parallel=PARALLEL, context_per_slot=context, log=log)

    questions = Questions(sha256, [row["prompt"] for row in rows], max_tokens, [row["tools"] for row in rows])
    return answers_to(questions, paths.scratch / "evaluate", server, label)


def _exported(recipe: Recipe, paths: Paths) -> dict[str, Any]:
    """What export.json says of the file that is judged."""
    return dict(read_json(paths.reports / "export.json")["quants"][recipe.export.quants[0]])


def _measured(recipe: Recipe, rows: Rows, answers: Answers) -> dict[str, dict[str, Measured]]:
    """By metric, by variant: the scores of the rows, or the metric as a function of any of them."""
    scorers = {metric: scorer(metric, recipe) for metric in recipe.evaluate.metrics}
    return {
        metric: {
            variant: np.array([score(said.text, row["answer"]) for said, row in zip(given, rows, strict=True)])
            for variant, given in answers.items()
        }
        for metric, score in scorers.items()
    }


def _confidence(recipe: Recipe, metric: str) -> float:
    rule = recipe.gate.rules.get(metric)
    return rule.confidence if rule else _DEFAULT_CONFIDENCE


def _to_beat(
    recipe: Recipe, paths: Paths, champion: Champion | None, measured: dict[str, dict[str, Measured]], rows: int
) -> gate.Champion:
    if champion is None:
        return gate.Champion({}, "There is no champion yet, so there is nothing to beat.")
    if champion.sha256 == _exported(recipe, paths)["sha256"]:
        return gate.Champion({}, f"The champion, version {champion.version}, is this very file.")
    ruled = [metric for metric, rule in recipe.gate.rules.items() if rule.better_than_champion_by is not None]
    return gate.Champion(
        {metric: compare(metric, measured[metric], rows, _confidence(recipe, metric), (CHAMPION,)) for metric in ruled}
    )


def _slices(recipe: Recipe, paths: Paths, rows: Rows) -> list[Slice]:
    columns = recipe.evaluate.slices
    named = {answer_key(column) for column in columns}
    labels = read_json(paths.reports / "datasheet.json")["allowed_answers"]
    return [
        *column_slices(columns, _slice_values(recipe, paths, rows)),
        *length_slices([sum(len(turn.get("content") or "") for turn in row["prompt"]) for row in rows]),
        *label_slices([row["answer"] for row in rows], [label for label in labels if label not in named]),
    ]


def _slice_values(recipe: Recipe, paths: Paths, rows: Rows) -> list[dict[str, Any]]:
    """Each judged row's values of the slice columns, looked up where ingest left them.

    Examples do not carry them, so that other slices change no example and train nothing anew.
    """
    judged = [(RECORD, "in", [row["example_id"] for row in rows])]
    table = pq.read_table(paths.work / "accepted.parquet", columns=[RECORD, *recipe.evaluate.slices], filters=judged)
    by_record = {row.pop(RECORD): row for row in table.to_pylist()}
    return [{column: json_value(value) for column, value in by_record[row["example_id"]].items()} for row in rows]


def _write_answers_side_by_side(
    path: Path, rows: Rows, answers: Answers, measured: dict[str, dict[str, Measured]]
) -> None:
    """What was asked, expected and said, with its scores, for people who may see the data."""
    lines = [
        {
            "example_id": row["example_id"],
            "prompt": row["prompt"],
            "expected": row["answer"],
            **{variant: given[index].text for variant, given in answers.items()},
            "scores": {
                metric: {
                    name: float(scores[index]) for name, scores in variants.items() if isinstance(scores, np.ndarray)
                }
                for metric, variants in measured.items()
            },
        }
        for index, row in enumerate(rows)
    ]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


if __name__ == "__main__":
    run(evaluate)
