"""datatrove's MinHash steps on this machine, as its example has them. Arguments: documents, result."""

import json
import resource
import struct
import sys
import tempfile
import time
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.utils.hashing import HashConfig
from datatrove.utils.typeshelper import Languages

BUCKETS, HASHES = 16, 8  # 128 permutations
SHINGLE = 3


def _clusters_of(documents: Path, folder: Path) -> list[int]:
    config = MinhashConfig(
        n_grams=SHINGLE, num_buckets=BUCKETS, hashes_per_bucket=HASHES, hash_config=HashConfig(precision=64)
    )
    names = {name: str(folder / name) for name in ("signatures", "buckets", "clusters")}
    reader = JsonlReader(str(documents.parent), glob_pattern=documents.name)
    signature = MinhashDedupSignature(names["signatures"], config=config, language=Languages.english)
    buckets = MinhashDedupBuckets(names["signatures"], names["buckets"], config=config)
    cluster = MinhashDedupCluster(names["buckets"], names["clusters"], config=config, save_cluster_id=True)
    for number, (steps, tasks) in enumerate((([reader, signature], 1), ([buckets], BUCKETS), ([cluster], 1))):
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=str(folder / f"logs{number}")).run()
    with documents.open("rb") as stream:
        clusters = [-number for number, _ in enumerate(stream, start=1)]
    pairs = (folder / "clusters" / "000000.clusters").read_bytes()
    for document, found in struct.iter_unpack("<II", pairs):
        clusters[document] = found
    return clusters


if __name__ == "__main__":
    given, target = map(Path, sys.argv[1:])
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        found = _clusters_of(given, Path(temporary))
    seconds = time.perf_counter() - started
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    target.write_text(json.dumps({"seconds": seconds, "peak_memory_kib": peak, "clusters": found}))
