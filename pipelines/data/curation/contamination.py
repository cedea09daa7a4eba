"""Contamination: training rows that share a run of 13 words, in prompt or answer, with what the model is judged by.

After Brown et al. 2020 (arXiv:2005.14165, appendix C): 13-grams; texts shorter than that are compared as a whole when
they have at least 8 words; a run that more than 10 training rows share is common phrasing and no contamination. But a
row with half of a text's runs, and 13 of them, holds that text, however many rows quote it: a thread's replies do.
"""

import csv
import gzip
import json
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
MOST_SHARED = 10  # training rows, or judged texts
FEWEST_HELD = 13  # grams, which are 25 words in a row: longer than a usual greeting or instruction
_BATCH = 1_000  # texts

Numbers = NDArray[np.uint64]
Places = NDArray[np.int64]
Positions = NDArray[np.uint32]  # half as large, of what is kept for long


@dataclass(frozen=True)
class Judged:
    """The grams of the texts a model is judged by: hashes, sorted, those of several texts as often; each one's text."""

    grams: Numbers
    texts: Positions
    sizes: Places  # of each text, its number of grams


def grams_of(texts: Iterable[str]) -> Judged:
    """All grams of the texts, in each text once."""
    grams, sizes = array("Q"), array("q")  # grow in place: there may be very many
    for batch in batched(texts, _BATCH):
        found, rows = _grams([(text,) for text in batch])
        grams.frombytes(found.tobytes())
        sizes.frombytes(np.bincount(rows, minlength=len(batch)).astype(np.int64).tobytes())
    every = np.frombuffer(grams, np.uint64) if grams else np.zeros(0, np.uint64)
    of_each = np.frombuffer(sizes, np.int64) if sizes else np.zeros(0, np.int64)
    order = np.argsort(every)
    text_of_each = np.repeat(np.arange(len(of_each), dtype=np.uint32), of_each)[order]
    del order  # as large as the grams, which are sorted where they are
    every.sort()
    return Judged(every, text_of_each, of_each)


def contaminated(rows: Iterable[tuple[str, ...]], judged: Judged) -> Mask:
    """Which training rows, each of some texts, share a gram with `judged` that at most 10 rows have, or hold a text."""
    shared = np.zeros(len(judged.grams), np.uint8)  # training rows that have the gram at a place; counted to 11 at most
    found: list[tuple[Positions, Positions]] = []
    holding: list[Places] = []
    total = 0
    for batch in batched(rows, _BATCH):
        sharing, places = _shared(*_grams(batch), judged.grams)
        holding.append(_holding(sharing, places, judged) + total)
        rare = shared[places] <= MOST_SHARED  # what many rows have is not kept, so that little is
        found.append(((sharing[rare] + total).astype(np.uint32), places[rare].astype(np.uint32)))
        each, counts = np.unique(places, return_counts=True)
        shared[each] = np.minimum(shared[each] + counts, MOST_SHARED + 1)
        total += len(batch)
    flags = np.zeros(total, bool)
    for sharing_ones, shared_places in found:
        flags[sharing_ones[shared[shared_places] <= MOST_SHARED]] = True
    for held in holding:
        flags[held] = True
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


def _grams(rows: Sequence[tuple[str, ...]]) -> tuple[Numbers, Places]:
    """The grams of the rows, in a row each once, and for each the position of its row."""
    hashes = RMinHash.hash_token_sets([list(dict.fromkeys(chain(*map(_grams_in, texts)))) for texts in rows])
    grams = np.fromiter(chain.from_iterable(hashes), np.uint64)
    return grams, np.repeat(np.arange(len(rows)), np.fromiter(map(len, hashes), np.int64))


def _grams_in(text: str) -> list[str]:
    text_words = words(text)
    return shingles(text_words, GRAM) if len(text_words) >= SHORTEST else []


def _holding(rows: Places, places: Places, judged: Judged) -> Places:
    """Of the rows that share the grams at `places`, those with half of a judged text's grams, and FEWEST_HELD of them.

    What more than 10 judged texts share, as a signature, is common phrasing there, too, and counts for none of them.
    """
    texts = np.searchsorted(judged.grams, judged.grams[places], "right") - places  # that have the gram
    rare = texts <= MOST_SHARED
    rows, places, texts = rows[rare], places[rare], texts[rare]
    if not len(rows):
        return rows
    nth = np.arange(texts.sum()) - np.repeat(np.cumsum(texts) - texts, texts)  # 0, 1, ... for each gram
    with_gram = judged.texts[np.repeat(places, texts) + nth]
    every = len(judged.sizes)
    pairs, held = np.unique(np.repeat(rows, texts) * every + with_gram, return_counts=True)
    most = (held >= FEWEST_HELD) & (2 * held >= judged.sizes[pairs % every])
    return np.unique(pairs[most] // every)


def _shared(grams: Numbers, rows: Places, judged: Numbers) -> tuple[Places, Places]:
    """Those of `grams` that stand in `judged`: their rows, and their first places there."""
    if not len(judged):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(grams)  # looked up in order, most of `judged` is near at hand
    grams, rows = grams[order], rows[order]
    places = np.minimum(np.searchsorted(judged, grams), len(judged) - 1)
    there = judged[places] == grams
    return rows[there], places[there]
