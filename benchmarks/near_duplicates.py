"""Near duplicates among generated tickets: ours against datasketch and datatrove, each in a process of its own.

    python -m venv DATASKETCH && DATASKETCH/bin/pip install datasketch==2.0.0
    python -m venv DATATROVE && DATATROVE/bin/pip install 'datatrove[processing]==0.10.1' orjson spacy
    python -m benchmarks.near_duplicates --datasketch DATASKETCH/bin/python --datatrove DATATROVE/bin/python

All look for word 3-shingles with a Jaccard similarity of 0.8 with 128 permutations. Truth is known exactly: a tenth of
the documents are copies of earlier ones with up to six words changed. Recall: planted pairs of at least 0.8 that end in
one cluster. Precision: documents put into a cluster that have a near duplicate of at least 0.8 in it.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.scratch_project import CHECKOUT
from benchmarks.table import markdown_table
from pipelines.data.words import shingles, words

SIMILARITY = 0.8
SHINGLE = 3
_SEED = 11
_WORDS = 60
_COPIED = 0.1
_MOST_CHANGED = 6
_VOCABULARY = 20_000


@dataclass(frozen=True)
class Tickets:
    """Generated documents, and the planted pairs of an original's and a copy's position."""

    texts: list[str]
    pairs: list[tuple[int, int]]


def tickets(count: int) -> Tickets:
    """`count` seeded documents of 60 words; frequent words are as frequent as in English (Zipf's law)."""
    chance = random.Random(_SEED)
    vocabulary = ["".join(chance.choices("etaoinshrdlucmfwyp", k=chance.randint(2, 9))) for _ in range(_VOCABULARY)]
    weights = [1 / rank for rank in range(1, _VOCABULARY + 1)]
    texts: list[str] = []
    pairs = []
    for number in range(count):
        if texts and chance.random() < _COPIED:
            original = chance.randrange(number)
            said = texts[original].split()
            for place in chance.sample(range(_WORDS), chance.randint(0, _MOST_CHANGED)):
                said[place] = chance.choice(vocabulary)
            pairs.append((original, number))
        else:
            said = chance.choices(vocabulary, weights, k=_WORDS)
        texts.append(" ".join(said))
    return Tickets(texts, pairs)


def judged(given: Tickets, clusters: list[int]) -> tuple[float, float]:
    """Recall and precision of clusters (see the head of this file)."""

    def alike(left: int, right: int) -> bool:
        one, other = (set(shingles(words(given.texts[text]), SHINGLE)) for text in (left, right))
        return len(one & other) >= SIMILARITY * len(one | other)

    near = [pair for pair in given.pairs if alike(*pair)]
    found = sum(clusters[left] == clusters[right] for left, right in near)
    members = defaultdict(list)
    for text, cluster in enumerate(clusters):
        members[cluster].append(text)
    joined = [cluster for cluster in members.values() if len(cluster) > 1]
    right = sum(any(alike(text, other) for other in cluster if other != text) for cluster in joined for text in cluster)
    return found / len(near), right / sum(len(cluster) for cluster in joined)


def compare(count: int, pythons: dict[str, Path], folder: Path) -> str:
    """The results as Markdown; `pythons` maps a peer's name to its interpreter."""
    given = tickets(count)
    documents = folder / "documents.jsonl"
    with documents.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": text, "id": str(n)}) + "\n" for n, text in enumerate(given.texts))
    rows = []
    for name, python in {"ours": Path(sys.executable), **pythons}.items():
        target = folder / f"{name}.json"
        script = CHECKOUT / "benchmarks" / "peers" / f"near_duplicates_{name}.py"
        environment = {"PYTHONPATH": str(CHECKOUT)} if name == "ours" else {}
        subprocess.run([python, script, documents, target], check=True, env=environment, stdout=sys.stderr)
        result = json.loads(target.read_text())
        recall, precision = judged(given, result["clusters"])
        memory = result["peak_memory_kib"] / 2**20
        rows.append([name, f"{result['seconds']:.1f}", f"{recall:.4f}", f"{precision:.4f}", f"{memory:.2f}"])
    head = [f"{count:,} documents", "seconds", "recall", "precision", "peak memory, GiB"]
    return markdown_table(head, rows)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Near duplicates: ours against datasketch and datatrove.")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--datasketch", type=Path, help="the interpreter of its environment")
    parser.add_argument("--datatrove", type=Path, help="the interpreter of its environment")
    given = vars(parser.parse_args())
    pythons = {name: given[name].absolute() for name in ("datasketch", "datatrove") if given[name]}
    with tempfile.TemporaryDirectory() as temporary:
        print(f"{machine_line()}\n\n{compare(given['documents'], pythons, Path(temporary))}")


if __name__ == "__main__":
    _main()
