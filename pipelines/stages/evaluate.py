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
from pipelines.exported import judged_quant
from pipelines.files import read_json, sha256_of_file, write_json, write_text
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import PARALLEL
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.scoring.answers import (
    ANSWER_MARGIN_TOKENS,
    Answer,
    Questions,
    answers_to,
    read_answers,
)
from pipelines.scoring.comparison import TUNED, Comparison, Scores, compare, slice_rows
from pipelines.scoring.gate import Verdict, rule_results, verdict
from pipelines.scoring.metrics import Score, scorer
from pipelines.scoring.prompts import Row, judged_rows
from pipelines.scoring.report import Report, Subject, render, slices_csv
from pipelines.stage_runner import run

Rows = Sequence[Row]
_BASE_VARIANTS = ("base", "base_few_shot")
_DEFAULT_CONFIDENCE = 0.95


def evaluate(recipe: Recipe, paths: Paths) -> None:
    """Score base and tuned, judge by the recipe's gate, and write the evaluation's reports."""
    metrics: dict[str, Score] = {metric: scorer(metric, recipe) for metric in recipe.evaluate.metrics}
    rows = judged_rows(SideRows(paths.work / "test.parquet"), recipe.evaluate.max_rows)
    if not rows:
        raise TinsmithError(
            f"{paths.work / 'test.parquet'}: no rows to judge by; raise data.split.test in {paths.recipe} or add data"
        )
    answers = _base_answers(recipe, paths, rows)
    answers[TUNED] = _tuned_answers(paths, rows)
    scores = {
        metric: {
            variant: np.array([score(said.text, row["answer"]) for said, row in zip(given, rows, strict=True)])
            for variant, given in answers.items()
        }
        for metric, score in metrics.items()
    }
    comparisons = {metric: compare(variants, _confidence(recipe, metric)) for metric, variants in scores.items()}
    _write_answers_side_by_side(paths.work / "answers.jsonl", rows, answers)
    _write_reports(recipe, paths, rows, answers, scores, comparisons)


def _base_answers(recipe: Recipe, paths: Paths, rows: Rows) -> dict[str, Sequence[Answer]]:
    wanted = _BASE_VARIANTS if recipe.evaluate.few_shot else _BASE_VARIANTS[:1]
    ids = [row["example_id"] for row in rows]
    return {variant: read_answers(paths.work / "baseline" / f"{variant}.jsonl", ids) for variant in wanted}


def _tuned_answers(paths: Paths, rows: Rows) -> Sequence[Answer]:
    export = read_json(paths.reports / "export.json")
    exported = export["quants"][judged_quant(export)]
    gguf = paths.work / "gguf" / exported["file"]
    if sha256_of_file(gguf) != exported["sha256"]:
        raise TinsmithError(
            f"{gguf}: is not the file that {paths.reports / 'export.json'} describes; run the export stage again"
        )
    tokens = read_json(paths.reports / "datasheet.json")["tokens"]
    max_tokens = tokens["longest_answer"] + ANSWER_MARGIN_TOKENS

    def server() -> AbstractContextManager[str]:
        # Found only when something is left to ask: scoring kept answers anew needs no llama.cpp.
        toolchain = find_toolchain()
        context = tokens["longest"] + max_tokens
        log = paths.scratch / "evaluate" / "tuned.log"
        return serving(gguf, toolchain, parallel=PARALLEL, context_per_slot=context, log=log)

    questions = Questions(
        exported["sha256"], [row["prompt"] for row in rows], max_tokens, [row["tools"] for row in rows]
    )
    return answers_to(questions, paths.scratch / "evaluate", server, "tuned")


def _confidence(recipe: Recipe, metric: str) -> float:
    return next((rule.confidence for ruled, rule in recipe.gate.items() if ruled == metric), _DEFAULT_CONFIDENCE)


def _write_answers_side_by_side(path: Path, rows: Rows, answers: dict[str, Sequence[Answer]]) -> None:
    """What was asked, expected and said, for people who may see the data."""
    lines = [
        {
            "example_id": row["example_id"],
            "prompt": row["prompt"],
            "expected": row["answer"],
            **{variant: given[index].text for variant, given in answers.items()},
        }
        for index, row in enumerate(rows)
    ]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _write_reports(
    recipe: Recipe,
    paths: Paths,
    rows: Rows,
    answers: dict[str, Sequence[Answer]],
    scores: dict[str, dict[str, Scores]],
    comparisons: dict[str, Comparison],
) -> None:
    results = rule_results(recipe.gate, comparisons)
    decided = verdict(results, len(rows))
    unanswered = {variant: _unanswered_ids(rows, given) for variant, given in answers.items()}
    slices = slice_rows(
        recipe.evaluate.slices,
        _slice_values(recipe, paths, rows),
        scores,
        {metric: comparison.compared_with for metric, comparison in comparisons.items()},
    )
    export = read_json(paths.reports / "export.json")
    quant = judged_quant(export)
    write_json(
        paths.reports / "evaluation.json",
        {
            "verdict": decided,
            "rows": len(rows),
            "metrics": {metric: comparison.as_json() for metric, comparison in comparisons.items()},
            "rules": [result.as_json() for result in results],
            "unanswered": unanswered,
            "quant": quant,
            "gguf_sha256": export["quants"][quant]["sha256"],
        },
    )
    write_json(paths.reports / "metrics.json", _in_columns(comparisons, len(rows), decided))
    write_text(paths.reports / "slices.csv", slices_csv(slices))
    subject = Subject(
        name=recipe.name,
        purpose=recipe.purpose,
        owner=recipe.owner,
        base=f"{export['base']['name']}, {export['base']['revision']}",
        quant=quant,
        gguf_sha256=export["quants"][quant]["sha256"],
    )
    counts = {variant: len(example_ids) for variant, example_ids in unanswered.items()}
    write_text(
        paths.reports / "report.html",
        render(Report(subject, decided, len(rows), comparisons, results, slices, counts)),
    )


def _in_columns(comparisons: dict[str, Comparison], rows: int, decided: Verdict) -> dict[str, Any]:
    """The few figures by which runs are told apart: DVC shows each as a column."""
    means = {
        metric: {"base": found.means[found.compared_with], "tuned": found.means[TUNED]}
        for metric, found in comparisons.items()
    }
    return {"verdict": decided, "rows": rows, **means}


def _slice_values(recipe: Recipe, paths: Paths, rows: Rows) -> list[dict[str, Any]]:
    """Each judged row's values of the slice columns, looked up where ingest left them.

    Examples do not carry them, so that other slices change no example and train nothing anew.
    """
    judged = [(RECORD, "in", [row["example_id"] for row in rows])]
    table = pq.read_table(paths.work / "accepted.parquet", columns=[RECORD, *recipe.evaluate.slices], filters=judged)
    by_record = {row.pop(RECORD): row for row in table.to_pylist()}
    return [{column: json_value(value) for column, value in by_record[row["example_id"]].items()} for row in rows]


def _unanswered_ids(rows: Rows, given: Sequence[Answer]) -> list[str]:
    return [row["example_id"] for row, said in zip(rows, given, strict=True) if not said.answered]


if __name__ == "__main__":
    run(evaluate)
