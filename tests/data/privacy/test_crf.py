import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.privacy import names
from pipelines.data.privacy.crf import Crf
from pipelines.data.privacy.tokens import located, words_of
from pipelines.data.privacy.word_features import features

MODEL = json.loads(names.MODEL.read_text(encoding="utf-8"))
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=4),
        st.sampled_from(
            ["Grace", "okafor", "the", "12", "High", "Street", "Mr", ".", ",", "\n", "XXXX", "J", "Émile", "3rd"]
        ),
    ),
    max_size=14,
).map(" ".join)


@pytest.fixture(scope="module")
def crf():
    return Crf(names.MODEL)


@settings(deadline=None)
@given(TEXTS)
def test_scores_are_the_sums_of_the_weights_of_the_features_that_training_saw(crf, text):
    words = words_of(text)
    nothing = [0.0] * len(MODEL["labels"])
    summed = [np.sum([MODEL["weights"].get(one, nothing) for one in row], axis=0) for row in features(words)]
    assert np.allclose(crf.scores(words), np.reshape(summed, (-1, len(nothing))), atol=1e-3)


def test_chances_are_those_of_all_ways_to_label_a_text(crf):
    scores = crf.scores(words_of("Dear Grace, hello"))
    labels = range(len(crf.labels))
    ways = list(itertools.product(labels, repeat=len(scores)))
    weights = np.exp(
        [
            sum(scores[place, label] for place, label in enumerate(way))
            + sum(crf.transitions[pair] for pair in itertools.pairwise(way))
            for way in ways
        ]
    )
    expected = [
        [sum(weights[[way[place] == label for way in ways]]) for label in labels] for place in range(len(scores))
    ]
    assert np.allclose(crf.chances(scores), np.array(expected) / weights.sum(), atol=1e-4)


def test_words_that_were_forgotten_are_learnt_anew(crf, monkeypatch):
    before = crf.scores(words_of("Grace Okafor")).copy()
    monkeypatch.setattr("pipelines.data.privacy.crf._MOST_WORDS", len(crf._places) + 3)
    crf.scores(words_of("one two three four"))
    assert len(crf._places) == 4
    assert np.array_equal(crf.scores(words_of("Grace Okafor")), before)


@given(TEXTS)
def test_words_stand_where_they_are_said_to(text):
    words = words_of(text)
    tokens = list(located(text, words))
    assert [text[token.start : token.end] for token in tokens] == words.texts
    lines = [text[: token.start].count("\n") for token in tokens]
    assert words.breaks == [place for place in range(1, len(lines)) if lines[place] > lines[place - 1]]


@given(st.text(st.sampled_from("aB'_1é. \n-")))
def test_ascii_text_has_the_same_words_as_any_other(text):
    plain = text.replace("é", "e")
    assert words_of(plain).texts == words_of(f"{plain} é").texts[:-1]
