"""The data's own people: what the contract's personal columns say is looked for in the free text."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pipelines.data.privacy.normalise import fold, normalise

NAME = "NAME"
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_NAME_PART = 3

# The whole names of everybody in the data, as folded words, by their first word.
FullNames = Mapping[str, set[tuple[str, ...]]]


@dataclass(frozen=True)
class OwnValue:
    """A value of one of the row's personal columns, folded for the search."""

    kind: str
    text: str


def own_values(kind: str, value: Any) -> list[OwnValue]:
    """What to look for in a row's text, given a personal column's kind and value; names also by their parts."""
    if value is None:
        return []
    folded = fold(normalise(str(value)).text).strip()
    words = [folded]
    if mask_word(kind) == NAME:
        words += _WORD.findall(folded)
    return [OwnValue(mask_word(kind), word) for word in dict.fromkeys(words) if len(word) >= _SHORTEST_NAME_PART]


def full_names(values: Iterable[str | None]) -> FullNames:
    """The names of two and more words among the values of name columns; one word alone is too often a common one."""
    names: dict[str, set[tuple[str, ...]]] = {}
    for value in values:
        # First and family names come again and again: each is held once.
        words = tuple(map(sys.intern, _WORD.findall(fold(normalise(value or "").text))))
        if len(words) > 1:
            names.setdefault(words[0], set()).add(words)
    return names


def mask_word(kind: str) -> str:
    """The mask's word for a contract's kind of personal data: person and customer_name are both a NAME."""
    word = re.sub(r"[^A-Z]+", "_", kind.upper()).strip("_")
    if word == "PERSON" or word.split("_")[-1] == NAME:
        return NAME
    return word or "PERSONAL"


def whole_words(folded: str, word: str) -> Iterator[tuple[int, int]]:
    """Where `word` stands in `folded` with no letter or digit beside it."""
    start = folded.find(word)
    while start >= 0:
        end = start + len(word)
        if not (folded[start - 1 : start].isalnum() or folded[end : end + 1].isalnum()):
            yield start, end
        start = folded.find(word, start + 1)


def names_in(folded: str, names: FullNames) -> Iterator[tuple[int, int]]:
    """Where one of the whole `names` stands in `folded`, its words at most two characters apart."""
    words = list(_WORD.finditer(folded)) if names else []
    for first, word in enumerate(words):
        for name in names.get(word[0], ()):
            found = words[first : first + len(name)]
            close = all(after.start() - before.end() <= 2 for before, after in pairwise(found))
            if close and tuple(part[0] for part in found) == name:
                yield word.start(), found[-1].end()
