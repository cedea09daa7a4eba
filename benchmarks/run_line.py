"""The whole line on real data, in a scratch copy of the project.

    TINSMITH_BENCH_DATA=... python -m benchmarks.run_line banking77

Prints the machine, rows, steps, minutes by stage, and base against tuned with intervals, as Markdown.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_line
from benchmarks.scratch_project import CHECKOUT, run_in, scratch_project
from benchmarks.table import markdown_table
from pipelines.files import read_json
from pipelines.paths import Paths
from pipelines.scoring.report.cost import STAGES

RECIPES = CHECKOUT / "benchmarks" / "recipes"


def run_line(recipe: Path, folder: Path) -> str:
    """Run `dvc repro` for one recipe in a scratch project in `folder`; returns the results as Markdown."""
    scratch_project(folder, [recipe])
    seconds = run_in(folder, [sys.executable, "-m", "dvc", "repro"])
    return results(folder / Paths(recipe.stem).reports, seconds)


def results(reports: Path, seconds: float) -> str:
    """What the reports of one recipe say; `seconds` is what `dvc repro` took."""
    minutes = []
    for stage in STAGES:
        # DVC collects each source apart, as collect-<source>.
        notes = [read_json(file) for file in (reports / "timing").glob(f"{stage}*.json")]
        seconds_of_stage, peak = (
            sum(note["seconds"] for note in notes),
            max(note["peak_memory_bytes"] for note in notes),
        )
        minutes.append([stage, f"{seconds_of_stage / 60:.1f}", f"{peak / 2**30:.1f}"])
    minutes.append(["`dvc repro`, all", f"{seconds / 60:.1f}", ""])
    return "\n\n".join(
        [
            _data_and_training(reports),
            markdown_table(["stage", "minutes", "peak memory, GiB"], minutes),
            _quality(read_json(reports / "evaluation.json")),
        ]
    )


def _data_and_training(reports: Path) -> str:
    rows, train = read_json(reports / "datasheet.json")["rows"], read_json(reports / "train.json")
    ingest = read_json(reports / "ingest.json")
    dropped = {name.removeprefix("dropped_"): count for name, count in rows.items() if name.startswith("dropped_")}
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in dropped.items() if count) or "none"
    return (
        f"{ingest['rows_in']} rows in, {ingest['accepted']} accepted; dropped: {said}. "
        f"{rows['train']} train, {rows['validation']} validate, {rows['test']} test. "
        f"{train['steps']} steps, {train['trained_tokens']} tokens, {train['tokens_per_second']} tokens/s, "
        f"loss {train['first_loss']:.2f} to {train['last_loss']:.2f}."
    )


def _quality(evaluation: dict[str, Any]) -> str:
    rows = [
        [
            metric,
            evaluation["rows"],
            *(_percent(found.get(variant)) for variant in ("base", "base_few_shot", "base_constrained", "tuned")),
            f"{_percent(found['difference'])} [{', '.join(_percent(end) for end in found['interval'])}]",
            found["compared_with"],
        ]
        for metric, found in evaluation["metrics"].items()
    ]
    head = [
        "metric",
        "rows",
        "base",
        "base, few-shot",
        "base, constrained",
        "tuned",
        "difference, its interval, points",
        "compared with",
    ]
    return f"{markdown_table(head, rows)}\n\nVerdict of the gate: {evaluation['verdict']}."


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _main() -> None:
    names = sorted(path.stem for path in RECIPES.glob("*.yaml"))
    parser = argparse.ArgumentParser(description="Run the whole line on real data in a scratch copy of the project.")
    parser.add_argument("name", choices=names)
    parser.add_argument("--into", type=Path, help="a new folder to keep; a temporary one is used and removed otherwise")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        answer = run_line(RECIPES / f"{given.name}.yaml", given.into or Path(temporary) / "project")
    print(f"{machine_line()}\n\n{answer}")


if __name__ == "__main__":
    _main()
