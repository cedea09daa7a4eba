"""datasketch as its documentation shows it: MinHash, then MinHashLSH. Arguments: documents, result."""

import json
import re
import resource
import sys
import time
from pathlib import Path

from datasketch import MinHash, MinHashLSH

SIMILARITY = 0.8
PERMUTATIONS = 128
SHINGLE = 3


def _shingles(text: str) -> list[bytes]:
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[start : start + SHINGLE]).encode() for start in range(max(1, len(words) - SHINGLE + 1))]


def _clusters_of(documents: Path) -> list[int]:
    index = MinHashLSH(threshold=SIMILARITY, num_perm=PERMUTATIONS)
    parents: list[int] = []

    def root(text: int) -> int:
        while parents[text] != text:
            text = parents[text]
        return text

    with documents.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream):
            sketch = MinHash(num_perm=PERMUTATIONS)
            sketch.update_batch(_shingles(json.loads(line)["text"]))
            parents.append(number)
            for other in sorted(index.query(sketch)):
                low, high = sorted((root(other), root(number)))
                parents[high] = low
            index.insert(number, sketch)
    return [root(text) for text in range(len(parents))]


if __name__ == "__main__":
    given, target = map(Path, sys.argv[1:])
    started = time.perf_counter()
    found = _clusters_of(given)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    target.write_text(json.dumps({"seconds": seconds, "peak_memory_kib": peak, "clusters": found}))
