"""A stage that dies at any rename leaves what was there, or what is whole; and what would count rows twice."""

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_inputs.line import CHECKOUT, GOOD, HEADER, PATHS, files, told, walk
from tests.bad_inputs.test_archives import zipped

# Runs a stage that is killed instead of renaming what it wrote for the nth time.
KILLED = """
import os, runpy, signal, sys
stage, left = sys.argv[1], int(sys.argv[2])
rename = os.replace

def replace(*paths):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*paths)

os.replace = replace
sys.argv = [f"{stage}.py", "notes"]
runpy.run_module(f"pipelines.stages.{stage}", run_name="__main__")
"""
ROWS = HEADER + GOOD + b"2,sesame,none\n3,x,bad\n4,sesame\n"


def outputs() -> dict[str, bytes]:
    """Every file that the line wrote, except what a killed stage left in folders of its own."""
    made = [path for folder in ("work", "reports") for path in Path(folder).rglob("*") if path.is_file()]
    seen = [path for path in made if "timing" not in path.parts and not any(part[0] == "." for part in path.parts)]
    return {str(path): path.read_bytes() for path in seen}


def killed_at(stage: str, rename: int) -> bool:
    """Whether the stage lived long enough to be killed at its nth rename."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, stage, str(rename)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0


@pytest.mark.parametrize(
    ("stage", "rename"), [("collect", 1), ("ingest", 1), ("ingest", 2), ("ingest", 3), ("ingest", 4)]
)
def test_a_crash_between_write_and_rename(stage, rename):
    """Beside the results of an older build: each file is the older one or the new one, whole."""
    files(a_csv=ROWS)
    walk()
    whole = outputs()
    files(a_csv=ROWS + b"5,older,good\n")
    walk()
    files(a_csv=ROWS)
    if stage == "ingest":
        assert not killed_at("collect", 99)
    older = outputs()
    assert killed_at(stage, rename)
    for path, content in outputs().items():
        assert content in (older.get(path), whole[path]), f"{path} is half of one"
    walk()
    assert outputs() == whole
    assert not [path for path in PATHS.work.rglob(".*") if path.is_dir()]


def test_a_crash_leaves_an_unnamed_half_behind():
    """So that the test above is not of stages that write in one go."""
    files(a_csv=ROWS)
    walk()
    assert killed_at("ingest", 1)
    assert [path.name.rpartition(".")[0] for path in PATHS.work.glob(".quarantine*")] == [".quarantine.jsonl"]


@pytest.mark.parametrize("copy", ["b.csv", "b.csv.gz", "b.zip"])
def test_the_same_file_twice(copy):
    files(a_csv=ROWS)
    content = {"csv": ROWS, "gz": gzip.compress(ROWS), "zip": zipped({"x.csv": ROWS})}[copy.rpartition(".")[2]]
    Path("data", copy).write_bytes(content)
    label = f"{copy}/x.csv" if copy.endswith("zip") else copy
    assert told() == f"notes/{label}: the same file as notes/a.csv, byte for byte; take one of them away"


def test_the_same_rows_in_another_file():
    files(a_csv=ROWS, b_csv=ROWS + b"5,new,good\n")
    walked = walk()
    assert [row["id"] for row in walked.accepted] == [1, 3, 5]
    assert [reasons for file, _, reasons in walked.reasons if file == "b.csv"] == [
        ["id: primaryKey"],
        ["label: enum", "id: primaryKey"],
        ["id: primaryKey"],
        ["row: too few columns"],
    ]
