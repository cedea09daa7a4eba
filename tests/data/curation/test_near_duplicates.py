import random
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.curation import near_duplicates
from pipelines.data.curation.near_duplicates import PERMUTATIONS, SHINGLE, band_rows, near_duplicate_clusters
from pipelines.data.words import shingles, words

VOCABULARY = [f"word{number}" for number in range(400)]


def jaccard(left, right):
    left, right = (set(shingles(words(text), SHINGLE)) for text in (left, right))
    return len(left & right) / len(left | right)


def alone(texts):
    """Rows of one text each."""
    return ((text,) for text in texts)


def edited(random, text, changes):
    changed = text.split()
    for place in random.sample(range(len(changed)), changes):
        changed[place] = random.choice(VOCABULARY)
    return " ".join(changed)


@pytest.fixture
def clusters(tmp_path):
    return lambda texts, similarity=0.8: near_duplicate_clusters(alone(texts), similarity, tmp_path).tolist()


def test_a_few_changed_words_make_a_near_duplicate_and_another_text_does_not(clusters):
    text = "my lamp went dark after the last update and nothing I tried in the app has brought it back since"
    other = "please cancel the order that I placed this morning since I chose the wrong colour by mistake, thanks"
    assert clusters([other, text, text.replace("morning", "evening"), f"{text} thanks", other.upper()]) == [
        0,
        1,
        1,
        1,
        0,
    ]


def test_all_pairs_are_found_and_none_that_is_less_alike(clusters):
    chance = random.Random(3)
    texts = []
    for _ in range(300):
        text = " ".join(chance.choices(VOCABULARY, k=60))
        texts += [text, edited(chance, text, chance.randrange(5))]
    found = clusters(texts)
    for left in range(0, len(texts), 2):
        assert (found[left] == found[left + 1]) == (jaccard(texts[left], texts[left + 1]) >= 0.8)


def test_near_duplicates_of_near_duplicates_are_of_one_cluster(clusters):
    text = VOCABULARY[:60]
    chain = [" ".join([*VOCABULARY[100 : 100 + 3 * step], *text[3 * step :]]) for step in range(6)]
    assert jaccard(chain[0], chain[-1]) < 0.8 <= jaccard(chain[0], chain[1])
    assert clusters(chain) == [0] * 6


def test_very_many_copies_are_one_cluster(clusters):
    assert set(clusters(["the same words in every single row of this table"] * 3000)) == {0}


@given(st.lists(st.sampled_from(["a b c d e f g h i j", "a b c d e f g h i k", "x", "", "y z"]), max_size=8))
@settings(max_examples=30)
def test_equal_texts_always_share_a_cluster(tmp_path_factory, texts):
    found = near_duplicate_clusters(alone(texts), 0.8, tmp_path_factory.mktemp("scratch"))
    for text in set(texts):
        assert len({cluster for cluster, other in zip(found, texts, strict=True) if other == text}) == 1


def naive_clusters(rows, similarity):
    """Every pair compared, text by text, and the smallest position handed on until nothing changes."""
    found = list(range(len(rows)))
    near = [
        pair
        for pair in combinations(range(len(rows)), 2)
        if any(jaccard(left, right) >= similarity for left, right in product(*(rows[place] for place in pair)))
    ]
    for _ in rows:
        for left, right in near:
            found[left] = found[right] = min(found[left], found[right])
    return found


@st.composite
def related_texts(draw):
    """Texts of some lengths, many of them copies of earlier ones with a few words changed."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    texts = [" ".join(chance.choices(VOCABULARY, k=size)) for size in draw(st.lists(st.integers(0, 60), max_size=8))]
    for changes in draw(st.lists(st.integers(0, 4), max_size=20)) if texts else []:
        text = chance.choice(texts)
        texts.append(edited(chance, text, min(changes, len(text.split()))))
    return texts


@given(related_texts(), st.sampled_from([0.9, 1.0]), st.integers(1, 9), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_clusters_on_disk_are_those_of_all_pairs_in_memory(tmp_path_factory, texts, similarity, batch, of_two_texts):
    two = min(of_two_texts, len(texts) // 2)
    rows = [*zip(texts[:two], texts[two : 2 * two], strict=True), *alone(texts[2 * two :])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "_BATCH", batch)
        found = near_duplicate_clusters(rows, similarity, tmp_path_factory.mktemp("scratch"))
    assert found.tolist() == naive_clusters(rows, similarity)


def test_nothing_is_left_on_disk(clusters, tmp_path):
    clusters(["one text", "another text"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("similarity", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_the_bands_find_all_but_a_thousandth_of_pairs_at_the_threshold(similarity):
    rows = band_rows(similarity)
    assert PERMUTATIONS % rows == 0
    assert 1 - (1 - similarity**rows) ** (PERMUTATIONS // rows) >= 0.999


def test_texts_without_words_are_alike_only_where_they_are_equal(tmp_path):
    assert near_duplicate_clusters(alone(["👍", "👎", "...", "👍", ""]), 0.8, tmp_path).tolist() == [0, 1, 2, 0, 4]
