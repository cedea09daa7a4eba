"""Rows of text taken through collect, ingest and prepare, and what of them a model would be shown."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from pipelines.model.base import folder_digest
from pipelines.recipe_reader import read_recipe
from pipelines.stages.prepare import prepare
from tests.bad_inputs.line import COLUMNS, PATHS, files, walk

PERSON = "  - {name: person, logicalType: string, customProperties: [{property: piiType, value: name}]}\n"
WORDS = ["lamp", "door", "river", "cloud", "paper", "stone", "glass", "table", "window", "garden", "bridge", "candle"]


class Shown(NamedTuple):
    """The text of each example of the three splits by its row's id, and the datasheet."""

    texts: dict[int, str]
    datasheet: dict[str, Any]


def shown(base: Path, bodies: list[str], people: list[str] | None = None, **curate: str) -> Shown:
    """What becomes of rows with these bodies (ids from 1 on), among a hundred harmless ones."""
    chance = random.Random(0)
    fill = [" ".join(chance.choices(WORDS, k=12)) for _ in range(100)]
    rows = enumerate([*bodies, *fill], 1)
    names = [*(people or []), *[""] * (len(bodies) + len(fill))]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "body", "label", "person"])
    writer.writerows([number, body, ["good", "bad"][number % 2], names[number - 1]] for number, body in rows)
    files(a_csv=out.getvalue().encode())
    split = "  split: {group_by: [id], test: 0.3, validation: 0.2}\n"
    walked = walk(
        columns=COLUMNS + PERSON,
        base={"base": str(base), "sha256": folder_digest(base)},
        data=split + (f"  curate: {json.dumps(curate)}\n" if curate else ""),
    )
    assert walked.report["accepted"] == len(bodies) + len(fill)
    prepare(read_recipe(PATHS.recipe), PATHS)
    datasheet = json.loads((PATHS.reports / "datasheet.json").read_text())
    counts = datasheet["rows"]
    assert sum(count for name, count in counts.items() if name != "accepted") == counts["accepted"]
    ids = {row["_record"]: row["id"] for row in walked.accepted}
    texts = {}
    for side in ("train", "validation", "test"):
        for row in pq.read_table(PATHS.work / f"{side}.parquet").to_pylist():
            texts[ids[row["example_id"]]] = row["prompt"][-1]["content"]
    return Shown(texts, datasheet)
