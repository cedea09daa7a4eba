"""The figures of other stages' reports that the gate has rules about."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import read_json
from pipelines.paths import Paths, check_made
from pipelines.recipe_figures import EXPORT_FIGURES
from pipelines.scoring.gate import Figure


def other_figures(names: Iterable[str], paths: Paths, exported: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures called `names`, each beginning with its stage's name, as in ability.arc_easy.

    `exported` is the judged quant as export.json describes it.

    Raises:
        TinsmithError: a stage has not run, or measures no such figure.
    """
    found = {}
    for name in names:
        stage = name.partition(".")[0]
        report = paths.reports / f"{stage}.json"
        check_made(stage, paths.name, report)
        measured = _export_figures(exported) if stage == "export" else _reported_figures(report)
        if name not in measured:
            has = ", ".join(measured) or "nothing"
            raise TinsmithError(f"{paths.recipe}: gate.{name}: {report} measures no such figure (it has: {has})")
        found[name] = measured[name]
    return found


def _export_figures(exported: Mapping[str, Any]) -> dict[str, Figure]:
    # None where there was too little held-out text to measure on.
    judged = {f"export.{key}": value for key, value in exported.items() if value is not None}
    return {name: Figure(judged[name], None, None) for name in EXPORT_FIGURES if name in judged}


def _reported_figures(report: Path) -> dict[str, Figure]:
    """In the shape that all stages share (docs/architecture.md)."""
    return {name: reported_figure(reported) for name, reported in read_json(report)["figures"].items()}


def reported_figure(reported: Mapping[str, Any]) -> Figure:
    """A figure of a report as the gate sees it."""
    ends, difference_ends = reported["interval"], reported["difference_interval"]
    return Figure(
        tuned=reported["tuned"],
        interval=ends and (ends[0], ends[1]),
        rows=reported["rows"],
        difference=reported["difference"],
        difference_interval=difference_ends and (difference_ends[0], difference_ends[1]),
        lower_is_better=reported["better"] == "lower",
    )
