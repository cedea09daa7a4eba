"""What curation holds is a few numbers for a row, whatever the rows say."""

import random
import tracemalloc

import pytest

from pipelines.data.curation import contamination, near_duplicates
from pipelines.data.curation.contamination import contaminated, grams_of
from pipelines.data.curation.near_duplicates import near_duplicate_clusters

FEW, MANY = 1_000, 5_000
MOST_BYTES = 200  # a row


def texts(count):
    chance = random.Random(4)
    return (" ".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=24)) for _ in range(count))


def rows(count):
    return ((text,) for text in texts(count))


def peak(work):
    work()  # what is loaded once is no memory of rows
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_BATCH", 100)
    monkeypatch.setattr(contamination, "_BATCH", 100)


def test_near_duplicates(tmp_path):
    few, many = (peak(lambda: near_duplicate_clusters(rows(count), 0.8, tmp_path)) for count in (FEW, MANY))  # noqa: B023
    assert many - few < MOST_BYTES * (MANY - FEW)


def test_contamination():
    # Each text is twelve grams, each a number of eight bytes and one of four that says whose it is.
    few, many = (peak(lambda: contaminated(rows(count), grams_of(texts(count)))) for count in (FEW, MANY))  # noqa: B023
    assert many - few < (MOST_BYTES + 12 * 12) * (MANY - FEW)
