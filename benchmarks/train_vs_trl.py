"""Our train stage against a bare trl script: same prepared split, settings, steps and seed, in turns, in one run.

    python -m benchmarks.train_vs_trl [--recipe recipes/support_triage.yaml] [--runs 3] [--steps 20]

The goal is a ratio of at most 1.05 in the seconds of the training loop. What differs is printed below the table.
"""

import argparse
import csv
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.scratch_project import CHECKOUT, run_in, run_stage, scratch_project
from benchmarks.table import markdown_table
from pipelines import strict_yaml
from pipelines.files import read_json, write_json
from pipelines.model.base import base_model
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.recipe_reader import read_recipe

DIFFERENCES = """What differs. Ours: loss computed only where it is taken, attention within each packed example only,
fp32 adapters, a checkpoint every `train.checkpoint_every` steps, and behind the loop a validation pass (it counts in
the whole process). Bare trl: logits of every token, masked attention over the whole row, bf16 adapters, no checkpoint,
no validation, and one more token an example (the newline that the chat template writes behind the end of turn)."""
_LAST = 10


@dataclass(frozen=True)
class Run:
    """One training: seconds of its loop and of its whole process, tokens fed, loss of every step in nats."""

    loop: float
    process: float
    tokens: int
    losses: list[float]

    @property
    def last_loss(self) -> float:
        """Mean loss of the last steps, since a single one is noise."""
        return statistics.mean(self.losses[-_LAST:])


_COMPARED: dict[str, Callable[[Run], float]] = {
    "loop": lambda run: run.loop,
    "loop per token": lambda run: run.loop / run.tokens,
    "whole process": lambda run: run.process,
}


def compare(recipe_file: Path, folder: Path, runs: int, steps: int | None) -> str:
    """Train `runs` times each in a scratch project in `folder`; returns the results as Markdown."""
    project = scratch_project(folder / "project", [_with_steps(recipe_file, steps, folder)])
    recipe = read_recipe(project / "recipes" / recipe_file.name)
    for stage in ("resolve", "collect", "ingest", "prepare"):
        run_stage(project, stage, recipe.name)
    ours, bare = [], []
    for _ in range(runs):
        ours.append(_our_run(project, recipe))
        bare.append(_bare_run(project, recipe, folder / "bare"))
    return _report(ours, bare)


def _with_steps(recipe_file: Path, steps: int | None, folder: Path) -> Path:
    value = strict_yaml.load(recipe_file).value
    if steps is not None:
        value["train"]["max_steps"] = steps
    fresh = folder / recipe_file.name
    folder.mkdir(parents=True, exist_ok=True)
    fresh.write_text(strict_yaml.dump(value), encoding="utf-8")
    return fresh


def _our_run(project: Path, recipe: Recipe) -> Run:
    process = run_stage(project, "train", recipe.name)
    reports = project / Paths(recipe.name).reports
    train = read_json(reports / "train.json")
    with (reports / "loss.csv").open(newline="") as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream)]
    return Run(train["seconds"], process, train["trained_tokens"], losses)


def _bare_run(project: Path, recipe: Recipe, out: Path) -> Run:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    settings = out / "settings.json"
    write_json(settings, recipe.train.model_dump(mode="json"))
    split = (project / Paths(recipe.name).work / "train.parquet").resolve()
    command = [str(base_model(recipe.model).folder), str(split), str(settings.resolve()), str(out.resolve())]
    process = run_in(project, [sys.executable, "-m", "benchmarks.bare_trl", *command])
    result = json.loads((out / "result.json").read_text())
    return Run(result["seconds"], process, result["tokens"], result["losses"])


def _report(ours: list[Run], bare: list[Run]) -> str:
    rows = [
        _row(f"{name}, run {number + 1}", run)
        for number, pair in enumerate(zip(ours, bare, strict=True))
        for name, run in zip(("ours", "bare trl"), pair, strict=True)
    ]
    head = ["", "steps", "tokens", "loop, s", "tokens/s", "whole process, s", "first loss", f"loss, last {_LAST}"]
    ratios = ", ".join(
        f"{what} {statistics.median(map(figure, ours)) / statistics.median(map(figure, bare)):.3f}"
        for what, figure in _COMPARED.items()
    )
    return f"{markdown_table(head, rows)}\n\nOurs / bare trl, medians: {ratios}.\n\n{DIFFERENCES}"


def _row(name: str, run: Run) -> list[object]:
    return [
        name,
        len(run.losses),
        run.tokens,
        f"{run.loop:.1f}",
        f"{run.tokens / run.loop:.0f}",
        f"{run.process:.1f}",
        f"{run.losses[0]:.3f}",
        f"{run.last_loss:.3f}",
    ]


def _main() -> None:
    parser = argparse.ArgumentParser(description="Our train stage against a bare trl script, in turns.")
    parser.add_argument("--recipe", type=Path, default=CHECKOUT / "recipes" / "support_triage.yaml")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, help="instead of the recipe's train.max_steps")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        answer = compare(given.recipe.resolve(), Path(temporary), given.runs, given.steps)
    print(f"{machine_line()}\n\n{answer}")


if __name__ == "__main__":
    _main()
