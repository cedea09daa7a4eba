"""Text as a row of tokens with features, for the model that finds names and addresses."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from pipelines.data.privacy.gazetteer import gazetteer

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]|_")
_STREET_END = re.compile(
    r"(?:stra(?:ss|ß)e|str|gasse|weg|platz|allee|ufer|damm|gatan|vägen|väg|vej|gade|veien|gata|katu|tie|utca|út|tér"
    r"|straat|laan|plein|kade|ulica|ulice|ut|bulvar|caddesi|sokak)$"
)
_ABBREVIATED = frozenset(
    "st rd ave av blvd dr ln ct pl sq hwy pkwy ter cir apt suite ste unit floor fl box po p.o psc cmr apo fpo dpo via"
    " viale piazza rue avenue boulevard chemin place rua travessa praça calle avenida plaza paseo carrer ul al os"
    " street road lane drive court square highway way close crescent terrace grove gardens hill park row walk".split()
)
_TITLES = frozenset("mr mrs ms miss dr prof sir madam mx herr frau monsieur madame señor señora sig".split())


class Token(NamedTuple):
    """A word, a number or a sign; `line` counts the line breaks before it."""

    start: int
    end: int
    text: str
    line: int


def tokenise(text: str) -> list[Token]:
    """The tokens of a text, in order."""
    tokens: list[Token] = []
    line, place = 0, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", place, match.start())
        place = match.end()
        tokens.append(Token(match.start(), match.end(), match[0], line))
    return tokens


def features(tokens: Sequence[Token]) -> list[list[str]]:
    """Each token's features: its own, its neighbours', and where it stands."""
    classes = [word_class(token.text) for token in tokens]
    last = len(tokens) - 1
    rows: list[list[str]] = []
    for place, token in enumerate(tokens):
        row = [*_own(token.text)]
        for offset in (-2, -1, 1, 2):
            if 0 <= place + offset <= last:
                near = tokens[place + offset]
                row += _near(near.text, offset)
                if abs(offset) == 1:
                    row.append(f"c{offset}{classes[place]}{classes[place + offset]}")
                    if near.line != token.line:
                        row.append(f"nl{offset}")
                        row.append(f"nl{offset}{classes[place]}")
            else:
                row.append(f"none{offset}")
        rows.append(row)
    return rows


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
