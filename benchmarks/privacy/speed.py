"""How many rows a second the privacy screen does, and how much memory its largest process takes.

    python -m benchmarks.privacy.speed [ROWS] [--names] [--presidio ENV/bin/python]

Rows are 60 words of cfpb_complaints, one in four with an e-mail address, a telephone number, a card or a person's name
put in. With --names also persons and addresses are looked for in the text. The screen runs on all cores given to it.
"""

import argparse
import json
import random
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.privacy.labelled import bench_data
from benchmarks.table import markdown_table
from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.names import find_names
from pipelines.data.privacy.policy import Policy
from pipelines.data.privacy.screening import Screen, screened_rows

_WORDS = 60
_PUT_IN = ("write to ada.okafor{n}@example.com", "call (312) 555-0147", "card 4111 1111 1111 1111", "I am Grace Okafor")


def rows(count: int) -> Iterator[dict[str, str]]:
    """So many rows, the same each time, made as they are asked for."""
    lines = (bench_data() / "cfpb_complaints" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    words = [word for line in lines for word in json.loads(line)["text"].split()]
    chance = random.Random(1)
    for number in range(count):
        start = chance.randrange(len(words) - _WORDS)
        text = words[start : start + _WORDS]
        if number % 4 == 0:
            text[30:30] = chance.choice(_PUT_IN).format(n=number).split()
        yield {"body": " ".join(text)}


def main() -> None:
    """Print one line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("--names", action="store_true", help="also look for persons and addresses in the text")
    parser.add_argument("--presidio", type=Path, help="Python of an environment with presidio-analyzer")
    options = parser.parse_args()
    policy = Policy()
    detector = Detector(policy.sought(), names=find_names if options.names else None)
    started = _clocks()
    screen = Screen(["body"], {}, detector, policy)
    found = sum(len(screened.masks["body",]) for _, screened in screened_rows(rows(options.rows), screen))
    lines = [("Tinsmith", options.rows, *_figures(options.rows, started), found)]
    if options.presidio:
        few = options.rows // 20
        texts = "".join(json.dumps(row["body"]) + "\n" for row in rows(few))
        started = _clocks()
        program = Path(__file__).parent / "presidio_spans.py"
        done = subprocess.run([options.presidio, program], input=texts, capture_output=True, text=True, check=True)
        theirs = sum(len(json.loads(line)) for line in done.stdout.splitlines())
        lines.append(("presidio, one process", few, *_figures(few, started), theirs))
    print(machine_line() + "\n")
    print(markdown_table(["screen", "rows", "rows/s", "processor µs a row", "peak MiB of a process", "finds"], lines))


def _clocks() -> tuple[float, float]:
    """Wall seconds, and processor seconds of this process and of those that it started and that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)


def _figures(count: int, started: tuple[float, float]) -> tuple[str, str, str]:
    wall, processor = (now - then for now, then in zip(_clocks(), started, strict=True))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return f"{count / wall:,.0f}", f"{processor / count * 1e6:,.0f}", f"{peak:,.0f}"


if __name__ == "__main__":
    main()
