"""The data's own people: what the contract's personal columns say is looked for in the free text."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Any

from pipelines.data.privacy.gazetteer import gazetteer, ordinary_words
from pipelines.data.privacy.normalise import fold, normalise
from pipelines.data.privacy.spellings import plain_letters, spellings, without_spaces
from pipelines.data.rendering import plain_text

NAME = "NAME"
UNSAID = "PERSONAL"
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_NAME_PART = 3
# A character of Chinese or Korean says more than a letter.
_SHORTEST_WITHOUT_SPACES = 2
_NAME_SIGNS = frozenset(" .,'’-")
_MOST_NAME_WORDS = 5

# The whole names of everybody in the data, as folded words, by their first word.
FullNames = Mapping[str, set[tuple[str, ...]]]


@dataclass(frozen=True)
class OwnValue:
    """A value of one of the row's personal columns, folded and with plain letters for the search."""

    kind: str
    text: str


def value_kind(kind: str, value: Any) -> str:
    """The kind of a value, given its column's: NAME for one that looks like a name where the column's is not known."""
    return NAME if kind == UNSAID and value is not None and _looks_like_a_name(str(value)) else kind


def own_values(kind: str, value: Any) -> list[OwnValue]:
    """What to look for in a row's text, given the kind of a personal value; names also by their parts and in other
    spellings."""
    if value is None:
        return []
    folded = fold(normalise(plain_text(value)).text).strip()
    words = [plain_letters(folded)]
    if kind == NAME:
        words = [spelling for word in (folded, *_WORD.findall(folded)) for spelling in spellings(word)]
    return [OwnValue(kind, word) for word in dict.fromkeys(words) if len(word) >= _shortest(word)]


def _shortest(word: str) -> int:
    return _SHORTEST_WITHOUT_SPACES if without_spaces(word) else _SHORTEST_NAME_PART


def names_of_row(kinds: Sequence[str], values: Sequence[str | None]) -> Iterator[str]:
    """The names among a row's personal values, and those of one word joined, each to every other name.

    First and family names often stand in columns of their own, in either order. Against the columns' order two ordinary
    words are not joined: `will mark` is prose, whoever Mark Will is.
    """
    given = zip(kinds, values, strict=True)
    names = dict.fromkeys(value for kind, value in given if value is not None and value_kind(kind, value) == NAME)
    yield from names
    words = {name: _words(name) for name in names}
    for (at, one), (other_at, other) in permutations(enumerate(names), 2):
        both = words[one] + words[other]
        if 1 in (len(words[one]), len(words[other])) and (at < other_at or not ordinary_words().issuperset(both)):
            yield f"{one} {other}"


def full_names(values: Iterable[str | None]) -> FullNames:
    """The names of two and more words among the values of name columns, in all spellings; one word alone is too often a
    common one."""
    names: dict[str, set[tuple[str, ...]]] = {}
    for value in values:
        for spelling in spellings(" ".join(_words(value or ""))):
            # First and family names come again and again: each is held once.
            words = tuple(map(sys.intern, spelling.split()))
            if len(words) > 1:
                names.setdefault(words[0], set()).add(words)
    return names


def whole_words(text: str, word: str) -> Iterator[tuple[int, int]]:
    """Where `word` stands in `text`, both folded and with plain letters, and no letter or digit beside it.

    Beside scripts without spaces there may be one, and behind a name the s of a genitive, where this makes no word of
    prose of it.
    """
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, after = text[start - 1 : start], text[end : end + 2]
        if not _goes_on(before, word[0]) and (not _goes_on(after[:1], word[-1]) or _is_genitive(word, after)):
            yield start, end
        start = text.find(word, start + 1)


def _goes_on(beside: str, edge: str) -> bool:
    """Whether a word whose first or last character is `edge` goes on with the character `beside` it, if any."""
    return beside.isalnum() and not without_spaces(beside + edge)


def _is_genitive(word: str, after: str) -> bool:
    ends = after[0] == "s" and not after[1:].isalnum()
    return ends and word.isalpha() and f"{word}s" not in ordinary_words()


def names_in(text: str, names: FullNames) -> Iterator[tuple[int, int]]:
    """Where one of the whole `names` stands in `text` as whole_words finds one, its words at most two characters
    apart."""
    words = list(_WORD.finditer(text)) if names else []
    for first, word in enumerate(words):
        for name in names.get(word[0], ()):
            found = words[first : first + len(name)]
            close = all(after.start() - before.end() <= 2 for before, after in pairwise(found))
            said = tuple(part[0] for part in found)
            if close and said in (name, (*name[:-1], f"{name[-1]}s")):
                yield word.start(), found[-1].end()


def _looks_like_a_name(value: str) -> bool:
    """Whether this is two to five words that are names or at least no words of prose, whatever the short ones are."""
    folded = fold(normalise(value).text).strip()
    words = _WORD.findall(folded)
    if not 2 <= len(words) <= _MOST_NAME_WORDS or not all(one.isalpha() or one in _NAME_SIGNS for one in folded):
        return False
    known = gazetteer()
    long = [word for word in words if len(word) >= _SHORTEST_NAME_PART]
    named = [word in known.given or word in known.family or not known.is_ordinary(word) for word in long]
    return bool(long) and all(named)


def _words(name: str) -> list[str]:
    return _WORD.findall(fold(normalise(name).text))
