"""Finding personal data and secrets in one text: every detector on the normalised text, the findings merged."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipelines.data.privacy.contacts import CONTACT_RULES
from pipelines.data.privacy.dates import DATE_RULES
from pipelines.data.privacy.encoded import encoded_runs
from pipelines.data.privacy.identity_numbers import CRYPTO_RULES, IDENTITY_RULES
from pipelines.data.privacy.names import names_a_place
from pipelines.data.privacy.normalise import Normalised, fold, normalise
from pipelines.data.privacy.numbers import NUMBER_RULES
from pipelines.data.privacy.people import NAME, FullNames, OwnValue, names_in, whole_words
from pipelines.data.privacy.rule import SECRET, Prefilter, Span
from pipelines.data.privacy.secret_rules import SECRET_RULES
from pipelines.data.privacy.spellings import plain_letters
from pipelines.data.privacy.token_shapes import SHORTEST_TOKEN, find_tokens

# The first that matches names what was found.
_RULES = (*SECRET_RULES, *CRYPTO_RULES, *NUMBER_RULES, *IDENTITY_RULES, *CONTACT_RULES, *DATE_RULES)
# A vendor's token says more than the last of this package's own secrets, a random value; less than the others.
_TOKEN_RANK = len(SECRET_RULES) - 1.5
# A secret in an encoded run says more than what the run's letters look like; personal data more than all but a secret.
_ENCODED_RANKS = {True: -1, False: len(SECRET_RULES) - 0.5}
_Ranked = tuple[int, int, float, str]
PATTERN_KINDS = frozenset(rule.kind for rule in _RULES if rule.kind.isupper())
# Found only where asked for: they seldom tell who somebody is, and answers are made of them.
UNASKED = frozenset({"URL", "DATE", "AGE"})
_MASK = re.compile(r"\[([A-Z_]+)\]")
_WORD = re.compile(r"[^\W\d_]+")
# Base64 within base64 is found; deeper is nobody's accident.
_DEEPEST = 2


@dataclass(frozen=True)
class Detector:
    """Finds `kinds` of personal data (in capitals), secrets, and the names of `everybody`.

    `names` finds names and addresses of others in a normalised text; `not_names` are folded words that are none.
    """

    kinds: Set[str] = PATTERN_KINDS - UNASKED
    everybody: FullNames = field(default_factory=dict)
    names: Callable[[str], Iterable[Span]] | None = None
    not_names: Set[str] = frozenset()

    def find(self, text: str, own: Sequence[OwnValue] = (), *, prose: bool = True, depth: int = 0) -> list[Span]:
        """Personal data, secrets, the row's `own` values and known names in `text`: in order, none overlapping.

        An encoded run (base64, hexadecimal, an encoded word) that holds any of these is found whole. In what is not
        `prose`, as a number or a field's name, nothing can tell the names of others.
        """
        searched = normalise(text)
        folded = fold(searched.text)
        longest = max(map(len, folded.split()), default=0)
        by_rules = self._by_rules(searched.text, folded, longest)
        ranked = [(*searched.original(start, end), rank, kind) for start, end, rank, kind in by_rules]
        ranked += [
            (*searched.original(start, end), len(_RULES), kind)
            for start, end, kind in self._people(searched, folded, own)
        ]
        for start, end, kind in self._free_text(searched.text, folded, by_rules, own) if prose else ():
            ranked.append((*searched.original(start, end), len(_RULES) + 1, kind))
        if depth < _DEEPEST:
            for start, end, meant in encoded_runs(searched.text, longest):
                if inner := self.find(meant, own, prose=prose, depth=depth + 1):
                    ranked.append((*searched.original(start, end), _ENCODED_RANKS[inner[0].secret], inner[0].kind))
        return _merged(ranked)

    def __getstate__(self) -> dict[str, Any]:
        # Each process makes a prefilter of its own: the rules in it cannot be sent.
        return {name: value for name, value in vars(self).items() if name != "_prefilter"}

    @cached_property
    def _prefilter(self) -> Prefilter:
        return Prefilter(
            (rank, rule) for rank, rule in enumerate(_RULES) if rule.kind in self.kinds or rule.kind.islower()
        )

    def _by_rules(self, text: str, folded: str, longest: int) -> list[_Ranked]:
        found: list[_Ranked] = []
        for rank, rule in self._prefilter.possible(folded, longest):
            for match in rule.pattern.finditer(text):
                start, length = match.start("value"), rule.length(match["value"])
                if length:
                    found.append((start, start + length, rank, rule.kind))
        if longest >= SHORTEST_TOKEN:
            found += [(start, end, _TOKEN_RANK, kind) for start, end, kind in find_tokens(text)]
        return found

    def _free_text(
        self, text: str, folded: str, by_rules: Sequence[_Ranked], own: Sequence[OwnValue]
    ) -> Iterator[tuple[int, int, str]]:
        """Names and addresses that `names` finds, without the masks that stand among them and what rules have found.

        What is left of an address must still be one: `8, key` in front of a secret is none.
        """
        spans = [span for span in self.names(text) if span.kind in self.kinds] if self.names else []
        taken = sorted([*_masks(text, own), *((start, end) for start, end, _, _ in by_rules)]) if spans else []
        for span in spans:
            place = span.start
            for start, end in [*((s, e) for s, e in taken if s < span.end and span.start < e), (span.end, span.end)]:
                piece = folded[place : max(place, start)]
                told = span.kind == NAME or start - place == span.end - span.start or names_a_place(piece)
                if told and any(map(str.isalnum, piece)) and not self._no_name(piece):
                    yield place, start, span.kind
                place = max(place, end)

    def _no_name(self, folded: str) -> bool:
        return bool(self.not_names) and set(_WORD.findall(folded)) <= self.not_names

    def _people(self, searched: Normalised, folded: str, own: Sequence[OwnValue]) -> list[tuple[int, int, str]]:
        plain = plain_letters(folded)
        people = [(*place, value.kind) for value in own for place in whole_words(plain, value.text)]
        people += [(*place, NAME) for place in names_in(plain, self.everybody)]
        masks = _masks(searched.text, own) if people else []
        return [
            (start, end, kind)
            for start, end, kind in people
            if not any(start < mask_end and mask_start < end for mask_start, mask_end in masks)
        ]


def _masks(text: str, own: Sequence[OwnValue]) -> list[tuple[int, int]]:
    """Where masks stand already: a customer called Card must not be found in [CARD]."""
    known = {SECRET, NAME, "ADDRESS", *PATTERN_KINDS, *(value.kind for value in own)}
    return [match.span() for match in _MASK.finditer(text) if match[1] in known] if "[" in text else []


def _merged(ranked: list[_Ranked]) -> list[Span]:
    """Overlapping spans become one, of the kind of the rule that comes first."""
    merged: list[_Ranked] = []
    for start, end, rank, kind in sorted(ranked):
        if merged and start < merged[-1][1]:
            before = merged.pop()
            rank, kind = min((before[2], before[3]), (rank, kind))
            start, end = before[0], max(before[1], end)
        merged.append((start, end, rank, kind))
    return [Span(start, end, kind) for start, end, _, kind in merged]
