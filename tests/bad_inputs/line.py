"""The line's first stages on one small recipe, walked as its user walks them, and what must hold however they end."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from pipelines import strict_yaml
from pipelines.check import check_recipe
from pipelines.errors import TinsmithError
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest
from pipelines.stages.resolve import resolve
from pipelines.walk import write_params

CHECKOUT = Path(__file__).parents[2]
PATHS = Paths("notes")
CONTRACT = Path("notes.odcs.yaml")
PRIVATE = "sesame"
"""A word that stands in the bad rows, and that no error, report or log may repeat."""

COLUMNS = """\
  - {name: id, logicalType: integer, primaryKey: true}
  - {name: body, logicalType: string, required: true}
  - {name: label, logicalType: string, required: true, enum: [{value: good}, {value: bad}]}
"""
PASSAGE_COLUMNS = "  - {name: path, logicalType: string}\n  - {name: text, logicalType: string, required: true}\n"
HEADER = b"id,body,label\n"
GOOD = b"1,a lamp,good\n"

# Runs stages as their user does, and tells the most memory that they held.
_MEASURED = """
import re, runpy, sys
stage = sys.argv[1]
try:
    sys.argv = [f"{stage}.py", "notes"]
    runpy.run_module(f"pipelines.stages.{stage}", run_name="__main__")
finally:
    print("VmHWM", re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""


class Walked(NamedTuple):
    """What ingest reports, the accepted rows, and the refused ones in the quarantine's order."""

    report: dict[str, Any]
    accepted: list[dict[str, Any]]
    refused: list[dict[str, Any]]

    @property
    def reasons(self) -> list[tuple[str, int, list[str]]]:
        """Of each refused row its file, its line, and why."""
        return [(row["source"].partition("/")[2], row["line"], row["reasons"]) for row in self.refused]


class Ended(NamedTuple):
    """How stages in a process of its own ended: its exit code, its error's text, and its most memory in bytes."""

    code: int
    error: str
    peak: int


def project(columns: str = COLUMNS, base: Mapping[str, str] | None = None, data: str = "", **source: Any) -> None:
    """Write recipe and contract into this folder. The recipe has one source, `notes`; `data` is more of its section."""
    given = {"contract": str(CONTRACT), "type": "files", "path": "data/*", **source}
    fields = {field: value for field, value in given.items() if value is not None}
    head = "version: 1.0.0\napiVersion: v3.2.0\nkind: DataContract\nid: notes\nstatus: active\n"
    CONTRACT.write_text(f"{head}schema:\n- name: notes\n  properties:\n{columns}")
    user, assistant = ("{body}", "{label}") if columns.count("label") else ("{text}", "{text}")
    PATHS.recipe.parent.mkdir(exist_ok=True)
    PATHS.recipe.write_text(
        "name: notes\npurpose: Sort notes.\nowner: notes@example.com\ndata:\n"
        f"  sources: {json.dumps({'notes': fields})}\n"
        f'  example: {{user: "{user}", assistant: "{assistant}"}}\n{data}'
        f"model: {json.dumps(base or {'base': 'embedded:smollm2-135m-instruct'})}\n"
        "train: {max_length: 1024}\nregister: {model: notes}\n"
    )


def files(**contents: bytes) -> None:
    """Put files into data/; in their names the last _ stands for the dot."""
    for name, content in contents.items():
        path = Path("data", ".".join(name.rsplit("_", 1)))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def resolved() -> None:
    """Run resolve, as `tinsmith sync` and `dvc repro` would."""
    write_params([read_recipe(PATHS.recipe)])
    resolve(check_recipe(PATHS.recipe), PATHS)


def walk(*, project_too: bool = True, **source: Any) -> Walked:
    """Run resolve, collect and ingest on a source; what they wrote must add up and tell no values."""
    if project_too:
        project(**source)
    resolved()
    recipe = read_recipe(PATHS.recipe)
    collect(recipe, PATHS)
    ingest(recipe, PATHS)
    return walked()


def walked() -> Walked:
    """What ingest wrote, checked: every row is accounted for, exactly, and no report repeats a value."""
    text = (PATHS.reports / "ingest.json").read_text()
    report = json.loads(text)
    accepted = pq.read_table(PATHS.work / "accepted.parquet").to_pylist()
    refused = [json.loads(line) for line in (PATHS.work / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()]
    collected = pq.read_metadata(PATHS.collected("notes") / "rows.parquet").num_rows
    assert report["rows_in"] == collected == report["accepted"] + report["quarantined"] + report["rejected_raw"]
    assert report["accepted"] == len(accepted)
    kinds = [row["kind"] for row in refused]
    assert [report[kind] for kind in ("quarantined", "rejected_raw")] == [
        kinds.count(kind) for kind in ("quarantined", "rejected_raw")
    ]
    assert all(row["reasons"] for row in refused)
    assert PRIVATE not in text
    _nothing_half_written()
    return Walked(report, accepted, refused)


def told(**source: Any) -> str:
    """The error in which resolve, collect or ingest end: lines that tell no values, and nothing half-written."""
    before = _results()
    with pytest.raises(TinsmithError) as caught:
        walk(**source)
    error = str(caught.value)
    assert PRIVATE not in error
    assert _results() == before
    _nothing_half_written()
    return error


def stage_alone(stage: str) -> Ended:
    """Run a stage in a process of its own, which is neither killed nor tells a value or a traceback."""
    ended = subprocess.run(
        [sys.executable, "-c", _MEASURED, stage],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ended.returncode in (0, 2), ended.stderr
    assert PRIVATE not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    _nothing_half_written()
    return Ended(ended.returncode, ended.stderr, int(ended.stdout.rpartition("VmHWM")[2]) * 1024)


def bounded_walk(**source: Any) -> Walked:
    """As walk, with collect and ingest each in a process of its own, as in the line, which holds little memory."""
    project(**source)
    resolved()
    for stage in ("collect", "ingest"):
        ended = stage_alone(stage)
        assert ended.code == 0, ended.error
        assert ended.peak < MOST_MEMORY
    return walked()


def bounded_told(**source: Any) -> str:
    """As told, with collect in a process of its own, which holds little memory."""
    project(**source)
    resolved()
    ended = stage_alone("collect")
    assert ended.code == 2
    assert ended.peak < MOST_MEMORY
    return ended.error


MOST_MEMORY = 512 * 2**20
"""What a stage may hold, its libraries included, on files that would fill gigabytes."""


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that stands in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def dumped(value: Any) -> str:
    """YAML of a value."""
    return strict_yaml.dump(value)


def _results() -> list[bytes | None]:
    files = (PATHS.work / "accepted.parquet", PATHS.reports / "ingest.json")
    return [file.read_bytes() if file.exists() else None for file in files]


def _nothing_half_written() -> None:
    left = [path for folder in ("work", "reports", "resolved") for path in Path(folder).rglob(".*")]
    assert [path for path in left if path != PATHS.scratch.parent] == []
