"""Finding and masking personal data and secrets in text, by patterns and by what the data's own columns say of people.

Text is searched in a normalised form (full-width digits, invisible characters and odd dashes hide nothing), and masks
are written over the original. A person who stands in no column is not found here.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pipelines.data.privacy_rules import RULES

NAME = "NAME"
SECRET = "SECRET"  # noqa: S105 - the mask's word, not a secret

# They carry no ink and are no format characters (category Cf), so they must be named.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MASK = re.compile(r"\[([A-Z_]+)\]")
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_NAME_PART = 3

# The whole names of everybody in the data, as folded words, by their first word.
FullNames = Mapping[str, set[tuple[str, ...]]]


@dataclass(frozen=True)
class Normalised:
    """Text as it is searched; `starts[i]` is the index in the original of the character that became `text[i]`."""

    text: str
    starts: Sequence[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that holds the characters `start` to `end` of the normalised text."""
        return self.starts[start], self.starts[end - 1] + 1


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of a text; `kind` is in capitals for personal data, in small letters for a secret."""

    start: int
    end: int
    kind: str

    @property
    def secret(self) -> bool:
        """Whether this is a secret rather than personal data."""
        return self.kind.islower()

    @property
    def mask(self) -> str:
        """What is written in its place."""
        return f"[{SECRET if self.secret else self.kind}]"


@dataclass(frozen=True)
class OwnValue:
    """A value of one of the row's personal columns, folded for the search."""

    kind: str
    text: str


@dataclass(frozen=True)
class Screened:
    """A row whose text is masked, and how often each kind was found in it.

    `personal` and `secrets` count what stood in free text; `whole` counts personal columns that were masked entirely.
    """

    row: dict[str, Any]
    personal: Counter[str]
    secrets: Counter[str]
    whole: Counter[str]


def screen_row(
    row: Mapping[str, Any], columns: Iterable[str], personal: Mapping[str, str], names: FullNames
) -> Screened:
    """Mask `columns` of a row: personal columns entirely, the other text where something is found in it.

    `personal` maps the contract's personal columns to their kind (name, email, phone, ...); their values are also
    looked for in the text of the row, as are the `names` of everybody. Columns that are not in `columns` are left out
    of the result.
    """
    own = [found for column, kind in personal.items() for found in own_values(kind, row.get(column))]
    masked: dict[str, Any] = {}
    personal_found: Counter[str] = Counter()
    secrets: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for column in columns:
        value = row[column]
        if column in personal and value is not None:
            kind = mask_word(personal[column])
            masked[column] = f"[{kind}]"
            whole[kind] += 1
        elif isinstance(value, str):
            masked[column], spans = mask(value, own, names)
            secrets.update(span.kind for span in spans if span.secret)
            personal_found.update(span.kind for span in spans if not span.secret)
        else:
            masked[column] = value
    return Screened(masked, personal_found, secrets, whole)


def mask(text: str, own: Sequence[OwnValue] = (), names: FullNames | None = None) -> tuple[str, list[Span]]:
    """Replace everything that `find` finds; gives the masked text, in which nothing more is found, and the spans.

    Spans found only after others were masked are positions in the text of that moment.
    """
    found: list[Span] = []
    while spans := find(text, own, names):
        parts, end = [], 0
        for span in spans:
            parts += [text[end : span.start], span.mask]
            end = span.end
        text = "".join([*parts, text[end:]])
        found += spans
    return text, found


def find(text: str, own: Sequence[OwnValue] = (), names: FullNames | None = None) -> list[Span]:
    """Personal data, secrets, the row's own personal values and known names in `text`: in order, none overlapping."""
    searched = normalise(text)
    folded = _fold(searched.text)
    ranked: list[tuple[int, int, int, str]] = []
    for rank, rule in enumerate(RULES):
        if any(hint in folded for hint in rule.hints):
            for match in rule.pattern.finditer(searched.text):
                start, length = match.start("value"), rule.length(match["value"])
                if length:
                    ranked.append((*searched.original(start, start + length), rank, rule.kind))
    people = [(*place, value.kind) for value in own for place in _whole_words(folded, value.text)]
    people += [(*place, NAME) for place in _names_in(folded, names or {})]
    masks = _masks(searched.text, own) if people else []
    for start, end, kind in people:
        if not any(start < mask_end and mask_start < end for mask_start, mask_end in masks):
            ranked.append((*searched.original(start, end), len(RULES), kind))
    return _merged(ranked)


def own_values(kind: str, value: Any) -> list[OwnValue]:
    """What to look for in a row's text, given a personal column's kind and value; names also by their parts."""
    if value is None:
        return []
    folded = _fold(normalise(str(value)).text).strip()
    words = [folded]
    if mask_word(kind) == NAME:
        words += _WORD.findall(folded)
    return [OwnValue(mask_word(kind), word) for word in dict.fromkeys(words) if len(word) >= _SHORTEST_NAME_PART]


def full_names(values: Iterable[str | None]) -> FullNames:
    """The names of two and more words among the values of name columns; one word alone is too often a common one."""
    names: dict[str, set[tuple[str, ...]]] = {}
    for value in values:
        words = tuple(_WORD.findall(_fold(normalise(value or "").text)))
        if len(words) > 1:
            names.setdefault(words[0], set()).add(words)
    return names


def mask_word(kind: str) -> str:
    """The mask's word for a contract's kind of personal data: person and customer_name are both a NAME."""
    word = re.sub(r"[^A-Z]+", "_", kind.upper()).strip("_")
    if word == "PERSON" or word.split("_")[-1] == NAME:
        return NAME
    return word or "PERSONAL"


def normalise(text: str) -> Normalised:
    """NFKC (Unicode Annex 15) by character, without invisible characters, with ASCII digits, dashes and spaces."""
    if text.isascii():
        return Normalised(text, range(len(text)))
    characters: list[str] = []
    starts: list[int] = []
    for index, character in enumerate(text):
        for plain in _plain(character):
            characters.append(plain)
            starts.append(index)
    return Normalised("".join(characters), starts)


@cache
def _plain(character: str) -> str:
    return "".join(_plain_one(part) for part in unicodedata.normalize("NFKC", character))


def _plain_one(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character in _BLANK or unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return {"Pd": "-", "Zs": " "}.get(category, character)


def _fold(text: str) -> str:
    """Lower case, character by character, so that positions stay."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(character.lower()[0] for character in text)


def _masks(text: str, own: Sequence[OwnValue]) -> list[tuple[int, int]]:
    """Where masks stand already: a customer called Card must not be found in [CARD]."""
    known = {SECRET, NAME, *(rule.kind for rule in RULES), *(value.kind for value in own)}
    return [match.span() for match in _MASK.finditer(text) if match[1] in known] if "[" in text else []


def _whole_words(folded: str, word: str) -> Iterable[tuple[int, int]]:
    start = folded.find(word)
    while start >= 0:
        end = start + len(word)
        if not (folded[start - 1 : start].isalnum() or folded[end : end + 1].isalnum()):
            yield start, end
        start = folded.find(word, start + 1)


def _names_in(folded: str, names: FullNames) -> Iterable[tuple[int, int]]:
    words = list(_WORD.finditer(folded)) if names else []
    for first, word in enumerate(words):
        for name in names.get(word[0], ()):
            found = words[first : first + len(name)]
            close = all(after.start() - before.end() <= 2 for before, after in pairwise(found))
            if close and tuple(part[0] for part in found) == name:
                yield word.start(), found[-1].end()


def _merged(ranked: list[tuple[int, int, int, str]]) -> list[Span]:
    """Overlapping spans become one, of the kind of the rule that comes first."""
    merged: list[tuple[int, int, int, str]] = []
    for start, end, rank, kind in sorted(ranked):
        if merged and start < merged[-1][1]:
            before = merged.pop()
            rank, kind = min((before[2], before[3]), (rank, kind))
            start, end = before[0], max(before[1], end)
        merged.append((start, end, rank, kind))
    return [Span(start, end, kind) for start, end, _, kind in merged]
