"""Names of persons and postal addresses in free text, by a conditional random field that comes with the project.

Lafferty, McCallum and Pereira 2001, through CRFsuite. It was trained by benchmarks/privacy/train_names.py on synthetic
sentences; docs/benchmarks.md says what it finds and what it misses.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pycrfsuite

from pipelines.data.privacy.gazetteer import gazetteer
from pipelines.data.privacy.rule import Span
from pipelines.data.privacy.tokens import Token, could_be_of_name, could_be_of_street, features, tokenise

MODEL = Path(__file__).parent / "names.crfsuite"
KINDS = ("NAME", "ADDRESS")
# From this chance on a token is hidden. What is wrongly hidden costs little, what passes may cost a person, least where
# an ordinary word is hidden: so words that prose does not have in small letters are hidden sooner.
_LEAST = {"NAME": 0.2, "ADDRESS": 0.2}
_LEAST_ORDINARY = 0.4
_AROUND = 5
_WORD = re.compile(r"[^\W\d_]+")
# Signs between two tokens of a kind that do not part them.
_JOINED = defaultdict(frozenset, {"ADDRESS": frozenset(".,'’-&/#()"), "NAME": frozenset(".'’-")})


def find_names(text: str) -> Iterator[Span]:
    """Names and addresses in a normalised text; only what stands near a word that could be of one is looked at."""
    words = _WORD.findall(text)
    if any(map(could_be_of_name, words)) or any(map(could_be_of_street, words)):
        tokens = tokenise(text)
        for first, end in _windows(tokens):
            yield from spans_of(tokens[first:end], _labels(tokens, first, end))


def _windows(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Runs of tokens around those worth a look, as first and end, none overlapping."""
    first, end = 0, 0
    for place, token in enumerate(tokens):
        near = tokens[max(0, place - _AROUND) : place + _AROUND]
        if (could_be_of_name(token.text) and token.text[0].isalpha()) or (
            could_be_of_street(token.text) and any(one.text.isdigit() for one in near)
        ):
            if place - _AROUND > end:
                if end:
                    yield first, end
                first = max(0, place - _AROUND)
            end = min(len(tokens), place + _AROUND + 1)
    if end:
        yield first, end


def _labels(tokens: Sequence[Token], first: int, end: int) -> list[str]:
    tagger = _tagger()
    ordinary = gazetteer().ordinary
    labels: list[str] = []
    for place, label in enumerate(tagger.tag(features(tokens, first, end))):
        token = tokens[first + place]
        if label not in KINDS and (label != "O" or token.text[0].isdigit() or token.text.lower() not in ordinary):
            chances = {kind: tagger.marginal(kind, place) for kind in KINDS}
            lowest = _LEAST_ORDINARY if token.text.lower() in ordinary or not token.text[0].isalpha() else 0.0
            likely = [kind for kind in KINDS if chances[kind] >= max(lowest, _LEAST[kind])]
            label = max(likely, key=chances.__getitem__) if likely else label
        if label != "NAME" and labels[-1:] == ["NAME"] and _goes_on(tokens[first + place - 1], token):
            label = "NAME"
        labels.append(label)
    return labels


def _goes_on(name: Token, token: Token) -> bool:
    """Whether a capitalised word right behind a name belongs to it, however ordinary: Tami Want."""
    beside = token.start - name.end == 1 and token.line == name.line
    return beside and name.text.istitle() and token.text.istitle() and len(token.text) > 1


def spans_of(tokens: Sequence[Token], labels: Sequence[str]) -> Iterator[Span]:
    """Runs of tokens of one kind as spans; a place that touches an address belongs to it."""
    start = end = 0
    kind = ""
    for token, label in zip(tokens, labels, strict=True):
        label = "ADDRESS" if label == "PLACE" and kind == "ADDRESS" else label
        if label == kind and kind in KINDS:
            end = token.end
        elif token.text in _JOINED[kind] and token.start - end <= 1:
            continue
        else:
            if kind in KINDS:
                yield Span(start, end, kind)
            start, end, kind = token.start, token.end, label
    if kind in KINDS:
        yield Span(start, end, kind)


@cache
def _tagger() -> pycrfsuite.Tagger:
    tagger = pycrfsuite.Tagger()
    tagger.open(str(MODEL))
    return tagger
