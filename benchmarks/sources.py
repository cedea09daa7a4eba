"""Reading a source as `collect` does, from a file to work/<r>/collected: rows a second and peak memory.

    python -m benchmarks.sources [100000 1000000]

The rows are made from a seed: tickets of six columns, 50 words in the longest; every tenth body has quotes and a line
end. Each file is read in a process of its own, whose largest memory counts. The database is SQLite's.
"""

import argparse
import csv
import datetime
import gc
import json
import os
import random
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table
from pipelines.data.contracts.contract import Column, Contract
from pipelines.data.row_store import write_batches
from pipelines.data.sources.reading import read_source
from pipelines.recipe_sources import DatabaseSource, FilesSource, Source

COLUMNS = {
    "ticket_id": "integer",
    "customer_id": "integer",
    "created_at": "timestamp",
    "subject": "string",
    "body": "string",
    "product": "string",
}
_WORDS = re.findall(
    r"\w+",
    "the a ticket device does not start after update please help router app camera lock thermostat lights hub "
    "blinking invoice refund money back order number delivery broken screen",
)
_KINDS = ("csv", "jsonl", "parquet", "db")


def tickets(count: int) -> Iterator[tuple[int, int, str, str, str, str]]:
    """So many made-up tickets, the same every time."""
    chance = random.Random(7)
    for number in range(count):
        body = " ".join(chance.choices(_WORDS, k=50))
        if number % 10 == 0:
            body = body.replace(" ", "\n", 1) + ', "quoted"'
        day = f"2026-01-{number % 28 + 1:02} 10:00:00"
        subject = " ".join(chance.choices(_WORDS, k=5))
        yield number, chance.randrange(count), day, subject, body, chance.choice(_WORDS)


def write_file(path: Path, count: int) -> None:
    """Write the tickets in the form that the file's ending names."""
    rows = tickets(count)
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerow(COLUMNS)
            csv.writer(stream).writerows(rows)
    elif path.suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows)
    elif path.suffix == ".parquet":
        writer = None
        while batch := list(islice(rows, 100_000)):
            table = pa.table(dict(zip(COLUMNS, zip(*batch, strict=True), strict=True)))
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
        assert writer is not None
        writer.close()
    else:
        with sqlite3.connect(path) as database:
            database.execute(f"CREATE TABLE tickets ({', '.join(COLUMNS)}, PRIMARY KEY (ticket_id))")
            database.executemany("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?)", rows)


def read_file(path: Path) -> None:
    """Read a file as collect does and print rows, seconds, the processor's seconds and the peak of memory in MiB."""
    columns = tuple(Column(name, name, kind, (), name == "ticket_id", None, 1) for name, kind in COLUMNS.items())
    contract = Contract(path=Path("c"), id="c", version="1", sha256="", table="t", columns=columns)
    source: Source = FilesSource(contract="c", type="files", path=str(path))
    if path.suffix == ".db":
        os.environ["BENCHMARK_DSN"] = f"sqlite:///{path}"
        day = datetime.date(2026, 2, 1)
        source = DatabaseSource(
            contract="c",
            type="database",
            dsn_env="BENCHMARK_DSN",
            table="tickets",
            as_of=day,
            as_of_column="created_at",
        )
    gc.set_threshold(100_000)  # as collect does
    begun, used = time.perf_counter(), time.process_time()
    batches = (batch for part in read_source(source, contract) for batch in part.batches)
    write_batches(batches, contract, path.with_suffix(".collected"))
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    count = pq.read_metadata(path.with_suffix(".collected")).num_rows
    print(count, seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Rows a second and peak memory of reading a source.")
    parser.add_argument("rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kinds", nargs="*", default=_KINDS, choices=_KINDS)
    given = parser.parse_args()
    if given.read:
        read_file(given.read)
        return
    lines = []
    for count in given.rows:
        for kind in given.kinds:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"tickets.{kind}"
                write_file(path, count)
                command = [sys.executable, "-m", "benchmarks.sources", "--read", str(path)]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                read, seconds, processor, peak = map(float, said.split())
                assert read == count
                size = path.stat().st_size / 2**20
                figures = [f"{seconds:.1f}", f"{count / seconds:,.0f}", f"{processor:.1f}", f"{peak:.0f}"]
                lines.append([kind, f"{count:,}", f"{size:,.0f}", *figures])
    table = markdown_table(["source", "rows", "MiB", "s", "rows/s", "processor's s", "peak MiB"], lines)
    print(f"{machine_line()}\n\n{table}")


if __name__ == "__main__":
    _main()
