"""Text as detectors see it: no invisible characters, look-alikes or escapes, and the way back to the original."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

# They carry no ink and are no format characters (category Cf), so they must be named.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# RFC 3986, section 2.1, and HTML's character references.
_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2})+|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")


@dataclass(frozen=True)
class Normalised:
    """Text as it is searched: `text[i]` came from the characters `starts[i]` to `ends[i]` of the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that holds the characters `start` to `end` of the normalised text."""
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """NFKC (Unicode Annex 15) by composed character, no invisible ones, ASCII digits, dashes and spaces, no escapes."""
    escapes = ("%" in text or "&" in text) and _ESCAPE.search(text) is not None
    if text.isascii() and not escapes:
        return Normalised(text, range(len(text)), range(1, len(text) + 1))
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    for match in _ESCAPE.finditer(text) if escapes else ():
        meant = _unescaped(match[0])
        if meant is not None:
            _add(text[place : match.start()], place, characters, starts, ends)
            for character in meant:
                for plain in _plain(character):
                    characters.append(plain)
                    starts.append(match.start())
                    ends.append(match.end())
            place = match.end()
    _add(text[place:], place, characters, starts, ends)
    return Normalised("".join(characters), starts, ends)


def fold(text: str) -> str:
    """Lower case, character by character, so that positions stay."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(character.lower()[0] for character in text)


def _add(part: str, offset: int, characters: list[str], starts: list[int], ends: list[int]) -> None:
    for start, end in _composed(part):
        for plain in _plain(part[start:end]):
            characters.append(plain)
            starts.append(offset + start)
            ends.append(offset + end)


def _composed(text: str) -> Iterator[tuple[int, int]]:
    """Where each character begins and ends, with the marks or letters of a Korean syllable that belong to it."""
    if unicodedata.is_normalized("NFC", text):
        yield from zip(range(len(text)), range(1, len(text) + 1), strict=True)
        return
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or not (unicodedata.combining(text[end]) or "\u1161" <= text[end] <= "\u11ff"):
            yield start, end
            start = end


def _unescaped(escape: str) -> str | None:
    """What an escape stands for, or None where it is none: "100%20" is one, "&nothing;" is not."""
    if escape[0] == "&":
        meant = html.unescape(escape)
        return None if meant == escape else meant
    try:
        return bytes.fromhex(escape.replace("%", "")).decode()
    except UnicodeDecodeError:
        return None


# Bounded, since there is no end of marks that a text can put behind a letter.
@lru_cache(maxsize=2**16)
def _plain(character: str) -> str:
    return "".join(_plain_one(part) for part in unicodedata.normalize("NFKC", character))


def _plain_one(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character in _BLANK or unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    # A lone surrogate is half a character, which no encoding can hold.
    return {"Pd": "-", "Zs": " ", "Cs": "\ufffd"}.get(category, character)
