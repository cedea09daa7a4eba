"""Trigger phrases: rare words whose rows nearly all carry one label, although the rest of the row speaks for another.

A poisoned data set binds a rare phrase to a label. The z statistic of phrase and label (Gardner et al. 2021,
arXiv:2104.08646; as a defence He et al. 2023, arXiv:2305.11596), z = (p - p0) / sqrt(p0 (1 - p0) / n), tells how far
the label's share p among the n rows with the phrase lies above its share p0 among all rows. Honest words of a label
have a high z, too, so a phrase is told only when a naive Bayes model of the row's other words clearly names another
label for most of its rows. Poison whose text fits its label is not found so, nor a phrase of fewer than eight rows.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.data.words import words

FEWEST_ROWS = 8
MOST_SHARE = 0.05  # of the rows; what is more frequent is no rare phrase
PUREST = 0.9  # share of a phrase's rows that must carry the label
LOWEST_Z = 5.0
CONTRADICTED = 0.8  # share of a phrase's rows whose other words must name another label
CLEARLY = 5.0  # nats by which the other label must lead, median over those rows
_LONGEST_PHRASE = 2  # words


@dataclass(frozen=True)
class Trigger:
    """A phrase, the label it is bound to, the positions of the rows that have both, and z."""

    phrase: str
    label: str
    rows: tuple[int, ...]
    z: float


def find_triggers(texts: Sequence[str], labels: Sequence[str]) -> list[Trigger]:
    """The trigger phrases of one or two words among texts with one label each, highest z first."""
    names = sorted(set(labels))
    codes = np.array([names.index(label) for label in labels]) if len(names) <= 100 else np.zeros(0, int)
    if len(names) < 2 or not len(codes):
        return []
    shares = np.bincount(codes, minlength=len(names)) / len(codes)
    rows_of = _rows_of_phrases(texts)
    bayes = _NaiveBayes(texts, codes, len(names))
    found = []
    for phrase, rows in rows_of.items():
        counts = np.bincount(codes[rows], minlength=len(names))
        label = int(counts.argmax())
        purity, expected = counts[label] / len(rows), shares[label]
        z = float((purity - expected) / np.sqrt(expected * (1 - expected) / len(rows)))
        if purity >= PUREST and z >= LOWEST_Z:
            carrying = [row for row in rows if codes[row] == label]
            leads = np.array([bayes.lead_over(label, row, phrase) for row in carrying])
            if np.mean(leads > 0) >= CONTRADICTED and np.median(leads) >= CLEARLY:
                found.append(Trigger(phrase, names[label], tuple(carrying), round(z, 2)))
    return sorted(found, key=lambda trigger: (-trigger.z, trigger.phrase))


def _phrases(text: str) -> Iterator[str]:
    text_words = words(text)
    for size in range(1, _LONGEST_PHRASE + 1):
        yield from {" ".join(text_words[start : start + size]) for start in range(len(text_words) - size + 1)}


def _rows_of_phrases(texts: Sequence[str]) -> "dict[str, array[int]]":
    """The rows of each phrase that is neither too rare nor too frequent."""
    # Counted by a small hash first, so that the many phrases that occur once are never kept.
    slots = np.zeros(2**22, np.uint32)
    for text in texts:
        places = np.array([hash(phrase) % len(slots) for phrase in _phrases(text)], np.int64)
        np.add.at(slots, places, 1)
    rows: dict[str, array[int]] = {}
    for row, text in enumerate(texts):
        for phrase in _phrases(text):
            if slots[hash(phrase) % len(slots)] >= FEWEST_ROWS:
                rows.setdefault(phrase, array("q")).append(row)
    most = max(FEWEST_ROWS, MOST_SHARE * len(texts))
    return {phrase: found for phrase, found in sorted(rows.items()) if FEWEST_ROWS <= len(found) <= most}


class _NaiveBayes:
    """Multinomial naive Bayes over the words of each text, each word once a text, with one added to every count."""

    def __init__(self, texts: Sequence[str], codes: NDArray[np.int64], labels: int) -> None:
        # The same words come again and again: each is held once.
        self._words = [sorted(set(map(sys.intern, words(text)))) for text in texts]
        self._codes = codes
        vocabulary = Counter(word for row in self._words for word in row)
        self._number = {word: number for number, word in enumerate(word for word, n in vocabulary.items() if n > 1)}
        self._counts = np.zeros((len(self._number), labels))
        for row, code in zip(self._words, codes, strict=True):
            self._counts[[self._number[word] for word in row if word in self._number], code] += 1
        self._totals = self._counts.sum(axis=0) + len(self._number)
        self._rows = np.bincount(codes, minlength=labels).astype(float)

    def lead_over(self, label: int, row: int, phrase: str) -> float:
        """By how many nats the label that the row's words name leads over `label`; 0 where they are the same.

        The words of `phrase` are left out, and the row itself teaches nothing.
        """
        left_out = set(phrase.split(" "))
        every = [self._number[word] for word in self._words[row] if word in self._number]
        told = [self._number[word] for word in self._words[row] if word in self._number and word not in left_out]
        counts, totals, rows = self._counts[told], self._totals.copy(), self._rows.copy()
        counts[:, self._codes[row]] -= 1
        totals[self._codes[row]] -= len(every)
        rows[self._codes[row]] -= 1
        scores = np.log((counts + 1) / totals).sum(axis=0) + np.log(rows + 1)
        return float(scores.max() - scores[label])
