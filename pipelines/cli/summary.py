"""`tinsmith summary`: what the line made of one recipe, on one screen."""

import os
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.cli.reports import read_report
from pipelines.files import read_json
from pipelines.paths import Paths
from pipelines.recipe_reader import checked_name
from pipelines.scoring.report.cost import STAGES

_WIDTH = 100
# Columns' heads by variant: few-shot is the base with examples, constrained the same held to the form of the answers.
_VARIANTS = {
    "base": "base",
    "base_few_shot": "few-shot",
    "base_constrained": "constrained",
    "tuned": "tuned",
    "champion": "champion",
}


def print_summary(name: str) -> None:
    """Print verdict, figures, files, registered version, time and cost, and what to do next.

    Raises:
        TinsmithError: a report is missing because the line has not run to its end.
    """
    paths = Paths(checked_name(name))
    reports = {report: read_report(paths, report) for report in ("evaluation", "export", "registry")}
    console = Console(highlight=False, markup=False)
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    evaluation = reports["evaluation"]
    console.print(f"\n{name}: {evaluation['verdict']}, judged on {evaluation['rows']} test rows", style="bold")
    for rule in evaluation["rules"]:
        console.print(f"  {'holds' if rule['holds'] else 'BROKEN'}: {rule['rule']}. {rule['reason']}")
    for table in (_metrics(evaluation["metrics"]), _files(reports["export"]["quants"]), _stages(paths)):
        console.print()
        console.print(table)
    console.print()
    console.print(_registered(reports["registry"]))
    console.print("\nNext:")
    for command, what in _next_commands(name):
        console.print(f"  {command:<55} {what}", soft_wrap=True)


def _table(*columns: str) -> Table:
    """A plain table: its first column is text, the others are figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", overflow="fold")
    return table


def _metrics(metrics: dict[str, Any]) -> Table:
    shown = [variant for variant in _VARIANTS if any(found.get(variant) is not None for found in metrics.values())]
    table = _table("metric", *(_VARIANTS[variant] for variant in shown), "difference", "interval", "against")
    for metric, found in metrics.items():
        low, high = found["interval"]
        table.add_row(
            metric,
            *(_percent(found.get(variant)) for variant in shown),
            _points(found["difference"]),
            f"{_points(low)} to {_points(high)}",
            _VARIANTS[found["compared_with"]],
        )
    return table


def _files(quants: dict[str, Any]) -> Table:
    table = _table("GGUF file", "size", "sha256")
    for quant in quants.values():
        table.add_row(quant["file"], _size(quant["bytes"]), f"{quant['sha256'][:16]}…")
    return table


def _stages(paths: Paths) -> Table:
    """Time, memory and cost of each stage's last run; a stage that never ran on this checkout has none."""
    folder = paths.reports / "timing"
    # A stage that runs once for each source notes each run apart, as collect-<source>.
    notes = {stage: [read_json(file) for file in sorted(folder.glob(f"{stage}*.json"))] for stage in STAGES}
    everything = [note for found in notes.values() for note in found]
    currency = next((note["currency"] for note in everything), "cost")
    table = _table("stage", "wall time", "peak memory", currency)
    for stage, found in notes.items():
        table.add_row(stage, *(_spent(found) if found else ("-", "-", "-")))
    table.add_row("total", *_spent(everything), style="bold")
    return table


def _spent(notes: list[Any]) -> tuple[str, str, str]:
    minutes, seconds = divmod(round(sum(note["seconds"] for note in notes), 1), 60)
    peak = max((note["peak_memory_bytes"] for note in notes), default=0)
    return f"{minutes:.0f}:{seconds:04.1f}", _size(peak), f"{sum(note['cost'] for note in notes):.4f}"


def _registered(registry: dict[str, Any]) -> str:
    if registry["version"] is None:
        return f"MLflow: {registry['model']} was not registered ({registry['reason']})"
    return f"MLflow: {registry['model']} version {registry['version']}, alias @{registry['alias']}"


def _next_commands(name: str) -> Iterator[tuple[str, str]]:
    if "VIRTUAL_ENV" not in os.environ:
        yield ". .venv/bin/activate", "once in each shell"
    yield f"tinsmith serve {name}", "ask the model"
    yield "dvc plots show", "draw the training loss"
    if "MLFLOW_TRACKING_URI" not in os.environ:
        yield "mlflow ui", "look at runs and versions"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"


def _size(count: float) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
