"""What a detector by pattern is, and what it finds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

SECRET = "SECRET"  # noqa: S105 - the mask's word, not a secret
# Hints of rules that need a digit.
DIGITS = tuple("0123456789")
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

    `hints` are lower-case strings of which one must occur before the pattern is tried. `length` says how many of the
    value's characters are truly of this kind; 0 refuses the match.
    """

    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    length: Callable[[str], int] = len
