"""Items a list at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items, in order, in lists of `size`; the last may be shorter. (itertools has it from Python 3.12 on.)"""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
