"""One machine and many rows: seconds and peak memory of collect, ingest and of prepare's steps over rows of any number.

    python -m benchmarks.scale 100000 1000000 10000000
    python -m benchmarks.scale --all 100000        # and the whole of prepare, with screening and tokens

Each step runs in a process of its own, through the stages' own functions. Peak memory is VmHWM, the most that was ever
resident, of that process and of all that it starts added up; what forked processes share counts in each of them. Where
other work runs beside it, CPU seconds tell more than seconds.
At the end the rows must balance, and what benchmarks/scale_tickets.py planted must have been found.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq

from benchmarks.machine import machine_line
from benchmarks.scale_steps import CLUSTERS, EXAMPLES, KEPT, PATHS, STEPS
from benchmarks.scale_tickets import NEAR, PLANTED, write_tickets
from benchmarks.scratch_project import CHECKOUT
from benchmarks.table import markdown_table
from pipelines.data.splits import SIDES
from pipelines.files import read_json
from pipelines.parquet import batches_in

_EVERY = 0.05  # seconds between two looks at a step's memory
_FEWEST_FOUND = 0.999  # of the planted near duplicates


def measured(step: str, folder: Path) -> tuple[float, float, float]:
    """Run one step in `folder`; its seconds, those of all its processors added up, and its peak memory in MiB.

    Raises:
        subprocess.CalledProcessError: the step failed; what it said was shown.
    """
    command = [sys.executable, "-m", "benchmarks.scale_steps", step]
    begun, worked = time.perf_counter(), _worked()
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stdout=sys.stderr)
    peaks: dict[int, int] = {}
    while process.poll() is None:
        for one in _family(process.pid):
            peaks[one] = max(peaks.get(one, 0), _high_water(one))
        time.sleep(_EVERY)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, _worked() - worked, sum(peaks.values()) / 1024


def measure(folder: Path, count: int, *, everything: bool) -> list[list[str]]:
    """Write `count` tickets into `folder` and run the steps over them; a line of the table for each."""
    write_tickets(folder, count)
    lines = []
    for step in STEPS if everything else list(STEPS)[:-1]:
        seconds, worked, peak = measured(step, folder)
        speed = count / seconds
        lines.append([step, f"{count:,}", f"{seconds:.1f}", f"{worked:.1f}", f"{speed:,.0f}", f"{peak:,.0f}"])
        print(*lines[-1], file=sys.stderr)
    return lines


def check(folder: Path, planted: dict[str, int]) -> str:
    """What became of the planted rows, in a line.

    Raises:
        AssertionError: rows were lost, or what was planted was not found.
    """
    ingest = read_json(folder / PATHS.reports / "ingest.json")
    refused = ingest["quarantined"] + ingest["rejected_raw"]
    assert ingest["rows_in"] == planted["rows"] == ingest["accepted"] + refused
    assert refused == planted["bad"]

    kept = np.load(folder / KEPT)
    assert len(kept) == ingest["accepted"]
    assert len(kept) - kept.sum() == planted["exact"]

    split = read_json(folder / PATHS.reports / "split.json")
    assert sum(split.values()) == kept.sum()
    for side in SIDES:
        assert pq.read_metadata(folder / PATHS.work / f"{side}.parquet").num_rows == split[side]

    found, pairs = _pairs_found(folder)
    assert found >= _FEWEST_FOUND * pairs
    return (
        f"{planted['rows']:,} rows: {ingest['accepted']:,} accepted and {refused:,} refused, all planted; "
        f"{planted['exact']:,} exact duplicates, all found; {found:,} of {pairs:,} near duplicates found; "
        + ", ".join(f"{count:,} {side.replace('_', ' ')}" for side, count in split.items())
    )


def _pairs_found(folder: Path) -> tuple[int, int]:
    """How many planted near duplicates stand in the cluster of their original, and how many there are."""
    pairs = np.fromfile(folder / NEAR, np.int64).reshape(-1, 2)
    clusters = np.load(folder / CLUSTERS)
    # Refused rows are no examples, so an example's place is not its number among the tickets.
    numbers = np.zeros(len(clusters), np.int64)
    start = 0
    for batch in batches_in(folder / EXAMPLES, ["example_id"]):
        lines = [int(record.rpartition(":")[2]) - 2 for record in batch["example_id"].to_pylist()]
        numbers[start : start + len(lines)] = lines
        start += len(lines)
    left, right = clusters[np.searchsorted(numbers, pairs)].T
    return int((left == right).sum()), len(pairs)


def _worked() -> float:
    """Seconds of processor that the processes started here have taken, those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _family(process: int) -> list[int]:
    try:
        return [process, *(child.pid for child in psutil.Process(process).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def _high_water(process: int) -> int:
    """The most resident memory of a process so far, in KiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Seconds and peak memory of every step by the number of rows.")
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--all", action="store_true", help="also the whole of prepare, with screening and tokens")
    given = parser.parse_args()
    lines: list[list[str]] = []
    told = []
    for count in given.rows:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            lines += measure(folder, count, everything=given.all)
            told.append(check(folder, read_json(folder / PLANTED)))
    table = markdown_table(["step", "rows", "s", "CPU s", "rows/s", "peak MiB"], lines)
    print(f"{machine_line()}\n\n{table}\n\n" + "\n".join(told))


if __name__ == "__main__":
    _main()
