"""What every stage does around its work: read the recipe, time itself, and turn a mistake into one line.

A stage's file ends with `run(its_function)`; then `python -m pipelines.stages.<name> <recipe>` works. A stage
whose function has more arguments takes them, where given, from the command line behind the recipe.
"""

import errno
import inspect
import logging
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.files import write_json
from pipelines.model.cost import machine_price
from pipelines.paths import Paths
from pipelines.printable import printable
from pipelines.recipe import Recipe
from pipelines.recipe_reader import read_resolved

Stage = Callable[..., None]


def run(stage: Stage, read: Callable[[str], Recipe] = read_resolved) -> None:
    """Run `stage(recipe, paths, *more)` as the command line says; exits 2 with one line for a user's mistake.

    `read` turns the name into the recipe; every stage but resolve reads what resolve wrote.
    """
    stage_name = Path(sys.argv[0]).stem
    more = [f"[{name.upper()}]" for name in inspect.signature(stage).parameters][2:]
    if not 2 <= len(sys.argv) <= 2 + len(more):
        sys.exit(f"usage: python -m pipelines.stages.{stage_name} {' '.join(['RECIPE', *more])}")
    # A terminated stage unwinds like any other end, so that servers it started stop with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _quiet_libraries()
    started = time.perf_counter()
    try:
        recipe = read(sys.argv[1])
        paths = Paths(recipe.name)
        stage(recipe, paths, *sys.argv[2:])
        note = "-".join([stage_name, *sys.argv[2:]])
        _note_time(paths.reports / "timing" / f"{note}.json", time.perf_counter() - started)
    except KeyboardInterrupt:
        print(f"\n{stage_name}: interrupted; `dvc repro` goes on with what was kept", file=sys.stderr)  # noqa: T201
        sys.exit(128 + signal.SIGINT)
    except TinsmithError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except Exception as error:
        # DuckDB and safetensors have errors of their own, which say it in their text alone.
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        place = error.filename if isinstance(error, OSError) and error.filename else "the disk"
        print(f"error: {printable(str(place))}: no space left; free some and run again", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def _quiet_libraries() -> None:
    """Progress bars only for people at a terminal; no telemetry, no chatter of libraries between our own lines."""
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    for name, value in {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        # OpenMP's threads wait for each other by spinning. Where another program holds a core, the default makes
        # training slower without bound (measured: over 30 times); a short spin costs nothing on an idle machine.
        "GOMP_SPINCOUNT": "10000",
    }.items():
        os.environ.setdefault(name, value)


def _note_time(path: Path, seconds: float) -> None:
    # Of the largest process: a program that a stage starts counts, for a moment, all of its parent's memory.
    peak_kib = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    price = machine_price()
    note = {
        "seconds": round(seconds, 2),
        "peak_memory_bytes": peak_kib * 1024,
        "machine": price.machine,
        "cost": round(seconds * price.per_hour / 3600, 6),
        "currency": price.currency,
    }
    write_json(path, note)
