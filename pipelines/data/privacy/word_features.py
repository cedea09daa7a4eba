"""What the model that finds names and addresses is told of a word, and of the words around it."""

import re
from collections.abc import Iterator
from functools import lru_cache

from pipelines.data.privacy.gazetteer import gazetteer
from pipelines.data.privacy.tokens import Words

OFFSETS = (-2, -1, 1, 2)
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


def features(words: Words) -> list[list[str]]:
    """Every word's features: its own, its neighbours', and what stands across a line's break."""
    texts, breaks = words.texts, set(words.breaks)
    kinds = [word_class(word) for word in texts]
    rows: list[list[str]] = []
    for place, word in enumerate(texts):
        row = [*own(word)]
        for offset in OFFSETS:
            if not 0 <= place + offset < len(texts):
                row.append(none(offset))
                continue
            row += near(texts[place + offset], offset)
            if offset in (-1, 1):
                row.append(pair(kinds[place], kinds[place + offset], offset))
                if max(place, place + offset) in breaks:
                    row += across_break(word, offset)
        rows.append(row)
    return rows


def own(word: str) -> tuple[str, ...]:
    """What a word says of itself."""
    lower = word.lower()
    return ("b", f"w{lower}", f"k{word_class(word)}", *_inner(lower), *_known(lower), f"h{_shape(word)}")


def near(word: str, offset: int) -> tuple[str, ...]:
    """What a word says of the place from which it stands at `offset`."""
    lower = word.lower()
    marks = [f"{offset}{mark}" for mark in _inner(lower) if mark in ("street", "title")]
    return (f"{offset}w{lower}", f"{offset}k{word_class(word)}", *marks)


def none(offset: int) -> str:
    """The text ends before `offset`."""
    return f"none{offset}"


def pair(kind: str, other: str, offset: int) -> str:
    """The classes of a word and of its neighbour."""
    return f"c{offset} {kind} {other}"


def is_pair(feature: str) -> bool:
    """Whether `pair` made the feature."""
    return feature.startswith(("c-1 ", "c1 "))


def across_break(word: str, offset: int) -> tuple[str, ...]:
    """A line ends between the word and its neighbour."""
    return (f"nl{offset}", f"nl{offset} {word_class(word)}")


def is_street(word: str) -> bool:
    """Whether a word is one that streets are called by, or a part of an address."""
    lower = word.lower()
    return lower in _ABBREVIATED or _STREET_END.search(lower) is not None


@lru_cache(maxsize=1 << 12)
def word_class(word: str) -> str:
    """A few letters: the word's shape, and whether it is of names (g, f), places (p), streets (s) or ordinary (o)."""
    known = gazetteer()
    lower = word.lower()
    # Nearly every ordinary word is somebody's family name or part of a place's somewhere.
    told = "gs" if known.is_ordinary(lower) else "gfps"
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
    if len(set(word.lower())) == 1:
        return "XX"  # as in redacted texts
    if word.isupper():
        return "AA"
    if word.islower():
        return "aa"
    return "Aa" if word[0].isupper() and word[1:].islower() else "AaA"


def _known(lower: str) -> Iterator[str]:
    """Whether a word is of names and of nothing else, which its class alone would scatter over many."""
    known = gazetteer()
    if known.is_ordinary(lower):
        yield "ordinary"
    elif lower in known.given:
        yield "given"
    elif lower in known.family:
        yield "family"


@lru_cache(maxsize=1 << 12)
def _inner(lower: str) -> tuple[str, ...]:
    if not lower[0].isalpha():
        return ()
    marks = [f"e{lower[-3:]}", f"e{lower[-2:]}", f"a{lower[:2]}"] if len(lower) > 3 else []
    if not lower.isascii():
        marks.append("foreign")
    if is_street(lower):
        marks.append("street")
    if lower in _TITLES:
        marks.append("title")
    return tuple(marks)
