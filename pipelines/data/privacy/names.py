"""Names of persons and postal addresses in free text, by a conditional random field that comes with the project.

Lafferty, McCallum and Pereira 2001, through CRFsuite. It was trained by benchmarks/privacy/train_names.py on synthetic
sentences; docs/benchmarks.md says what it finds and what it misses.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pycrfsuite

from pipelines.data.privacy.rule import Span
from pipelines.data.privacy.tokens import Token, features, tokenise

MODEL = Path(__file__).parent / "names.crfsuite"
KINDS = ("NAME", "ADDRESS")
# A name in every fourth case is hidden: what a model wrongly hides costs little, what it lets pass may cost a person.
_LEAST = {"NAME": 0.25, "ADDRESS": 0.3}
_JOINED = frozenset(".,'’-&/#()")


def find_names(text: str) -> Iterator[Span]:
    """Names and addresses in a normalised text."""
    tokens = tokenise(text)
    if tokens:
        yield from spans_of(text, tokens, _labels(tokens))


def _labels(tokens: Sequence[Token]) -> list[str]:
    tagger = _tagger()
    best = tagger.tag(features(tokens))
    labels = []
    for place, label in enumerate(best):
        chances = {kind: tagger.marginal(kind, place) for kind in KINDS} if label not in KINDS else {}
        likely = [kind for kind, chance in chances.items() if chance >= _LEAST[kind]]
        labels.append(max(likely, key=chances.__getitem__) if likely else label)
    return labels


def spans_of(text: str, tokens: Sequence[Token], labels: Sequence[str]) -> Iterator[Span]:
    """Runs of tokens of one kind as spans; a place that touches an address belongs to it."""
    start = end = 0
    kind = ""
    for token, label in zip(tokens, labels, strict=True):
        label = "ADDRESS" if label == "PLACE" and kind == "ADDRESS" else label
        if label == kind and kind in KINDS:
            end = token.end
        elif kind == "ADDRESS" and token.text in _JOINED:
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
