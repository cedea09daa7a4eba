"""Curation and split of generated tickets, step by step: seconds and peak memory.

    python -m benchmarks.curation [--rows 100000]

The rows are those of benchmarks/near_duplicates.py with a customer and one of 20 labels each. Screening for personal
data and counting tokens belong to other steps of prepare and are not in it.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine_line
from benchmarks.near_duplicates import tickets
from benchmarks.table import markdown_table
from pipelines.data.curation.curate import (
    cluster_near_duplicates,
    drop_contaminated,
    drop_duplicates,
    drop_filtered,
    drop_suspicious,
)
from pipelines.data.curation.ledger import Ledger
from pipelines.data.examples import Examples, write_examples
from pipelines.data.splits import check_leaks, give_way, groups_of, key_hash, sides_by_hash
from pipelines.recipe import Curate, Example, Split

_EXAMPLE = Example(user="{body}", assistant="{label}")
_CUSTOMERS = 10  # rows a customer
_LABELS = 20


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows as write_examples takes them."""
    for number, text in enumerate(tickets(count).texts):
        answer = f"label {key_hash(9, text) % _LABELS}"
        yield {
            "example_id": f"tickets.csv:{number + 2}",
            "prompt": [{"role": "user", "content": text}],
            "answer": answer,
            "said": text,
            "answered": "",
            "keys": [key_hash(0, str(number // _CUSTOMERS)), key_hash(1, text)],
            "answer_key": key_hash(-1, answer),
            "time": 0,
            "signals": [],
        }


def measure(count: int, folder: Path) -> str:
    """The steps as a Markdown table."""
    timed: list[list[object]] = []

    def step(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        timed.append([name, f"{seconds:.1f}", f"{count / seconds:,.0f}", f"{peak:.2f}"])
        return result

    examples: Examples = write_examples(folder / "examples.parquet", rows(count))
    curate, ledger = Curate(), Ledger(count)
    step("exact duplicates, conflicts", lambda: drop_duplicates(examples, ledger, curate, _EXAMPLE, {}))
    _, boilerplate = step("length, language, boilerplate", lambda: drop_filtered(examples, ledger, curate))
    step("hidden text, trigger phrases", lambda: drop_suspicious(examples, ledger, curate, _EXAMPLE, {}))
    clusters, _ = step(
        "near duplicates", lambda: cluster_near_duplicates(examples, ledger, curate, boilerplate, folder / "scratch")
    )
    keys = np.column_stack([examples.keys(), clusters])
    sides = step("split", lambda: give_way(keys, sides_by_hash(groups_of(keys), Split())))
    step("contamination", lambda: drop_contaminated(examples, ledger, sides, boilerplate, []))
    step("leak check", lambda: check_leaks(keys, sides, Path("recipe")))
    head = [f"{count:,} rows", "seconds", "rows/s", "peak memory so far, GiB"]
    return markdown_table(head, timed)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Curation and split of generated tickets, step by step.")
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(f"{machine_line()}\n\n{measure(given.rows, Path(temporary))}")


if __name__ == "__main__":
    _main()
