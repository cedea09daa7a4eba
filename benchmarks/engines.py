"""How many rows a second the privacy screen does on each engine, on the same rows of one machine.

    python -m benchmarks.engines [ROWS]

Rows are those of benchmarks.privacy.speed, persons and addresses looked for in the text. Ray is a cluster of one node
that this program starts, of as many cores as it has itself. Each engine runs in a process of its own; its time counts
from the first row asked for, so with the start of its workers. The function that does nothing shows what the handing
over of rows and results costs, which is the most that a larger cluster could do.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks.machine import machine_line
from benchmarks.privacy.speed import rows
from benchmarks.table import markdown_table
from pipelines.data.engine import mapped
from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.names import find_names
from pipelines.data.privacy.policy import Policy
from pipelines.data.privacy.screening import Screen, screened_rows
from pipelines.recipe import Engine


def measure(engine: Engine, count: int, screening: bool) -> dict[str, Any]:
    """Seconds to the first result and to the last, and a digest of all results."""
    policy = Policy()
    screen = Screen(["body"], {}, Detector(policy.sought(), names=find_names), policy)
    digest = hashlib.sha256()
    started = time.perf_counter()
    first = 0.0
    results = screened_rows(rows(count), screen, engine) if screening else mapped(rows(count), list, engine)
    for _, found in results:
        first = first or time.perf_counter() - started
        digest.update(repr(found).encode())
    return {"first": first, "all": time.perf_counter() - started, "digest": digest.hexdigest()}


def main() -> None:
    """Print one line an engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("--only", nargs=2, metavar=("ENGINE", "STEP"), help="measure one engine and print JSON")
    options = parser.parse_args()
    if options.only:
        engine, step = options.only
        print(json.dumps(measure(engine, options.rows, step == "screen")))
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cores = len(os.sched_getaffinity(0))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cores, "include_dashboard": False})
    runs = [("local", "screen"), ("daft", "screen"), ("ray", "screen"), ("daft", "nothing"), ("ray", "nothing")]
    lines, digests = [], set()
    for engine, step in runs:
        command = [sys.executable, "-m", "benchmarks.engines", str(options.rows), "--only", engine, step]
        done = subprocess.run(
            command, env={**os.environ, "RAY_ADDRESS": cluster.address}, stdout=subprocess.PIPE, check=True
        )
        told = json.loads(done.stdout)
        if step == "screen":
            digests.add(told["digest"])
        lines.append((f"{engine}, {step}", f"{options.rows / told['all']:,.0f}", f"{told['first']:.1f}"))
    cluster.shutdown()
    print(machine_line() + "\n")
    print(markdown_table(["engine, function", "rows/s", "s to the first result"], lines))
    print(f"\n{'The same results' if len(digests) == 1 else 'RESULTS DIFFER'} from all engines.")


if __name__ == "__main__":
    main()
