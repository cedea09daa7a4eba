"""Writes the sample data of the recipe support_triage: tickets of the invented company Ostrelle, and what is planted.

    python data/make_support_tickets.py            # rewrites the committed files
    python data/make_support_tickets.py --to DIR   # writes the same files below DIR

The same bytes come out each time. The truth file is for tests; no stage reads it.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from support_tickets.faults import COLUMNS, LABELS, Row, make_rows
from support_tickets.tickets import make_tickets

SEED = 20261122
TICKETS = 1_960
EXPORTS = Path("data/raw/support_tickets")
TRUTH = Path("tests/fixtures/support_tickets_truth.json")


def main() -> None:
    """Write the exports and the truth below the folder given with --to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=Path(__file__).resolve().parents[1], help="the project's folder")
    root = parser.parse_args().to
    rng = Random(SEED)  # noqa: S311 (no secret hangs on it)
    rows = make_rows(rng, make_tickets(rng, TICKETS))
    records = _write_exports(rows, root / EXPORTS)
    truth = root / TRUTH
    truth.parent.mkdir(parents=True, exist_ok=True)
    truth.write_text(json.dumps(_truth(rows, records), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_exports(rows: list[Row], folder: Path) -> dict[int, str]:
    """Write one CSV per quarter; gives by id() each row's record, `file:line` (1-based line of its start)."""
    header = (",".join(COLUMNS) + "\n").encode()
    exports: dict[str, bytearray] = {}
    lines: Counter[str] = Counter()
    records: dict[int, str] = {}
    for row in rows:
        export = exports.setdefault(row.file, bytearray(header))
        written = row.as_bytes()
        records[id(row)] = f"{row.file}:{lines[row.file] + 2}"
        lines[row.file] += written.count(b"\n")
        export += written
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in exports.items():
        (folder / name).write_bytes(content)
    return records


def _truth(rows: list[Row], records: dict[int, str]) -> dict[str, Any]:
    """What was planted where, in the order of the exports; a `record` is `file:line` as ingest names its rows."""
    planted = [(row, records[id(row)], item) for row in rows for item in row.planted]
    return {
        "rows": dict(Counter(row.file for row in rows)),
        "labels": LABELS,
        "faults": [
            {
                "record": records[id(row)],
                "kind": row.fault,
                "column": row.column,
                "outcome": row.outcome,
                **({"same_key_as": records[id(row.twin)]} if row.twin else {}),
            }
            for row in rows
            if row.fault
        ],
        "duplicates": [
            {"record": records[id(row)], "of": records[id(row.twin)], "kind": row.duplicate}
            for row in rows
            if row.duplicate
        ],
        "label_noise": [
            {"record": records[id(row)], "column": column, "true": true} for row in rows for column, true in row.noise
        ],
        "personal": [
            {"record": record, "kind": item.kind, "value": item.value, "own_column": row.has_column_with(item.value)}
            for row, record, item in planted
            if item.kind in ("NAME", "EMAIL", "PHONE", "CARD")
        ],
        "secrets": [
            {"record": record, "kind": item.kind, "value": item.value}
            for _, record, item in planted
            if item.kind in ("API_KEY", "PASSWORD")
        ],
        "order_numbers": [
            {"record": record, "value": item.value} for _, record, item in planted if item.kind == "ORDER_NUMBER"
        ],
    }


if __name__ == "__main__":
    main()
