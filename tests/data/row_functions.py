"""Functions on rows that Daft's and Ray's workers import by name, and a program that maps rows through one of them.

python -m tests.data.row_functions ENGINE FUNCTION ROWS prints each row with its result, as JSON.
"""

import json
import multiprocessing
import os
import signal
import sys
from datetime import datetime
from decimal import Decimal

from pipelines.data.engine import mapped
from pipelines.errors import TinsmithError
from tests.data import row_functions


def odd_rows(count):
    """Values of the types that a row may hold."""
    same = {"cost": Decimal("1.10"), "at": datetime(2026, 1, 2, 3, 4, 5, 6), "none": None}
    return [{"n": n, "text": "é\ud83d" * (n % 3), **same} for n in range(count)]


def described(rows):
    return [[repr(row), os.environ.get("TINSMITH_KEY")] for row in rows]


def crash(rows):
    return [{row["n"]: 0}[f"planted value {row['n']}"] for row in rows]


def killed(_):
    """As the kernel ends a process where memory runs out; not the one that maps the rows."""
    assert multiprocessing.parent_process()
    os.kill(os.getpid(), signal.SIGKILL)


def complain(_):
    raise TinsmithError("notes.csv:7: has no label; add one")


def main(engine, function, count):
    rows = odd_rows(int(count))
    told = [[repr(row), result] for row, result in mapped(rows, getattr(row_functions, function), engine)]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except TinsmithError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
