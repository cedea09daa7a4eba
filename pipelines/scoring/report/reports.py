"""What the stages reported of one recipe: all that a page is made of."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.errors import TinsmithError
from pipelines.files import read_json

Json = dict[str, Any]

# Each is reports/<r>/<name>.json.
_NAMES = ("evaluation", "export", "train", "baseline", "ingest", "datasheet", "ability", "safety")


class LossPoint(NamedTuple):
    """A line of loss.csv: mean loss of an answer's token, in nats."""

    step: int
    loss: float


@dataclass(frozen=True)
class Reports:
    """The reports of one recipe by name, as JSON; one that no stage wrote is empty.

    `row_steps` are the rows step by step, each step a list of (words, rows) whose first goes on; `timing` holds, by the
    name of its file, what each stage took.
    """

    name: str
    purpose: str
    owner: str
    evaluation: Json
    export: Json = field(default_factory=dict)
    train: Json = field(default_factory=dict)
    baseline: Json = field(default_factory=dict)
    ingest: Json = field(default_factory=dict)
    datasheet: Json = field(default_factory=dict)
    ability: Json = field(default_factory=dict)
    safety: Json = field(default_factory=dict)
    loss: Sequence[LossPoint] = ()
    timing: Json = field(default_factory=dict)
    row_steps: Sequence[Sequence[tuple[str, int]]] = ()


class Section(NamedTuple):
    """One part of a page: its heading, its template's name without endings, and what the template shows."""

    title: str
    name: str
    view: Any


def read_reports(folder: Path, name: str, purpose: str, owner: str) -> Reports:
    """Read the reports in `folder`, which is reports/<name>.

    Raises:
        TinsmithError: the recipe is not evaluated yet, or a report is no JSON.
    """
    if not (folder / "evaluation.json").exists():
        raise TinsmithError(f"{folder / 'evaluation.json'}: not there yet; run `dvc repro evaluate@{name}` first")
    found: dict[str, Any] = {report: _json(folder / f"{report}.json") for report in _NAMES}
    timing = {file.stem: _json(file) for file in sorted((folder / "timing").glob("*.json"))}
    return Reports(name, purpose, owner, loss=_loss(folder / "loss.csv"), timing=timing, **found)


def judged_metric(reports: Reports) -> str:
    """The first metric that the gate judges; where it judges none, the first that was measured."""
    metrics: list[str] = list(reports.evaluation["metrics"])
    # Reports of earlier versions do not say what a rule judges.
    judged = (rule.get("judges") for rule in reports.evaluation["rules"])
    return next((metric for metric in judged if metric in metrics), metrics[0])


def judged_entry(reports: Reports) -> Json:
    """The entry of export.json of the file that was judged; empty where export wrote nothing."""
    return dict(reports.export.get("quants", {}).get(reports.evaluation["quant"], {}))


def _json(file: Path) -> Json:
    return dict(read_json(file)) if file.exists() else {}


def _loss(file: Path) -> list[LossPoint]:
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return [LossPoint(int(float(row["step"])), float(row["loss"])) for row in csv.DictReader(stream) if row["loss"]]
