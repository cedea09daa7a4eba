"""The steps of benchmarks/scale.py, each alone in the folder of the tickets: `python -m benchmarks.scale_steps X`."""

import gc
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.curation.curate import cluster_near_duplicates, drop_duplicates
from pipelines.data.curation.ledger import Ledger, Mask
from pipelines.data.examples import Examples, Renderer, example_row, write_examples, write_sides
from pipelines.data.splits import LEFT_OUT, assigned, check_leaks
from pipelines.files import write_json
from pipelines.parquet import batches_in
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.recipe_reader import read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest
from pipelines.stages.prepare import prepare

PATHS = Paths("tickets")
EXAMPLES, KEPT, CLUSTERS = (Path(name) for name in ("examples.parquet", "kept.npy", "clusters.npy"))
# Chats of roles and texts are rendered without a tokenizer.
_CONTROL = re.compile(re.escape("<|im_start|>"))


def _collect(recipe: Recipe) -> None:
    gc.set_threshold(100_000)  # as the stage does
    collect(recipe, PATHS)


def _ingest(recipe: Recipe) -> None:
    ingest(recipe, PATHS)


def _render(recipe: Recipe) -> None:
    renderer = Renderer(recipe, None, _CONTROL, None, {})

    def rows() -> Iterator[dict[str, Any]]:
        for batch in batches_in(PATHS.work / "accepted.parquet"):
            yield from batch.to_pylist()

    write_examples(EXAMPLES, (example_row(row, row, renderer) for row in rows()))


def _exact_duplicates(recipe: Recipe) -> None:
    examples = Examples(EXAMPLES)
    ledger = Ledger(len(examples))
    drop_duplicates(examples, ledger, recipe.data.curate, recipe.data.example, {})
    np.save(KEPT, ledger.kept)


def _near_duplicates(recipe: Recipe) -> None:
    examples = Examples(EXAMPLES)
    clusters, _ = cluster_near_duplicates(
        examples, _ledger(np.load(KEPT)), recipe.data.curate, set(), PATHS.scratch / "prepare"
    )
    np.save(CLUSTERS, clusters)


def _split(recipe: Recipe) -> None:
    examples, kept = Examples(EXAMPLES), np.load(KEPT)
    keys = np.column_stack([examples.keys(), np.load(CLUSTERS)])
    assignment = assigned(keys, kept, recipe.data.split, examples.numbers("time"))
    check_leaks(keys, assignment.sides, PATHS.recipe)
    write_sides(examples, assignment, PATHS.work)
    left_out = int((kept & (assignment.sides == LEFT_OUT)).sum())
    write_json(PATHS.reports / "split.json", {**assignment.row_counts(), "left_out": left_out})


def _prepare(recipe: Recipe) -> None:
    prepare(recipe, PATHS)


def _ledger(kept: Mask) -> Ledger:
    ledger = Ledger(len(kept))
    ledger.drop("earlier", ~kept)
    return ledger


STEPS: dict[str, Callable[[Recipe], None]] = {
    "collect": _collect,
    "ingest": _ingest,
    "render": _render,
    "exact duplicates": _exact_duplicates,
    "near duplicates": _near_duplicates,
    "split": _split,
    "prepare, all of it": _prepare,
}

if __name__ == "__main__":
    STEPS[sys.argv[1]](read_recipe(PATHS.recipe))
