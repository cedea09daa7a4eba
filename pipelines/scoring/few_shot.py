"""Which training examples the base is shown before a question."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.scoring.prompts import Row, example_hash

# The time of a prompt goes with its length, and the longest examples lengthen it most.
_SHORTER_SHARE = 0.9
# Enough to choose from; some ten kilobytes of words and weights each are held.
_MOST_CANDIDATES = 20_000
_QUESTIONS_AT_ONCE = 200


def nearest_examples(train: Iterable[Row], asked: Sequence[Row], count: int) -> list[list[Row]]:
    """For each row that is asked, `count` training examples (fewer where there are fewer), the nearest last.

    Near is what shares rare words with the question: cosine of TF-IDF vectors (Salton and Buckley 1988), as examples
    are chosen in Liu et al. 2021 (arXiv:2101.06804), without a second model. The longest tenth of the training set is
    left out; where more are left, 20,000 take part, chosen by a hash of their ids. `train` is gone through three times.
    """
    places, hashes = _candidates(train)
    if not (count and asked and len(places)):
        return [[] for _ in asked]
    chosen = _nearest(_questions(_at(train, places)), _questions(asked), hashes, count)
    wanted = np.unique(places[chosen])
    found = dict(zip(wanted.tolist(), _at(train, wanted), strict=True))
    return [[found[place] for place in places[nearest[::-1]].tolist()] for nearest in chosen]


def fitting_examples(near: Sequence[Row], tokens: Callable[[Sequence[Row]], int], most: int) -> Sequence[Row]:
    """As many of the nearest examples as fit: the farthest, which come first, are left out one after another.

    `tokens` counts those of the prompt with given examples; it may have `most`. None where not even one fits.
    """
    return next((near[left_out:] for left_out in range(len(near)) if tokens(near[left_out:]) <= most), ())


def _candidates(train: Iterable[Row]) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
    """The places, in order, and hashes of the training rows that may be shown."""
    numbers = np.fromiter(((_length(row), int(example_hash(row)[:16], 16)) for row in train), np.dtype((np.uint64, 2)))
    lengths, hashes = numbers.T
    shorter = np.lexsort((hashes, lengths))[: int(np.ceil(_SHORTER_SHARE * len(numbers)))]
    places = np.sort(shorter[np.argsort(hashes[shorter], kind="stable")][:_MOST_CANDIDATES])
    return places, hashes[places]


def _nearest(shown: Iterable[str], asked: Iterable[str], hashes: NDArray[np.uint64], count: int) -> NDArray[np.intp]:
    """By question, the numbers of the `count` nearest texts, the nearest first; of equals those of lower hashes."""
    # A second of importing, for none but the base's prompts.
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    # Hashed words take no dictionary, and texts without a word are no error.
    words = HashingVectorizer(analyzer=_words, norm=None, alternate_sign=False)
    weight = TfidfTransformer(sublinear_tf=True)
    vectors = weight.fit_transform(words.transform(shown))
    questions = weight.transform(words.transform(asked))
    nearest = []
    for start in range(0, questions.shape[0], _QUESTIONS_AT_ONCE):
        similarities = (questions[start : start + _QUESTIONS_AT_ONCE] @ vectors.T).toarray()
        nearest += [np.lexsort((hashes, -similarity))[:count] for similarity in similarities]
    return np.array(nearest)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _at(rows: Iterable[Row], places: NDArray[np.intp]) -> Iterator[Row]:
    """The rows at `places`, which are in order."""
    wanted = set(places.tolist())
    return (row for place, row in enumerate(rows) if place in wanted)


def _questions(rows: Iterable[Row]) -> Iterator[str]:
    """What is asked in each row, without the instructions."""
    for row in rows:
        yield "\n".join(str(turn["content"]) for turn in row["prompt"] if turn["role"] != "system")


def _length(row: Row) -> int:
    return sum(len(str(turn["content"])) for turn in row["prompt"]) + len(row["answer"])
