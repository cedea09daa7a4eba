"""The same rules over the same CSV by ours, pandera and datacontract-cli, each in a process of its own.

    python -m venv PANDERA && PANDERA/bin/pip install 'pandera[pandas]==0.35.0'
    python -m venv DATACONTRACT && DATACONTRACT/bin/pip install 'datacontract-cli[duckdb,csv]==1.2.8'
    python -m benchmarks.contract_checks --pandera PANDERA/bin/python --datacontract DATACONTRACT/bin/datacontract \
        [--rows 1000000] [--runs 3]

One row of a hundred is planted with faults, every third of these with two. A system keeps bad rows with all their
reasons when it says of exactly the planted rows exactly the planted columns. Ours also writes the accepted rows and
keeps the bytes of the others; the peers only report. Both need environments of their own for their pins. The systems
run in turns and the medians are told; on a machine that others use, too, the processor's time is the figure to trust.
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table

PRODUCTS = ("camera", "lock", "thermostat", "lights", "hub")
_WORDS = (
    "the",
    "app",
    "says",
    "it",
    "is",
    "offline",
    "again",
    "after",
    "an",
    "update",
    "please",
    "refund",
    "my",
    "order",
)
_HEADER = ("ticket_id", "code", "opened_at", "body", "product", "stars", "price")
# A fault by the column in which it stands, and the text that makes it.
_FAULTS = {
    "code": "X-1",
    "opened_at": "2026-02-30 10:00:00",
    "body": "",
    "product": "fridge",
    "stars": "9",
    "price": "-1",
}
_CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: benchmark
version: 1.0.0
status: active
servers: [{server: local, type: local, path: PATH, format: csv}]
schema:
- name: tickets
  properties:
  - {name: ticket_id, logicalType: integer, physicalType: BIGINT, required: true, unique: true}
  - {name: code, logicalType: string, physicalType: VARCHAR, logicalTypeOptions: {pattern: "^T-[0-9]{7}$"}}
  - {name: opened_at, logicalType: timestamp, physicalType: TIMESTAMP, required: true}
  - {name: body, logicalType: string, physicalType: VARCHAR, required: true, logicalTypeOptions: {maxLength: 500}}
  - name: product
    logicalType: string
    physicalType: VARCHAR
    quality:
    - type: library
      metric: invalidValues
      mustBe: 0
      arguments: {validValues: [camera, lock, thermostat, lights, hub]}
  - {name: stars, logicalType: integer, physicalType: BIGINT, logicalTypeOptions: {minimum: 1, maximum: 5}}
  - {name: price, logicalType: number, physicalType: DOUBLE, logicalTypeOptions: {minimum: 0}}
"""
Bad = dict[int, list[str]]


@dataclass(frozen=True)
class Run:
    """How one system did: seconds on the clock and of processors, peak MiB, and the bad rows named, line to columns."""

    name: str
    seconds: float
    processor: float
    peak_mib: float
    bad: Bad | None


def write_tickets(path: Path, rows: int, faults: dict[str, str] = _FAULTS, seed: int = 1) -> Bad:
    """Write a CSV of generated tickets; returns the planted faults: the line of each bad row and its columns."""
    chance = random.Random(seed)
    planted: Bad = {}
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_HEADER)
        for number in range(rows):
            day = f"2026-{chance.randint(1, 9):02}-{chance.randint(1, 28):02}"
            row = {
                "ticket_id": str(number),
                "code": f"T-{number:07}",
                "opened_at": f"{day} {chance.randint(0, 23):02}:15:00",
                "body": " ".join(chance.choices(_WORDS, k=chance.randint(5, 25))),
                "product": chance.choice(PRODUCTS),
                "stars": str(chance.randint(1, 5)),
                "price": f"{chance.random() * 100:.2f}",
            }
            if number % 100 == 50:
                columns = sorted(chance.sample(sorted(faults), 2 if number % 3 == 0 else 1))
                row |= {column: faults[column] for column in columns}
                planted[number + 2] = columns
            writer.writerow(row.values())
    return planted


def judge_ours(data: Path, contract_file: Path, out: Path) -> None:
    """What collect and ingest do with one source, without DVC around them; tells what each step took."""
    from pipelines.data.contracts.contract import read_contract
    from pipelines.data.quarantine import accepted_writer, append_accepted, append_quarantine, judged_rows
    from pipelines.data.row_store import write_batches
    from pipelines.data.sources.reading import read_source
    from pipelines.recipe_sources import FilesSource

    used = [time.process_time()]
    contract = read_contract(contract_file)
    source = FilesSource(contract=str(contract_file), type="files", path=str(data))
    batches = (batch for part in read_source(source, contract) for batch in part.batches)
    write_batches(batches, contract, out / "rows.parquet")
    used.append(time.process_time())
    with (
        judged_rows(out / "rows.parquet", contract, out / "scratch") as database,
        accepted_writer(out / "accepted.parquet", contract) as accepted,
        (out / "quarantine.jsonl").open("w") as quarantine,
    ):
        append_quarantine(database, "t", contract, quarantine)
        used.append(time.process_time())
        append_accepted(database, "t", contract, accepted)
    used.append(time.process_time())
    names = ("begin", "collect", "judge and quarantine", "write the accepted")
    for name, begin, end in zip(names, [0.0, *used], used, strict=False):
        print(f"ours, processor's seconds to {name}: {end - begin:.1f}", file=sys.stderr)


def _ours(data: Path, folder: Path) -> Run:
    contract = folder / "ours.odcs.yaml"
    contract.write_text(_contract(data))
    command = [sys.executable, "-m", "benchmarks.contract_checks", "--judge", str(data), str(contract), str(folder)]
    seconds, processor, peak, told = _timed(command)
    print(told, end="")
    bad = {}
    with (folder / "quarantine.jsonl").open() as stream:
        for entry in map(json.loads, stream):
            bad[entry["line"]] = sorted({reason.split(":")[0] for reason in entry["reasons"]})
    return Run("ours", seconds, processor, peak, bad)


def _pandera(python: str, data: Path, folder: Path) -> Run:
    script = Path(__file__).with_name("contract_checks_pandera.py")
    seconds, processor, peak, _ = _timed([python, str(script), str(data), str(folder / "pandera.json")])
    with (folder / "pandera.json").open() as stream:
        found = defaultdict(set)
        for line, column in json.load(stream):
            found[int(line)].add(column)
    return Run("pandera", seconds, processor, peak, {line: sorted(columns) for line, columns in found.items()})


def _datacontract(name: str, program: str, data: Path, folder: Path) -> Run:
    contract = folder / "datacontract.odcs.yaml"
    contract.write_text(_contract(data))
    result = folder / "datacontract.json"
    command = [program, "test", str(contract), "--server", "local", "--output-format", "json", "--output", str(result)]
    seconds, processor, peak, _ = _timed(command, allowed=(0, 1))
    checks = json.loads(result.read_text())["checks"]
    failed = sum(check["result"] == "failed" for check in checks)
    return Run(f"{name} ({failed} of {len(checks)} checks failed)", seconds, processor, peak, None)


def _contract(data: Path) -> str:
    document = yaml.safe_load(_CONTRACT.replace("PATH", str(data)))
    return yaml.safe_dump(document, sort_keys=False)


def _timed(command: list[str], allowed: tuple[int, ...] = (0,)) -> tuple[float, float, float, str]:
    """Seconds on the clock and of processors, peak resident MiB and output of a command and what it waits for."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
        if process.returncode not in allowed:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{text[-3000:]}")
        return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text


def _verdict(run: Run, planted: Bad) -> str:
    if run.bad is None:
        return "no rows"
    whole = sum(run.bad.get(line) == columns for line, columns in planted.items())
    wrong = len(run.bad.keys() - planted.keys())
    return f"{whole} of {len(planted)} with all reasons, {wrong} wrongly"


def _median(runs: list[Run]) -> Run:
    """What several runs of one system took, each figure's median."""
    figures = [(run.seconds, run.processor, run.peak_mib) for run in runs]
    return Run(runs[0].name, *map(statistics.median, zip(*figures, strict=True)), runs[0].bad)


def main() -> None:
    """Run all three and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pandera", help="python of pandera's environment")
    parser.add_argument("--datacontract", help="datacontract-cli's program")
    parser.add_argument("--judge", nargs=3, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.judge:
        judge_ours(*given.judge)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, readable = folder / "tickets.csv", folder / "readable.csv"
        planted = write_tickets(data, given.rows)
        size = data.stat().st_size / 2**20
        # One date that cannot be read ends all checks of datacontract-cli, so that it gets a file without any, too.
        write_tickets(
            readable, given.rows, {column: fault for column, fault in _FAULTS.items() if column != "opened_at"}
        )
        systems: list[Callable[[], Run]] = [lambda: _ours(data, folder)]
        if given.pandera:
            systems.append(lambda: _pandera(given.pandera, data, folder))
        if given.datacontract:
            systems.append(lambda: _datacontract("datacontract-cli", given.datacontract, data, folder))
            every = "datacontract-cli, every date readable"
            systems.append(lambda: _datacontract(every, given.datacontract, readable, folder))
        turns = [[system() for system in systems] for _ in range(given.runs)]
    print(f"{machine_line()}\n{given.rows} rows, {size:.0f} MiB, {len(planted)} of them bad\n")
    head = ("system", "seconds", "processor's seconds", "peak MiB", "bad rows named")
    table = [
        (run.name, f"{run.seconds:.1f}", f"{run.processor:.1f}", f"{run.peak_mib:.0f}", _verdict(run, planted))
        for run in (_median(list(runs)) for runs in zip(*turns, strict=True))
    ]
    print(markdown_table(head, table))


if __name__ == "__main__":
    main()
