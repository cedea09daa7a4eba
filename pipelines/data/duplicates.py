"""Exact duplicates: the same prompt, whatever its case and spacing, with the same answer."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Duplicates:
    """`kept` are the positions of the first of each, in order; the others are `dropped`.

    `conflicting_labels` counts the prompts that come with more than one answer; they are kept.
    """

    kept: list[int]
    dropped: int
    conflicting_labels: int


def folded(text: str) -> str:
    """Text without what does not make two prompts different: case, spacing and Unicode compatibility forms."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def find_duplicates(examples: Iterable[tuple[str, str]]) -> Duplicates:
    """Find exact duplicates among (prompt, answer) pairs whose prompts are `folded`."""
    answers: dict[str, set[str]] = {}
    kept: list[int] = []
    total = 0
    for prompt, answer in examples:
        seen = answers.setdefault(prompt, set())
        if answer not in seen:
            seen.add(answer)
            kept.append(total)
        total += 1
    conflicting = sum(len(seen) > 1 for seen in answers.values())
    return Duplicates(kept, dropped=total - len(kept), conflicting_labels=conflicting)
