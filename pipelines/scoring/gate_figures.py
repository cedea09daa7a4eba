"""The figures of other stages' reports that the gate has rules about."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import read_json
from pipelines.paths import Paths, check_made
from pipelines.recipe_figures import EXPORT_FIGURES, GENERAL_FIGURES
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
        measured = _export_figures(read_json(report), exported) if stage == "export" else _reported_figures(report)
        if name not in measured:
            has = ", ".join(measured) or "nothing"
            raise TinsmithError(f"{paths.recipe}: gate.{name}: {report} measures no such figure (it has: {has})")
        found[name] = measured[name]
    return found


def _export_figures(export: Mapping[str, Any], judged: Mapping[str, Any]) -> dict[str, Figure]:
    """What export.json holds of the judged quant, of the proof of the 16-bit file, and of the merge that was kept."""
    general, merge = judged.get("general") or {}, export.get("merge", {})
    values = {
        **export.get("parity", {}),
        **judged,
        **{f"general_{name}": value for name, value in general.items()},
        "merge_kl": merge.get(f"kl_{merge.get('kept')}"),
    }
    measured = {name: values.get(name.removeprefix("export.")) for name in (*EXPORT_FIGURES, *GENERAL_FIGURES)}
    # None where there was too little held-out text to measure on.
    return {name: Figure(value, None, None) for name, value in measured.items() if value is not None}


def _reported_figures(report: Path) -> dict[str, Figure]:
    """In the shape that all stages share (docs/architecture.md)."""
    return {name: reported_figure(reported) for name, reported in read_json(report)["figures"].items()}


def reported_figure(reported: Mapping[str, Any]) -> Figure:
    """A figure of a report as the gate sees it: of one that is better nearer 0, as a bias is, its distance to 0."""
    tuned, ends, difference_ends = reported["tuned"], reported["interval"], reported["difference_interval"]
    if reported["better"] == "nearer 0":
        nearest = 0 if ends[0] <= 0 <= ends[1] else min(map(abs, ends))
        tuned, ends = abs(tuned), (nearest, max(map(abs, ends)))
    return Figure(
        tuned=tuned,
        interval=ends and (ends[0], ends[1]),
        rows=reported["rows"],
        difference=reported["difference"],
        difference_interval=difference_ends and (difference_ends[0], difference_ends[1]),
        lower_is_better=reported["better"] != "higher",
        smallest_difference=reported.get("smallest_difference"),
        unanswered=reported.get("unanswered", 0),
    )
