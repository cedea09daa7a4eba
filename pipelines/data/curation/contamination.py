"""Contamination: training rows that share a run of 13 words, in prompt or answer, with what the model is judged by.

After Brown et al. 2020 (arXiv:2005.14165, appendix C): 13-grams; texts shorter than that are compared as a whole when
they have at least 8 words; a run that more than 10 training rows share is common phrasing and no contamination.
"""

import csv
import gzip
import json
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from pipelines.batches import batched
from pipelines.data.curation.ledger import Mask
from pipelines.data.structures import texts_in
from pipelines.data.words import shingles, words
from pipelines.errors import TinsmithError
from pipelines.parquet import batches_in

GRAM = 13  # words
SHORTEST = 8
MOST_SHARED = 10  # training rows
_BATCH = 1_000  # texts

Numbers = NDArray[np.uint64]


def grams_of(texts: Iterable[str]) -> Numbers:
    """The hashes of all grams of the texts, sorted; some stand there several times."""
    grams = array("Q")  # grows in place: there may be very many
    for batch in batched(texts, _BATCH):
        grams.frombytes(_grams([(text,) for text in batch])[0].tobytes())
    found = np.frombuffer(grams, np.uint64) if grams else np.zeros(0, np.uint64)
    found.sort()
    return found


def contaminated(rows: Iterable[tuple[str, ...]], judged: Numbers) -> Mask:
    """Which training rows, each of some texts, share a gram with `judged` (see grams_of) that at most 10 rows have."""
    shared = np.zeros(len(judged), np.uint8)  # training rows that have the gram at a place; counted to 11 at most
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    total = 0
    for batch in batched(rows, _BATCH):
        sharing, places = _shared(*_grams(batch), judged)
        rare = shared[places] <= MOST_SHARED  # what many rows have is not kept, so that little is
        found.append((sharing[rare] + total, places[rare]))
        each, counts = np.unique(places, return_counts=True)
        shared[each] = np.minimum(shared[each] + counts, MOST_SHARED + 1)
        total += len(batch)
    flags = np.zeros(total, bool)
    for sharing, places in found:
        flags[sharing[shared[places] <= MOST_SHARED]] = True
    return flags


def benchmark_texts(path: Path) -> Iterator[str]:
    """Every text in a benchmark's file: JSON Lines, CSV, Parquet or plain text (a line each), gzipped or not.

    Raises:
        TinsmithError: the file is missing, of another kind or cannot be read.
    """
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    try:
        if kind == ".parquet":
            for batch in batches_in(path):
                yield from texts_in(batch.to_pylist())
            return
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            lines = TextIOWrapper(stream, encoding="utf-8", newline="")
            if kind == ".jsonl":
                yield from _json_lines_texts(lines, path)
            elif kind == ".csv":
                for record in csv.reader(lines):
                    yield from record
            elif kind == ".txt":
                yield from lines
            else:
                raise TinsmithError(f"{path}: a benchmark is .jsonl, .csv, .parquet or .txt, with or without .gz")
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        raise TinsmithError(f"{path}: the benchmark cannot be read ({type(error).__name__})") from None


def _json_lines_texts(lines: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                raise TinsmithError(
                    f"{path}:{number}: the benchmark's line is no JSON, or nested too deeply; mend or delete it"
                ) from None
            yield from texts_in(value)


def _grams(rows: Sequence[tuple[str, ...]]) -> tuple[Numbers, NDArray[np.int64]]:
    """The grams of the rows, in a row each once, and for each the position of its row."""
    hashes = RMinHash.hash_token_sets([list(dict.fromkeys(chain(*map(_grams_in, texts)))) for texts in rows])
    grams = np.fromiter(chain.from_iterable(hashes), np.uint64)
    return grams, np.repeat(np.arange(len(rows)), np.fromiter(map(len, hashes), np.int64))


def _grams_in(text: str) -> list[str]:
    text_words = words(text)
    return shingles(text_words, GRAM) if len(text_words) >= SHORTEST else []


def _shared(grams: Numbers, rows: NDArray[np.int64], judged: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Those of `grams` that stand in `judged`: their rows, and their first places there."""
    if not len(judged):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(grams)  # looked up in order, most of `judged` is near at hand
    grams, rows = grams[order], rows[order]
    places = np.minimum(np.searchsorted(judged, grams), len(judged) - 1)
    there = judged[places] == grams
    return rows[there], places[there]
