"""Answers that people voted up or down (`shape: thumbs`): what they voted down is nobody's example."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.recipe import Recipe

DESIRABLE = "desirable"
UNDESIRABLE = "undesirable"


def voted_sources(recipe: Recipe) -> list[str]:
    """The names of the sources of examples whose rows are votes."""
    sources = recipe.data.example_sources
    return [name for name, source in sources.items() if getattr(source, "shape", None) == "thumbs"]


def without_undesirable(rows: Iterable[dict[str, Any]], dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    """The rows but those of answers that were voted down, which are counted in `dropped`."""
    for row in rows:
        if row.get(DESIRABLE) is False:
            dropped[UNDESIRABLE] += 1
        else:
            yield row
