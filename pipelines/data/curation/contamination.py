"""Contamination: training rows that share a run of 13 words with what the model is judged by.

After Brown et al. 2020 (arXiv:2005.14165, appendix C): 13-grams; texts shorter than that are compared as a whole when
they have at least 8 words; a run that more than 10 training rows share is common phrasing and no contamination.
"""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rensa import RMinHash

from pipelines.data.curation.ledger import Mask
from pipelines.data.words import shingles, words
from pipelines.errors import TinsmithError

GRAM = 13  # words
SHORTEST = 8
MOST_SHARED = 10  # training rows

Numbers = NDArray[np.uint64]


def grams_of(texts: Iterable[str]) -> Numbers:
    """The hashes of all grams of the texts, sorted, each once."""
    parts = [np.array(_grams(text), np.uint64) for text in texts]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.uint64)


def contaminated(texts: Iterable[str], judged: Numbers) -> Mask:
    """Which training texts share a gram with `judged` (see grams_of) that at most 10 training texts have."""
    rows, hits, total = [], [], 0
    judged = np.append(judged, np.uint64(2**64 - 1))  # so that every gram has a place to be looked up at
    for row, text in enumerate(texts):
        total = row + 1
        grams = np.unique(np.array(_grams(text), np.uint64))
        places = np.searchsorted(judged, grams)
        places = places[judged[places] == grams]
        rows.append(np.full(len(places), row))
        hits.append(places)
    found = np.zeros(total, bool)
    if total:
        places = np.concatenate(hits)
        common = np.bincount(places, minlength=len(judged)) > MOST_SHARED
        found[np.concatenate(rows)[~common[places]]] = True
    return found


def benchmark_texts(path: Path) -> Iterator[str]:
    """Every text in a benchmark's file: JSON Lines, CSV, Parquet or plain text (a line each), gzipped or not.

    Raises:
        TinsmithError: the file is missing, of another kind or cannot be read.
    """
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    try:
        if kind == ".parquet":
            for batch in pq.ParquetFile(path).iter_batches():
                yield from _texts_in(batch.to_pylist())
            return
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            lines = TextIOWrapper(stream, encoding="utf-8", newline="")
            if kind == ".jsonl":
                for line in lines:
                    yield from _texts_in(json.loads(line))
            elif kind == ".csv":
                for record in csv.reader(lines):
                    yield from record
            elif kind == ".txt":
                yield from lines
            else:
                raise TinsmithError(f"{path}: a benchmark is .jsonl, .csv, .parquet or .txt, with or without .gz")
    except (OSError, ValueError, csv.Error) as error:
        raise TinsmithError(f"{path}: the benchmark cannot be read ({type(error).__name__})") from None


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(inner)


def _grams(text: str) -> list[int]:
    text_words = words(text)
    return RMinHash.hash_token_sets([shingles(text_words, GRAM)])[0] if len(text_words) >= SHORTEST else []
