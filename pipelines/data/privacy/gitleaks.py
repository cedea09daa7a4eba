"""Vendors' keys and tokens by gitleaks' rules (MIT; see gitleaks/SOURCE.md), on RE2, whose time is linear."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ahocorasick_rs
import re2

from pipelines.data.privacy.checks import entropy
from pipelines.data.privacy.rule import Span

_FILE = Path(__file__).parent / "gitleaks" / "gitleaks.toml"
# It is for source code: in tickets "key: ..." and "token = ..." are told better by this package's own rules.
_LEFT_OUT = {"generic-api-key"}


@dataclass(frozen=True)
class _TokenRule:
    kind: str
    pattern: Any
    group: int
    entropy: float


@dataclass(frozen=True)
class _Rules:
    keywords: Any
    rules_of: tuple[tuple[_TokenRule, ...], ...]


def find_tokens(text: str, folded: str) -> Iterator[Span]:
    """The tokens in `text`; `folded` is the same in small letters, searched for each rule's keywords first."""
    rules = _rules()
    keywords = {keyword for keyword, _, _ in rules.keywords.find_matches_as_indexes(folded, overlapping=True)}
    tried = {rule.kind: rule for keyword in sorted(keywords) for rule in rules.rules_of[keyword]}
    for rule in tried.values():
        for match in rule.pattern.finditer(text):
            group = rule.group or next((n for n in range(1, rule.pattern.groups + 1) if match[n]), 0)
            if entropy(match[group]) >= rule.entropy:
                yield Span(match.start(group), match.end(group), rule.kind)


@cache
def _rules() -> _Rules:
    """The rules by their keywords, compiled once for a process; those that look at file names only are left out."""
    by_keyword: dict[str, list[_TokenRule]] = {}
    for given in tomllib.loads(_FILE.read_text(encoding="utf-8"))["rules"]:
        if "regex" in given and given["id"] not in _LEFT_OUT:
            kind = given["id"].replace("-", "_")
            rule = _TokenRule(kind, re2.compile(given["regex"]), given.get("secretGroup", 0), given.get("entropy", 0.0))
            for keyword in given["keywords"]:
                by_keyword.setdefault(keyword.lower(), []).append(rule)
    keywords = ahocorasick_rs.AhoCorasick(list(by_keyword))
    return _Rules(keywords, tuple(tuple(rules) for rules in by_keyword.values()))
