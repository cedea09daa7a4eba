import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.data.engine import engine_mistake, mapped
from pipelines.errors import TinsmithError
from tests.data.row_functions import described, killed, odd_rows

pytestmark = pytest.mark.timeout(400)

ROOT = Path(__file__).parents[2]
ENGINES = ["daft", "ray"]
KEY = "k" * 40
ROWS = 1_500  # more batches than workers


@pytest.fixture(scope="module")
def run(ray_cluster):
    """Maps made-up rows through a function, on an engine, in a process of its own: Daft has one runner a process."""

    def in_a_process(engine, function, rows=ROWS):
        environment = {**os.environ, "RAY_ADDRESS": ray_cluster.address, "TINSMITH_KEY": KEY}
        command = [sys.executable, "-m", "tests.data.row_functions", engine, function, str(rows)]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    return in_a_process


@pytest.mark.parametrize(("engine", "key"), [("daft", KEY), ("ray", None)])
def test_rows_come_back_unchanged_and_in_order_and_the_key_does_not_reach_the_cluster(run, engine, key):
    rows = [repr(row) for row in odd_rows(ROWS)]
    done = run(engine, "described")
    assert json.loads(done.stdout) == [[row, [row, key]] for row in rows]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_crash_is_one_line_without_the_rows_values_in_errors_and_logs(run, engine, ray_cluster):
    done = run(engine, "crash")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: data.engine: {engine}: KeyError at {ROOT}/tests/data/row_functions.py:")
    assert done.stderr.endswith("; `engine: local` shows all of it\n")
    assert done.stderr.count("\n") == 1
    logs = [log for log in ray_cluster.logs.rglob("*") if log.is_file()]
    assert logs
    assert not any(b"planted value" in log.read_bytes() for log in logs)


def test_a_users_mistake_keeps_its_line(run):
    done = run("daft", "complain")
    assert (done.returncode, done.stderr) == (2, "error: data.engine: daft: notes.csv:7: has no label; add one\n")


def test_no_cluster_where_one_is_said_to_be(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    command = [sys.executable, "-m", "tests.data.row_functions", "ray", "described", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: data.engine: ray: no cluster answers at RAY_ADDRESS=127.0.0.1:1: ")
    assert done.stderr.count("\n") == 1


def test_what_is_missing_is_told_with_its_mend(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert engine_mistake("local") is None
    assert engine_mistake("daft") is None
    assert "RAY_ADDRESS is not set" in engine_mistake("ray")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert engine_mistake("ray") == "ray needs daft and ray; pip install 'tinsmith[scale]'"


@pytest.mark.parametrize("count", [0, 1, 400, 401, 5_000])
def test_the_number_of_workers_changes_nothing(count):
    rows = odd_rows(count)
    assert list(mapped(rows, described, workers=1)) == list(mapped(rows, described, workers=3))


def test_a_worker_that_is_killed_is_told_and_nothing_waits_for_it():
    with pytest.raises(TinsmithError, match=r"^data\.engine: local: a process that worked on rows was killed"):
        list(mapped(range(5_000), killed, workers=2))
