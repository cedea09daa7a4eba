"""Near duplicates: texts whose sets of word shingles have a Jaccard similarity of at least a threshold.

MinHash signatures (Broder 1997) are cut into bands; texts that agree on a band are candidates (locality-sensitive
hashing, Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, ch. 3). Candidates are then compared exactly, so that
none is called a near duplicate by chance. Signatures and shingles lie on disk; in memory are a few numbers for a text.
"""

import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from pipelines.batches import batched
from pipelines.data.words import shingles, words

SHINGLE = 3  # words
PERMUTATIONS = 128
_SEED = 42
_RECALL = 0.999  # of the pairs that are just similar enough; more similar ones are found with near certainty
_MOST_COMPARED = 200  # texts of one band's bucket with which a text is compared; 32 bands make up for those left out
_BATCH = 10_000  # texts

Numbers = NDArray[np.uint64]


def near_duplicate_clusters(rows: Iterable[tuple[str, ...]], similarity: float, scratch: Path) -> NDArray[np.int64]:
    """For each row the position of the first row of its cluster; a row without a near duplicate is its own.

    A row has one or more texts, and is a near duplicate of another where any text of each is. Near duplicates of near
    duplicates are of the same cluster. Nothing is left in the folder `scratch`.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        index = _write_index(rows, band_rows(similarity), Path(folder))
        return index.clusters(similarity)


def band_rows(similarity: float) -> int:
    """MinHash values in a band: as many, by powers of two, as still find 99.9% of the pairs at the threshold."""
    rows = 16
    while rows > 1 and 1 - (1 - similarity**rows) ** (PERMUTATIONS // rows) < _RECALL:
        rows //= 2
    return rows


@dataclass(frozen=True)
class _Index:
    """Shingles and bands of all texts, on disk: text i's shingles are those between offsets i and i + 1.

    `rows` has each text's row.
    """

    folder: Path
    bands: int
    offsets: "array[int]"
    rows: "array[int]"

    def clusters(self, similarity: float) -> NDArray[np.int64]:
        """For each row the number of its cluster, the position of the first row in it."""
        row_of = self.rows
        rows = np.array(row_of, np.int64)
        forest = _Forest(int(rows[-1]) + 1 if len(rows) else 0)
        with (self.folder / "shingles").open("rb") as stream:
            descriptor = stream.fileno()

            @lru_cache(maxsize=4096)
            def shingles_of(text: int) -> frozenset[int]:
                start, end = self.offsets[text], self.offsets[text + 1]
                return frozenset(np.frombuffer(os.pread(descriptor, 8 * (end - start), 8 * start), np.uint64).tolist())

            def similar(left: int, right: int) -> bool:
                shared = len(shingles_of(left) & shingles_of(right))
                return shared >= similarity * (len(shingles_of(left)) + len(shingles_of(right)) - shared)

            for band in range(self.bands):
                keys = np.fromfile(self.folder / f"band{band}", np.uint64)
                for bucket in _buckets(keys, forest.roots()[rows]):
                    for place, text in enumerate(bucket):
                        for other in bucket[max(0, place - _MOST_COMPARED) : place]:
                            if forest.root(row_of[text]) != forest.root(row_of[other]) and similar(text, other):
                                forest.join(row_of[text], row_of[other])
        return forest.roots()


class _Forest:
    """Disjoint sets of 0 ... size - 1; the root of a set is its smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = array("q", range(size))

    def root(self, member: int) -> int:
        while (parent := self._parent[member]) != member:
            self._parent[member] = member = self._parent[parent]
        return member

    def roots(self) -> NDArray[np.int64]:
        """The root of every member."""
        parents = np.array(self._parent, np.int64)
        while not np.array_equal(above := parents[parents], parents):
            parents = above
        return parents

    def join(self, left: int, right: int) -> None:
        low, high = sorted((self.root(left), self.root(right)))
        self._parent[high] = low


def _write_index(rows: Iterable[tuple[str, ...]], in_band: int, folder: Path) -> _Index:
    bands = PERMUTATIONS // in_band
    # Odd multipliers: the sum of products tells two bands apart but for one chance in some billions of billions.
    multipliers = np.random.default_rng(_SEED).integers(1, 2**63, in_band, dtype=np.uint64) * np.uint64(2) + np.uint64(
        1
    )
    offsets, row_of = array("q", [0]), array("q")
    streams = [(folder / f"band{band}").open("wb") for band in range(bands)]
    with (folder / "shingles").open("wb") as shingle_stream:
        texts = ((row, text) for row, row_texts in enumerate(rows) for text in row_texts)
        for batch in batched(texts, _BATCH):
            row_of.extend(row for row, _ in batch)
            # Texts without words, such as one sign each, are not alike for that.
            hashes = RMinHash.hash_token_sets([shingles(words(text) or [text], SHINGLE) for _, text in batch])
            flat = np.fromiter(chain.from_iterable(hashes), np.uint64)
            flat.tofile(shingle_stream)
            ends = np.cumsum([0, *map(len, hashes)])
            digests = RMinHash.digest_matrix_from_flat_token_hashes(flat, ends.tolist(), PERMUTATIONS, _SEED).to_rows()
            offsets.extend((offsets[-1] + ends[1:]).tolist())
            signatures = np.array(digests, np.uint64).reshape(len(batch), bands, in_band)
            for stream, keys in zip(streams, (signatures @ multipliers).T, strict=True):
                keys.tofile(stream)
    for stream in streams:
        stream.close()
    return _Index(folder, bands, offsets, row_of)


def _buckets(keys: Numbers, roots: NDArray[np.int64]) -> Iterator[list[int]]:
    """The positions of equal keys, in order, where they have more than one root."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(keys[order]) != 0))
    ends = np.append(starts[1:], len(keys))
    several = ends - starts > 1
    roots = roots[order]
    several &= np.minimum.reduceat(roots, starts) != np.maximum.reduceat(roots, starts)
    for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
        yield order[start:end].tolist()
