"""Examples as the model is taught them, for people: which tokens are read and which are trained."""

import hashlib
import heapq
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from jinja2 import Environment, PackageLoader, select_autoescape

from pipelines.data.splits import SIDES
from pipelines.data.tokenizing import LossOn, tokenize_row
from pipelines.parquet import batches_in


class Piece(NamedTuple):
    """A run of tokens of one kind, as text."""

    text: str
    trained: bool


class Shown(NamedTuple):
    """One example: its id, its side, its tokens and how many of them are trained."""

    example_id: str
    side: str
    pieces: list[Piece]
    tokens: int
    trained: int


def chosen_examples(work: Path, tokenizer: Any, loss_on: LossOn, count: int) -> list[Shown]:
    """At most `count` examples of the three splits in the folder `work`, by a hash of their ids: random, but stable."""
    hashed = (
        (hashlib.sha256(example_id.encode()).digest(), example_id)
        for side in SIDES
        for batch in batches_in(work / f"{side}.parquet", ["example_id"])
        for example_id in batch["example_id"].to_pylist()
    )
    wanted = [example_id for _, example_id in heapq.nsmallest(count, hashed)]
    found: dict[str, Shown] = {}
    for side in SIDES:
        table = pq.read_table(work / f"{side}.parquet", filters=[("example_id", "in", wanted or [""])])
        found |= {row["example_id"]: shown_example(tokenizer, row, loss_on, side) for row in table.to_pylist()}
    return [found[example_id] for example_id in wanted]


def shown_example(tokenizer: Any, row: dict[str, Any], loss_on: LossOn, side: str) -> Shown:
    """A row of a split as its tokens: exactly those that training gets."""
    example = tokenize_row(tokenizer, row, loss_on)
    marked = zip(example.input_ids, example.trained, strict=True)
    pieces = [
        Piece(tokenizer.decode([number for number, _ in run]), bool(trained))
        for trained, run in groupby(marked, key=lambda token: token[1])
    ]
    return Shown(row["example_id"], side, pieces, len(example.input_ids), sum(example.trained))


def examples_page(recipe_name: str, examples: Sequence[Shown]) -> str:
    """A page of its own, without scripts and network. It shows data: keep it out of git."""
    return _environment().get_template("examples_page.html.j2").render(name=recipe_name, examples=examples)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipelines.data", "."),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
