"""`tinsmith quarantine`: the rows that ingest refused, counted, shown, and brought back once they are mended."""

import subprocess
import sys
from itertools import islice

from rich.console import Console
from rich.table import Column, Table

from pipelines.data.quarantine_file import counted_reasons, refused_rows
from pipelines.errors import TinsmithError
from pipelines.files import read_json
from pipelines.paths import Paths
from pipelines.printable import printable
from pipelines.recipe_reader import checked_name

_MOST_PLACES = 20


def print_summary(name: str) -> None:
    """Print how many rows of which file were refused for which reason; no values, no names of documents."""
    kinds, reasons = counted_reasons(refused_rows(_paths(name).work / "quarantine.jsonl"))
    print(f"{name}: {kinds['quarantined']} rows quarantined, {kinds['rejected_raw']} could not be read")
    if reasons:
        table = Table("rows", Column("source", overflow="fold"), "reason", box=None, pad_edge=False)
        for (source, reason), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            table.add_row(str(count), printable(source), printable(reason))
        Console(soft_wrap=True).print(table, markup=False, highlight=False)


def show_rows(name: str, reason: str, most: int) -> None:
    """Print refused rows as they are, on a terminal only, because they may hold personal data.

    `reason` is a part of the reasons that are looked for; at most `most` rows are shown.
    """
    if not sys.stdout.isatty():
        raise TinsmithError(
            "quarantined rows may hold personal data: they are shown on a terminal only, not into files"
        )
    rows = refused_rows(_paths(name).work / "quarantine.jsonl")
    found = [row for row in rows if any(reason in said for said in row.reasons)]
    print("These rows may hold personal data and secrets; do not copy them into tickets, chats or logs.")
    for row in found[:most]:
        print(f"\n{printable(row.place)}\n{printable(row.raw)}")
    print(f"\n{min(most, len(found))} of {len(found)} rows")


def release_rows(name: str) -> bool:
    """Read the sources anew and judge every row by the contracts as they now are; returns whether that succeeded.

    A refused row is mended where it comes from, in its file or in its contract; nothing else is kept of it, so that
    what trains is always what the sources hold. Prints how many rows came back and where the others are to be mended.
    """
    paths = _paths(name)
    quarantine = paths.work / "quarantine.jsonl"
    before = _accepted(paths)
    refused_before = sum(1 for _ in refused_rows(quarantine))
    # A source that only the environment knows is not watched by DVC, so that it is read whether it changed or not.
    ended = subprocess.run([sys.executable, "-m", "dvc", "repro", "--force", f"ingest@{name}"], check=False)
    rows = refused_rows(quarantine)
    places = [row.told_place for row in islice(rows, _MOST_PLACES)]
    refused = len(places) + sum(1 for _ in rows)
    print(f"{name}: {refused_before} rows were refused, {refused} still are; accepted: {before} -> {_accepted(paths)}")
    for place in places:
        print(f"  {printable(place)}")
    if refused > len(places):
        print(f"  and {refused - len(places)} more; all of them: tinsmith quarantine show {name}")
    if refused:
        print(f"mend the file or the contract, then run `tinsmith quarantine release {name}` again")
    return ended.returncode == 0


def _paths(name: str) -> Paths:
    return Paths(checked_name(name))


def _accepted(paths: Paths) -> int:
    report = paths.reports / "ingest.json"
    return int(read_json(report)["accepted"]) if report.exists() else 0
