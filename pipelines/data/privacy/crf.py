"""A linear-chain conditional random field over words (Lafferty, McCallum and Pereira 2001): its weights and its sums.

benchmarks/privacy/train_names.py trains it with CRFsuite. Here it is run by other means: what a word adds to the labels
of its own place and of its neighbours' is summed up once for a word and kept, so that a text costs a few numpy calls.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.data.privacy.tokens import Words
from pipelines.data.privacy.word_features import OFFSETS, across_break, is_pair, near, none, own, word_class

Scores = NDArray[np.float32]
# A row of what a word adds: to its own place, to those it stands at an offset of, to its own beside a line's break.
_OWN, _BREAK_BEFORE, _BREAK_BEHIND, _ROLES = 0, 5, 6, 7
# No more words than these are kept (5 MB); then all are forgotten and learnt anew.
_MOST_WORDS = 1 << 15
# What stands before and behind a text.
_NOTHING = 0


class Crf:
    """The trained model, and what it knows of the words that it has met.

    `labels` are numbered; `transitions[a, b]` is the weight of label b right behind label a.
    """

    def __init__(self, path: Path) -> None:
        model: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        self.labels: list[str] = model["labels"]
        self.transitions: Scores = np.array(model["transitions"], np.float32)
        self._weights = {feature: np.array(given, np.float32) for feature, given in model["weights"].items()}
        self._steps = np.exp(self.transitions, dtype=np.float64)
        self._ones = np.ones(len(self.labels))
        self._classes = {kind: number for number, kind in enumerate(sorted(_paired_classes(self._weights)), 1)}
        self._pairs = self._pair_table()
        # What is known of neighbours, without the offsets.
        self._told_from_afar = {feature.lstrip("-12") for feature in self._weights if feature[0] in "-12"}
        self._from_afar: dict[tuple[str, ...], Scores] = {}
        self._places: dict[str, int] = {}
        self._table = np.zeros((_MOST_WORDS, _ROLES, len(self.labels)), np.float32)
        self._class_of = np.zeros(_MOST_WORDS, np.intp)
        for role, offset in enumerate(OFFSETS, 1):
            self._table[_NOTHING, role] = self._sum([none(offset)])

    def scores(self, words: Words) -> Scores:
        """What the words say of each place's label, transitions apart: places x labels."""
        places, count = self._places_of(words.texts), len(words.texts)
        said = self._table.take(places, axis=0)
        scores = said[2:-2, _OWN] + said[:count, 1]
        scores += said[1 : count + 1, 2]
        scores += said[3 : count + 3, 3]
        scores += said[4:, 4]
        kinds = self._class_of.take(places)
        pairs = self._pairs.take(kinds[1:-2] * (len(self._classes) + 1) + kinds[2:-1], axis=0)
        scores += pairs[1:, 0]
        scores += pairs[:-1, 1]
        for place in words.breaks:
            scores[place] += said[2 + place, _BREAK_BEFORE]
            scores[place - 1] += said[1 + place, _BREAK_BEHIND]
        return scores

    def chances(self, scores: Scores) -> NDArray[np.float64]:
        """Each label's probability at each place, places x labels, by the forward-backward algorithm."""
        weights = np.exp(scores - scores.max(axis=1, keepdims=True), dtype=np.float64)
        steps = self._steps * weights[1:, None, :]
        forward, backward = np.empty_like(weights), np.empty_like(weights)
        # Of each place only the proportions count; scaled, the numbers of a long text stay numbers.
        ahead, behind = weights[0], self._ones
        forward[0], backward[-1] = ahead, behind
        for place, step in enumerate(steps, 1):
            ahead = ahead @ step
            ahead *= 1 / ahead.dot(self._ones)
            forward[place] = ahead
        for place in range(len(steps) - 1, -1, -1):
            behind = steps[place] @ behind
            behind *= 1 / behind.dot(self._ones)
            backward[place] = behind
        chances: NDArray[np.float64] = forward * backward
        chances /= chances.sum(axis=1, keepdims=True)
        return chances

    def _places_of(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """The words' rows in the tables, with two of nothing before and behind."""
        known = self._places
        try:
            places = [*map(known.__getitem__, texts)]
        except KeyError:
            if len(known) + len(texts) >= _MOST_WORDS:
                known.clear()
                self._from_afar.clear()
            for word in texts:
                if word not in known:
                    known[word] = self._meet(word)
            places = [*map(known.__getitem__, texts)]
        return np.array([_NOTHING, _NOTHING, *places, _NOTHING, _NOTHING], np.intp)

    def _meet(self, word: str) -> int:
        """Take up a word; what it says of its neighbours' places it shares with others of its class, unless known."""
        place = len(self._places) + 1
        said = own(word)
        alike = (word_class(word), *filter(self._told_from_afar.__contains__, said))
        if alike not in self._from_afar:
            features = (*(near(word, offset) for offset in OFFSETS), across_break(word, -1), across_break(word, 1))
            self._from_afar[alike] = np.array([self._sum(given) for given in features])
        self._table[place, _OWN] = self._sum(said)
        self._table[place, 1:] = self._from_afar[alike]
        self._class_of[place] = self._classes.get(alike[0], 0)
        return place

    def _sum(self, features: Iterable[str]) -> Scores:
        known = [self._weights[feature] for feature in features if feature in self._weights]
        return sum(known[1:], known[0]) if known else np.zeros(len(self.labels), np.float32)

    def _pair_table(self) -> Scores:
        """For each pair of classes side by side, what it adds to the first place and to the second."""
        count = len(self._classes) + 1
        table = np.zeros((count * count, 2, len(self.labels)), np.float32)
        for feature in filter(is_pair, self._weights):
            offset, kind, other = feature.split(" ")
            if offset == "c1":
                table[self._classes[kind] * count + self._classes[other], 0] = self._weights[feature]
            else:
                table[self._classes[other] * count + self._classes[kind], 1] = self._weights[feature]
        return table


def _paired_classes(features: Iterable[str]) -> set[str]:
    """The classes that the model has a pair of."""
    return {kind for feature in filter(is_pair, features) for kind in feature.split(" ")[1:]}
