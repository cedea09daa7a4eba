"""Text as a row of words, numbers and signs."""

import re
from typing import NamedTuple

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]|_|\n")
# The same for text in ASCII, in less time. Python 3.11.2 keeps what a possessive group's last, failed round began with
# unless one letter is asked for alone: `'[A-Za-z]++` would leave the quote behind 'John' in the name.
_ASCII_TOKEN = re.compile(r"[A-Za-z]++(?:'[A-Za-z][A-Za-z]*+)*+|[0-9]++|[^\sA-Za-z0-9]|\n")
_BREAK = "\n"


class Words(NamedTuple):
    """The words of a text in order; `breaks` are the places of those before which a line ends."""

    texts: list[str]
    breaks: list[int]


class Token(NamedTuple):
    """A word, a number or a sign, and where it stands in its text."""

    start: int
    end: int
    text: str


def words_of(text: str) -> Words:
    """The words of a text."""
    found = (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)
    if _BREAK not in found:
        return Words(found, [])
    texts: list[str] = []
    breaks: dict[int, None] = {}
    for one in found:
        if one != _BREAK:
            texts.append(one)
        elif texts:
            breaks[len(texts)] = None
    breaks.pop(len(texts), None)
    return Words(texts, list(breaks))


def located(text: str, words: Words, first: int = 0, end: int | None = None) -> list[Token]:
    """The words from number `first` up to number `end`, with their places: between two there is nothing but space."""
    behind = 0
    for word in words.texts[:first]:
        behind = text.index(word, behind) + len(word)
    tokens = []
    for word in words.texts[first:end]:
        start = text.index(word, behind)
        behind = start + len(word)
        tokens.append(Token(start, behind, word))
    return tokens
