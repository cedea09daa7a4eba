"""Names of persons and postal addresses in free text, by a conditional random field that comes with the project.

Lafferty, McCallum and Pereira 2001, through CRFsuite. It was trained by benchmarks/privacy/train_names.py on synthetic
sentences; docs/benchmarks.md says what it finds and what it misses.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pycrfsuite

from pipelines.data.privacy.gazetteer import gazetteer
from pipelines.data.privacy.rule import Span
from pipelines.data.privacy.tokens import Token, features, tokenise

MODEL = Path(__file__).parent / "names.crfsuite"
KINDS = ("NAME", "ADDRESS")
# From this chance on a token is hidden. What is wrongly hidden costs little, what passes may cost a person, least where
# an ordinary word is hidden: so words that prose does not have in small letters are hidden sooner.
_LEAST = {"NAME": 0.2, "ADDRESS": 0.2}
_LEAST_ORDINARY = 0.4
# Signs between two tokens of a kind that do not part them.
_JOINED = defaultdict(frozenset, {"ADDRESS": frozenset(".,'’-&/#()"), "NAME": frozenset(".'’-")})


def find_names(text: str) -> Iterator[Span]:
    """Names and addresses in a normalised text."""
    tokens = tokenise(text)
    if tokens:
        yield from spans_of(text, tokens, _labels(tokens))


def _labels(tokens: Sequence[Token]) -> list[str]:
    tagger = _tagger()
    ordinary = gazetteer().ordinary
    labels: list[str] = []
    for place, (token, label) in enumerate(zip(tokens, tagger.tag(features(tokens)), strict=True)):
        if label not in KINDS:
            chances = {kind: tagger.marginal(kind, place) for kind in KINDS}
            lowest = _LEAST_ORDINARY if token.text.lower() in ordinary or not token.text[0].isalpha() else 0.0
            likely = [kind for kind in KINDS if chances[kind] >= max(lowest, _LEAST[kind])]
            label = max(likely, key=chances.__getitem__) if likely else label
        if label != "NAME" and labels[-1:] == ["NAME"] and _goes_on(tokens[place - 1], token):
            label = "NAME"
        labels.append(label)
    return labels


def _goes_on(name: Token, token: Token) -> bool:
    """Whether a capitalised word right behind a name belongs to it, however ordinary: Tami Want."""
    beside = token.start - name.end == 1 and token.line == name.line
    return beside and name.text.istitle() and token.text.istitle() and len(token.text) > 1


def spans_of(text: str, tokens: Sequence[Token], labels: Sequence[str]) -> Iterator[Span]:
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
