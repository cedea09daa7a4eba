"""How many tokens the examples have: what fits into train.max_length, and what one needs to know to choose it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.curation.ledger import Ledger, Mask
from pipelines.data.engine import mapped
from pipelines.data.splits import LEFT_OUT, SIDES, Numbers
from pipelines.data.tokenizing import LossOn, tokenize_row
from pipelines.errors import TinsmithError
from pipelines.recipe import Recipe

_SHORTEST_STEP = 64


def token_counts(
    rows: Iterable[Mapping[str, Any]], kept: Mask, tokenizer: Any, recipe: Recipe, recipe_file: Path
) -> tuple[Numbers, Numbers, Numbers]:
    """For each row the tokens of its whole chat, those that are trained, and those of its last answer.

    `rows` are those that the mask `kept` names; the others count 0. An answer's end of turn belongs to it.

    Raises:
        TinsmithError: a row's answer is empty; and as tokenize_chat does.
    """
    whole, trained, answer = np.zeros((3, len(kept)), np.int64)
    counted = mapped(rows, partial(_counts, tokenizer, recipe.train.loss_on), recipe.data.engine)
    for place, (row, counts) in zip(np.flatnonzero(kept), counted, strict=True):
        if counts is None:
            raise TinsmithError(
                f"{recipe_file}: data.example.assistant: the answer of {row['example_id']} is empty; make its columns "
                "required in the contract"
            )
        whole[place], trained[place], answer[place] = counts
    return whole, trained, answer


def _counts(tokenizer: Any, loss_on: LossOn, rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, int, int] | None]:
    counts: list[tuple[int, int, int] | None] = []
    for row in rows:
        if not row["answer"].strip():
            counts.append(None)
            continue
        tokenized = tokenize_row(tokenizer, row, loss_on)
        counts.append((len(tokenized.input_ids), sum(tokenized.trained), len(tokenized.last_answer)))
    return counts


def drop_too_long(tokens: Numbers, ledger: Ledger, recipe: Recipe, recipe_file: Path) -> dict[str, Any]:
    """Drop the rows that do not fit into train.max_length, and tell how long the rows were before.

    Raises:
        TinsmithError: more rows are too long than data.max_too_long allows; says how many tokens would be enough.
    """
    limit = recipe.train.max_length
    lengths = tokens[ledger.kept]
    too_long = lengths[lengths > limit]
    if len(too_long) > recipe.data.max_too_long * len(lengths):
        enough = np.sort(lengths)[int((1 - recipe.data.max_too_long) * (len(lengths) - 1))]
        raise TinsmithError(
            f"{recipe_file}: train.max_length: {len(too_long)} of {len(lengths)} examples are longer "
            f"than {limit} tokens (the longest {max(lengths)}), more than data.max_too_long allows; raise "
            f"train.max_length to {enough} or more, shorten the templates, or raise data.max_too_long"
        )
    ledger.drop("too_long", tokens > limit)
    return {
        "max_length": limit,
        "too_long": {"rows": len(too_long), "tokens": int(too_long.sum()), "longest": int(too_long.max(initial=0))},
        "histogram": _histogram(lengths),
    }


def token_figures(tokens: Numbers, trained: Numbers, answers: Numbers, sides: Numbers) -> dict[str, Any]:
    """What the datasheet says of the examples that are left, all together and by side; see docs/recipes.md."""
    left = sides != LEFT_OUT
    return {
        "longest": int(tokens[left].max()),
        "p99": int(np.quantile(tokens[left], 0.99)),
        "median": int(np.median(tokens[left])),
        "mean": round(float(tokens[left].mean()), 1),
        "longest_answer": int(answers[left].max()),
        "trained_share": round(float(trained[left].sum() / tokens[left].sum()), 4),
        "sides": {side: _side(tokens[sides == number], trained[sides == number]) for number, side in enumerate(SIDES)},
    }


def _side(tokens: Numbers, trained: Numbers) -> dict[str, int]:
    return {
        "tokens": int(tokens.sum()),
        "trained": int(trained.sum()),
        "median": int(np.median(tokens)) if len(tokens) else 0,
        "longest": int(tokens.max(initial=0)),
    }


def _histogram(lengths: Numbers) -> dict[str, int]:
    """By powers of two: how many rows have at most so many tokens, and more than the power before."""
    counts: dict[str, int] = {}
    below, step = 0, _SHORTEST_STEP
    while below < len(lengths):
        until = int((lengths <= step).sum())
        counts[str(step)] = until - below
        below, step = until, 2 * step
    return counts
