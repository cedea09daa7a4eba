"""What a detector by pattern is, and what it finds."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

import ahocorasick_rs

SECRET = "SECRET"  # noqa: S105 - the mask's word, not a secret
_DIGITS = re.compile(r"0(?:[ ().\-/]{0,3}+0)*+")
_DIGITS_AS_0 = str.maketrans("123456789", "000000000")
# A value must not be a mask that stands already.
NO_MASK = r"(?!\[[A-Z_]+\])"


class Span(NamedTuple):
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
class Rule:
    """A kind and its pattern, whose group `value` is what is masked.

    `hints` are strings of which one must occur before the pattern is tried, and one of `also` where there are any: in
    small letters, with 0 for every digit. `run` is the least number of characters without space in a match, `digits`
    that of digits with no more than three signs between one and the next. `length` says how many of the value's
    characters are truly of this kind; 0 refuses the match.
    """

    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    length: Callable[[str], int] = len
    also: tuple[str, ...] = ()
    run: int = 0
    digits: int = 0


class Prefilter:
    """Tells which of some rules a text can match, by one search for all that they ask for."""

    def __init__(self, rules: Iterable[tuple[int, Rule]]) -> None:
        self._rules = list(rules)
        strings = sorted({hint for _, rule in self._rules for hint in (*rule.hints, *rule.also)})
        self._search = ahocorasick_rs.AhoCorasick(strings)
        place_of = {string: place for place, string in enumerate(strings)}
        self._also = {rank: {place_of[hint] for hint in rule.also} for rank, rule in self._rules if rule.also}
        self._by_hint: list[list[tuple[int, Rule]]] = [[] for _ in strings]
        for rank, rule in self._rules:
            for hint in rule.hints:
                self._by_hint[place_of[hint]].append((rank, rule))

    def possible(self, folded: str, longest: int) -> list[tuple[int, Rule]]:
        """The rules, with their numbers, for a text in small letters whose longest run without space is given."""
        shape = folded.translate(_DIGITS_AS_0)
        hinted = {place for place, _, _ in self._search.find_matches_as_indexes(shape, overlapping=True)}
        digits = max((chain.count("0") for chain in _DIGITS.findall(shape)), default=0)
        rules = {rank: rule for place in hinted for rank, rule in self._by_hint[place]}
        return [
            (rank, rule)
            for rank, rule in sorted(rules.items(), key=itemgetter(0))
            if rule.run <= longest and rule.digits <= digits and not self._also.get(rank, hinted).isdisjoint(hinted)
        ]
