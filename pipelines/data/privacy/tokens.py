"""Text as a row of tokens with features, for the model that finds names and addresses."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from pipelines.data.privacy.gazetteer import gazetteer

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]|_|\n")
_STREET_END = re.compile(
    r"(?:stra(?:ss|ß)e|str|gasse|weg|platz|allee|ufer|damm|gatan|vägen|väg|vej|gade|veien|gata|katu|tie|utca|út|tér"
    r"|straat|laan|plein|kade|ulica|ulice|ut|bulvar|caddesi|sokak)$"
)
# fmt: off
_ABBREVIATED = frozenset({
    "st", "rd", "ave", "av", "blvd", "dr", "ln", "ct", "pl", "sq", "hwy", "pkwy", "ter", "cir", "apt", "suite", "ste",
    "unit", "floor", "fl", "box", "po", "psc", "cmr", "apo", "fpo", "dpo", "via", "viale", "piazza", "rue", "avenue",
    "boulevard", "chemin", "place", "rua", "travessa", "praça", "calle", "avenida", "plaza", "paseo", "carrer", "ul",
    "al", "os", "street", "road", "lane", "drive", "court", "square", "highway", "way", "close", "crescent", "terrace",
    "grove", "gardens", "hill", "park", "row", "walk",
})
_TITLES = frozenset({
    "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "mx", "herr", "frau", "monsieur", "madame", "señor",
    "señora", "sig",
})
# fmt: on


class Token(NamedTuple):
    """A word, a number or a sign; `line` counts the line breaks before it."""

    start: int
    end: int
    text: str
    line: int


def tokenise(text: str) -> list[Token]:
    """The tokens of a text, in order."""
    tokens: list[Token] = []
    line = 0
    for match in _TOKEN.finditer(text):
        found = match[0]
        if found == "\n":
            line += 1
        else:
            tokens.append(Token(match.start(), match.end(), found, line))
    return tokens


def features(tokens: Sequence[Token], first: int = 0, end: int | None = None) -> list[list[str]]:
    """The features of tokens `first` to `end`: each token's own, its neighbours', and where it stands."""
    end = len(tokens) if end is None else end
    rows: list[list[str]] = []
    for place in range(first, end):
        token = tokens[place]
        row = [*_own(token.text)]
        for offset in (-2, -1, 1, 2):
            if 0 <= place + offset < len(tokens):
                near = tokens[place + offset]
                row += _near(near.text, offset)
                if offset in (-1, 1):
                    row += _pair(token.text, near.text, offset, near.line != token.line)
            else:
                row.append(f"none{offset}")
        rows.append(row)
    return rows


@lru_cache(maxsize=1 << 16)
def could_be_of_name(word: str) -> bool:
    """Whether a word is worth a closer look: ordinary words in small letters are not, nor are XXXX and the like."""
    known, lower = gazetteer(), word.lower()
    if lower in _TITLES:
        return True
    if len(set(lower)) == 1:
        return False
    if lower in known.ordinary:
        return word[0].isupper() and lower in known.given
    return word[0].isupper() or len(word) > 2


@lru_cache(maxsize=1 << 16)
def could_be_of_street(word: str) -> bool:
    """Whether a word, with a number near it, may name a street."""
    return "street" in _inner(word.lower())


@lru_cache(maxsize=1 << 18)
def _pair(word: str, near: str, offset: int, on_other_line: bool) -> tuple[str, ...]:
    kind = word_class(word)
    both = f"c{offset}{kind}{word_class(near)}"
    return (both, f"nl{offset}", f"nl{offset}{kind}") if on_other_line else (both,)


@lru_cache(maxsize=1 << 16)
def word_class(word: str) -> str:
    """A few letters: the word's shape, and whether it is of names (g, f), places (p), streets (s) or ordinary (o)."""
    known = gazetteer()
    lower = word.lower()
    # Nearly every ordinary word is somebody's family name or part of a place's somewhere.
    told = "gs" if lower in known.ordinary else "gfps"
    words_of = {"g": known.given, "f": known.family, "p": known.places, "s": known.streets}
    kinds = "".join(letter for letter in told if lower in words_of[letter]) + "o" * (told == "gs")
    return f"{_shape(word)}{kinds}"


def _shape(word: str) -> str:
    if word.isdigit():
        return f"d{min(len(word), 6)}"
    if not word[0].isalpha():
        return word
    if len(word) == 1:
        return "A" if word.isupper() else "a"
    if word.isupper():
        return "AA"
    if word.islower():
        return "aa"
    return "Aa" if word[0].isupper() and word[1:].islower() else "AaA"


@lru_cache(maxsize=1 << 16)
def _own(word: str) -> tuple[str, ...]:
    lower = word.lower()
    kind = word_class(word)
    return ("b", f"w{lower}", f"k{kind}", *_inner(lower), *_known(lower), f"h{_shape(word)}")


def _known(lower: str) -> Iterator[str]:
    """Whether a word is of names and of nothing else, which its class alone would scatter over many."""
    known = gazetteer()
    if lower in known.ordinary:
        yield "ordinary"
    elif lower in known.given:
        yield "given"
    elif lower in known.family:
        yield "family"


@lru_cache(maxsize=1 << 16)
def _inner(lower: str) -> tuple[str, ...]:
    if not lower[0].isalpha():
        return ()
    marks = [f"e{lower[-3:]}", f"e{lower[-2:]}", f"a{lower[:2]}"] if len(lower) > 3 else []
    if not lower.isascii():
        marks.append("foreign")
    if _STREET_END.search(lower) or lower in _ABBREVIATED:
        marks.append("street")
    if lower in _TITLES:
        marks.append("title")
    return tuple(marks)


@lru_cache(maxsize=1 << 18)
def _near(word: str, offset: int) -> tuple[str, ...]:
    inner = [f"{offset}{mark}" for mark in _inner(word.lower()) if mark in ("street", "title")]
    return (f"{offset}w{word.lower()}", f"{offset}k{word_class(word)}", *inner)
