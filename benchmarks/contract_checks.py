"""The same rules over the same CSV by ours, pandera and datacontract-cli, each in a process of its own.

    python -m venv PANDERA && PANDERA/bin/pip install 'pandera[pandas]==0.35.0'
    python -m venv DATACONTRACT && DATACONTRACT/bin/pip install 'datacontract-cli[duckdb,csv]==1.2.8'
    python -m benchmarks.contract_checks --pandera PANDERA/bin/python --datacontract DATACONTRACT/bin/datacontract \
        [--rows 1000000]

One row of a hundred is planted with faults, every third of these with two. A system keeps bad rows with all their
reasons when it says of exactly the planted rows exactly the planted columns. Ours also writes the accepted rows and
keeps the bytes of the others; the peers only report. Both need environments of their own for their pins.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
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
    """How one system did: wall seconds, peak resident MiB, and the bad rows that it named, line to columns."""

    name: str
    seconds: float
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
    """What collect and ingest do with one source, without DVC around them."""
    import pyarrow.parquet as pq

    from pipelines.data.contracts.contract import read_contract
    from pipelines.data.quarantine import accepted_schema, append_accepted, append_quarantine, judged_rows
    from pipelines.data.row_store import write_rows
    from pipelines.data.sources import find_files, read_rows
    from pipelines.recipe import FilesSource

    contract = read_contract(contract_file)
    source = FilesSource(contract=str(contract_file), type="files", path=str(data))
    (file,) = find_files(source)
    write_rows(read_rows(file, source, contract), contract, out / "rows.parquet")
    with (
        judged_rows(out / "rows.parquet", contract, out / "scratch") as database,
        pq.ParquetWriter(out / "accepted.parquet", accepted_schema(contract)) as accepted,
        (out / "quarantine.jsonl").open("w") as quarantine,
    ):
        append_quarantine(database, "t", contract, quarantine)
        append_accepted(database, "t", contract, accepted)


def _ours(data: Path, folder: Path) -> Run:
    contract = folder / "ours.odcs.yaml"
    contract.write_text(_contract(data))
    command = [sys.executable, "-m", "benchmarks.contract_checks", "--judge", str(data), str(contract), str(folder)]
    seconds, peak, _ = _timed(command)
    bad = {}
    with (folder / "quarantine.jsonl").open() as stream:
        for entry in map(json.loads, stream):
            bad[entry["line"]] = sorted({reason.split(":")[0] for reason in entry["reasons"]})
    return Run("ours", seconds, peak, bad)


def _pandera(python: str, data: Path, folder: Path) -> Run:
    script = Path(__file__).with_name("contract_checks_pandera.py")
    seconds, peak, _ = _timed([python, str(script), str(data), str(folder / "pandera.json")])
    with (folder / "pandera.json").open() as stream:
        found = defaultdict(set)
        for line, column in json.load(stream):
            found[int(line)].add(column)
    return Run("pandera", seconds, peak, {line: sorted(columns) for line, columns in found.items()})


def _datacontract(name: str, program: str, data: Path, folder: Path) -> Run:
    contract = folder / "datacontract.odcs.yaml"
    contract.write_text(_contract(data))
    result = folder / "datacontract.json"
    command = [program, "test", str(contract), "--server", "local", "--output-format", "json", "--output", str(result)]
    seconds, peak, _ = _timed(command, allowed=(0, 1))
    checks = json.loads(result.read_text())["checks"]
    failed = sum(check["result"] == "failed" for check in checks)
    return Run(f"{name} ({failed} of {len(checks)} checks failed)", seconds, peak, None)


def _contract(data: Path) -> str:
    document = yaml.safe_load(_CONTRACT.replace("PATH", str(data)))
    return yaml.safe_dump(document, sort_keys=False)


def _timed(command: list[str], allowed: tuple[int, ...] = (0,)) -> tuple[float, float, str]:
    """Wall seconds, peak resident MiB and output of a command and the processes that it waits for."""
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
        return seconds, used.ru_maxrss / 1024, text


def _verdict(run: Run, planted: Bad) -> str:
    if run.bad is None:
        return "no rows"
    whole = sum(run.bad.get(line) == columns for line, columns in planted.items())
    wrong = len(run.bad.keys() - planted.keys())
    return f"{whole} of {len(planted)} with all reasons, {wrong} wrongly"


def main() -> None:
    """Run all three and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pandera", help="python of pandera's environment")
    parser.add_argument("--datacontract", help="datacontract-cli's program")
    parser.add_argument("--judge", nargs=3, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.judge:
        judge_ours(*given.judge)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "tickets.csv"
        planted = write_tickets(data, given.rows)
        size = data.stat().st_size / 2**20
        runs = [_ours(data, folder)]
        if given.pandera:
            runs.append(_pandera(given.pandera, data, folder))
        if given.datacontract:
            runs.append(_datacontract("datacontract-cli", given.datacontract, data, folder))
            # One date that cannot be read ends all of its checks, so that it gets a file without any, too.
            readable = {column: fault for column, fault in _FAULTS.items() if column != "opened_at"}
            write_tickets(data, given.rows, readable)
            runs.append(_datacontract("datacontract-cli, every date readable", given.datacontract, data, folder))
    print(f"{machine_line()}\n{given.rows} rows, {size:.0f} MiB, {len(planted)} of them bad\n")
    table = [(run.name, f"{run.seconds:.1f}", f"{run.peak_mib:.0f}", _verdict(run, planted)) for run in runs]
    print(markdown_table(("system", "seconds", "peak MiB", "bad rows named"), table))


if __name__ == "__main__":
    main()
