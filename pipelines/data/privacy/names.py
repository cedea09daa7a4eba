"""Names of persons and postal addresses in free text, by a conditional random field that comes with the project.

It was trained by benchmarks/privacy/train_names.py on synthetic sentences; docs/benchmarks.md says what it finds and
what it misses.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipelines.data.privacy.crf import Crf, Scores
from pipelines.data.privacy.gazetteer import gazetteer
from pipelines.data.privacy.rule import Span
from pipelines.data.privacy.tokens import Token, located, words_of
from pipelines.data.privacy.word_features import is_street

MODEL = Path(__file__).parent / "names.json"
KINDS = ("NAME", "ADDRESS")
# From this chance on a token is hidden. What is wrongly hidden costs little, what passes may cost a person, least where
# an ordinary word is hidden: so words that prose does not have in small letters are hidden sooner.
_LEAST = 0.2
_LEAST_ORDINARY = 0.4
# A place is looked at closely where the best run of one kind through it has these odds or better, next to no run.
_LEAST_ODDS = 0.4
_AROUND = 4
_MOST_DIGITS = 6
_RUN = re.compile(r"[A-Za-z0-9]+")
_SWITCH = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
# SW1A1AA is shorter.
_SHORTEST_CODE, _LONGEST_CODE = 10, 128
_FEWEST_SWITCHES = 3
# Signs between two tokens of a kind that do not part them.
_JOINED = defaultdict(frozenset, {"ADDRESS": frozenset(".,'’-&/#()"), "NAME": frozenset(".'’-")})


def find_names(text: str) -> Iterator[Span]:
    """Names and addresses in a normalised text; the sums of the model are done only where one may be."""
    crf = _crf()
    words = words_of(text)
    scores = crf.scores(words)
    kinds = _run_weights().kinds
    for first, end in _windows(_worth_a_look(scores), len(scores)):
        chances = crf.chances(scores[first:end])
        if chances[:, kinds].max() >= _LEAST:
            tokens = located(text, words, first, end)
            lines = [place in words.breaks for place in range(first, end)]
            spans = list(spans_of(tokens, _labels(tokens, lines, chances.tolist())))
            addressed = any(span.kind == "ADDRESS" and names_a_place(text[span.start : span.end]) for span in spans)
            for span in spans:
                held = text[span.start : span.end]
                if (span.kind == "NAME" or (addressed and not is_code(held))) and not is_within_code(text, span):
                    yield span


def names_a_place(text: str) -> bool:
    """Whether this is more of an address than a number or a word alone."""
    words = words_of(text).texts
    return any(map(is_street, words)) or (any(map(str.isdigit, words)) and any(map(str.isalpha, words)))


def is_code(text: str) -> bool:
    """Whether this is a number of an order or the like, as OR-12345678: no postcode has so many digits in a row."""
    return any(word.isdigit() and len(word) > _MOST_DIGITS for word in words_of(text).texts)


def is_within_code(text: str, span: Span) -> bool:
    """Whether a part of this belongs to a digest, a key or the like: letters and digits by turns, without a break."""
    return any(
        len(run[0]) >= _SHORTEST_CODE and len(_SWITCH.findall(run[0])) >= _FEWEST_SWITCHES and run.end() > span.start
        for run in _RUN.finditer(text, max(0, span.start - _LONGEST_CODE), span.end + _LONGEST_CODE)
        if run.start() < span.end
    )


def _worth_a_look(scores: Scores) -> list[int]:
    """The places through which a run of a kind leads that is likely enough, next to no run at all.

    The weight of a run's places and transitions is a difference of two running sums; the best run through a place ends
    at the highest sum from there on and begins at the lowest before.
    """
    run = _run_weights()
    sums = np.zeros((len(KINDS), len(scores) + 1), np.float32)
    (run.gain @ scores.T + run.step).cumsum(axis=1, out=sums[:, 1:])
    lowest = np.minimum.accumulate(sums[:, :-1], axis=1)
    highest = np.maximum.accumulate(sums[:, :0:-1], axis=1)[:, ::-1]
    worth = highest - lowest >= run.least
    places: list[int] = np.flatnonzero(worth.any(axis=0)).tolist() if worth.any() else []
    return places


class _RunWeights(NamedTuple):
    """Of runs of the two kinds: their labels, what turns scores into gains over no kind, what each step within a run
    weighs next to one outside, and the least weight of a run that is worth a look."""

    kinds: list[int]
    gain: Scores
    step: Scores
    least: Scores


@cache
def _run_weights() -> _RunWeights:
    labels, weights = _crf().labels, _crf().transitions
    kinds, outside = [labels.index(kind) for kind in KINDS], labels.index("O")
    gain = np.zeros((len(kinds), len(labels)), np.float32)
    gain[range(len(kinds)), kinds] = 1
    gain[:, outside] = -1
    step = weights[kinds, kinds] - weights[outside, outside]
    enter_and_leave = weights[outside, kinds] + weights[kinds, outside] - weights[outside, outside] - step
    return _RunWeights(kinds, gain, step[:, None], math.log(_LEAST_ODDS) - enter_and_leave[:, None])


def _windows(worth: Sequence[int], count: int) -> Iterator[tuple[int, int]]:
    """Runs of places around those worth a look, as first and end, none overlapping."""
    first = end = 0
    for place in worth:
        if place - _AROUND > end:
            if end:
                yield first, end
            first = max(0, place - _AROUND)
        end = min(count, place + _AROUND + 1)
    if end:
        yield first, end


def _labels(tokens: Sequence[Token], lines: Sequence[bool], chances: Sequence[Sequence[float]]) -> list[str]:
    """A label for each token; `lines` says before which a line begins."""
    known = _crf().labels
    labels: list[str] = []
    for place, (token, chance) in enumerate(zip(tokens, chances, strict=True)):
        label = known[max(range(len(known)), key=chance.__getitem__)]
        ordinary = gazetteer().is_ordinary(token.text.lower())
        if label not in KINDS and (label != "O" or token.text[0].isdigit() or not ordinary):
            lowest = _LEAST_ORDINARY if ordinary or not token.text[0].isalpha() else _LEAST
            kind = max(KINDS, key=lambda one: chance[known.index(one)])
            label = kind if chance[known.index(kind)] >= lowest else label
        if label != "NAME" and labels[-1:] == ["NAME"] and not lines[place] and _goes_on(tokens[place - 1], token):
            label = "NAME"
        labels.append(label)
    return labels


def _goes_on(name: Token, token: Token) -> bool:
    """Whether a capitalised word right behind a name belongs to it, however ordinary: Tami Want."""
    return token.start - name.end == 1 and name.text.istitle() and token.text.istitle() and len(token.text) > 1


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
def _crf() -> Crf:
    return Crf(MODEL)
