"""Ours, in a process of its own like its peers. Arguments: documents (JSON Lines), result (JSON)."""

import json
import resource
import sys
import time
from pathlib import Path

from pipelines.data.curation.near_duplicates import near_duplicate_clusters

SIMILARITY = 0.8

if __name__ == "__main__":
    documents, target = map(Path, sys.argv[1:])
    started = time.perf_counter()
    with documents.open(encoding="utf-8") as stream:
        texts = ((json.loads(line)["text"],) for line in stream)
        clusters = near_duplicate_clusters(texts, SIMILARITY, target.parent / "scratch")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    target.write_text(json.dumps({"seconds": seconds, "peak_memory_kib": peak, "clusters": clusters.tolist()}))
