"""What export took of each recipe that was exported here, in seconds by step, from its report.

python -m benchmarks.export_steps [RECIPE ...]
"""

import sys
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table
from pipelines.files import read_json


def main() -> None:
    """Print a table with a row for each recipe."""
    names = sys.argv[1:] or sorted(path.parent.name for path in Path("reports").glob("*/export.json"))
    reports = {name: read_json(Path("reports") / name / "export.json")["steps"] for name in names}
    steps = list(dict.fromkeys(step for taken in reports.values() for step in taken))
    print(machine_line(), end="\n\n")
    rows = [
        [name, *(f"{taken.get(step, 0):.1f}" for step in steps), f"{sum(taken.values()):.1f}"]
        for name, taken in reports.items()
    ]
    print(markdown_table(["seconds of", *steps, "together"], rows))


if __name__ == "__main__":
    main()
