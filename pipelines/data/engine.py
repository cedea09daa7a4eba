"""Functions that judge each row by itself, over all rows: in processes of this machine, on Daft, or on a Ray cluster.

Daft (https://docs.daft.ai) runs in this process or, over Ray, on many machines. Either way it is handed pickled
batches and gives pickled results back, so that a row comes through unchanged whatever its types are.
"""

import atexit
import importlib.util
import multiprocessing
import os
import pickle  # what workers of our own send back over the cluster's own connections, which Ray pickles, too
import socket
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, cached_property
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

import pipelines
from pipelines.batches import batched
from pipelines.errors import TinsmithError
from pipelines.recipe import Engine

Item = TypeVar("Item")
Result = TypeVar("Result")
_BATCH = 400
# Fewer items are done sooner than processes of this machine are started.
_FEW = 4_000
_AHEAD = 3
# Sent to a worker at a time, some 160,000 rows of 60 words: long against the seconds that workers take to start.
_BYTES_A_WORKER = 64 * 2**20
# Both would report their use. A cluster's own reports are switched off where it is started (docs/recipes.md).
_SILENT = {"DAFT_ANALYTICS_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0", "DO_NOT_TRACK": "1", "DAFT_PROGRESS_BAR": "0"}


def engine_mistake(engine: Engine) -> str | None:
    """What stands in the way of an engine, in a line that says how to mend it."""
    needed = {"local": (), "daft": ("daft",), "ray": ("daft", "ray")}[engine]
    missing = [package for package in needed if importlib.util.find_spec(package) is None]
    if missing:
        return f"{engine} needs {' and '.join(missing)}; pip install 'tinsmith[scale]'"
    if engine == "ray" and not os.environ.get("RAY_ADDRESS"):
        return "the environment variable RAY_ADDRESS is not set; it says where the cluster is, such as 10.0.0.1:6379"
    return None


def mapped(
    items: Iterable[Item],
    function: Callable[[list[Item]], list[Result]],
    engine: Engine = "local",
    workers: int | None = None,
) -> Iterator[tuple[Item, Result]]:
    """Each item and what `function` makes of it, in order; the same for any engine and number of workers.

    `function` turns a list of items into a list of as many results, each from its item alone. It is pickled, once for
    a worker, except by the local engine. In memory are a few batches of 400 items a worker, or, on Daft, at most some
    64 MiB of pickled items a worker with their results. `workers` are all cores of the machine or cluster by default.

    Raises:
        TinsmithError: the engine cannot run, or `function` failed on it; such a message holds no values of the data.
    """
    if engine == "local":
        return _on_processes(items, function, workers)
    return _on_daft(items, function, engine, workers)


def _on_processes(
    items: Iterable[Item], function: Callable[[list[Item]], list[Result]], workers: int | None
) -> Iterator[tuple[Item, Result]]:
    count = workers or len(os.sched_getaffinity(0))
    items = iter(items)
    first = list(islice(items, _FEW)) if workers is None else []
    batches = batched(chain(first, items), _BATCH)
    if count == 1 or (len(first) < _FEW and workers is None):
        for batch in batches:
            yield from zip(batch, function(batch), strict=True)
        return
    # Unlike multiprocessing.Pool, an executor tells when a worker was killed, where the pool would wait for ever.
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("fork"), _use, (function,))
    waiting: deque[tuple[list[Item], Future[list[Result]]]] = deque()
    try:
        for batch in batches:
            waiting.append((batch, pool.submit(_apply, batch)))
            if len(waiting) >= _AHEAD * count:
                yield from _ready(waiting)
        while waiting:
            yield from _ready(waiting)
    except BrokenProcessPool:
        raise TinsmithError(
            "data.engine: local: a process that worked on rows was killed, most often since memory ran out; close "
            "other programs, or use a machine with more memory"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_function: Callable[[list[Any]], list[Any]]


def _use(function: Callable[[list[Any]], list[Any]]) -> None:
    global _function
    _function = function


def _apply(batch: list[Any]) -> list[Any]:
    return _function(batch)


def _ready(waiting: deque[tuple[list[Item], Future[list[Result]]]]) -> Iterator[tuple[Item, Result]]:
    batch, result = waiting.popleft()
    yield from zip(batch, result.result(), strict=True)


def _on_daft(
    items: Iterable[Item], function: Callable[[list[Item]], list[Result]], engine: Engine, workers: int | None
) -> Iterator[tuple[Item, Result]]:
    if mistake := engine_mistake(engine):
        raise TinsmithError(f"data.engine: {mistake}")
    cores = _start(engine)
    count = workers or cores
    pickled = pickle.dumps(function)
    for chunk in _chunks(items, count * _BYTES_A_WORKER):
        for batch, result in zip(chunk, _in_order(_results(chunk, pickled, engine, count)), strict=True):
            done = pickle.loads(result)  # noqa: S301
            if isinstance(done, _Failure):
                raise TinsmithError(f"data.engine: {engine}: {done.what}")
            yield from zip(pickle.loads(batch), done, strict=True)  # noqa: S301


def _chunks(items: Iterable[Any], most: int) -> Iterator[list[bytes]]:
    """Pickled batches, together `most` bytes or a batch more."""
    chunk: list[bytes] = []
    size = 0
    for batch in batched(items, _BATCH):
        chunk.append(pickle.dumps(batch))
        size += len(chunk[-1])
        if size >= most:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _in_order(results: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Numbered results by their numbers, each as soon as all before it have come."""
    early: dict[int, bytes] = {}
    wanted = 0
    for number, result in results:
        early[number] = result
        while wanted in early:
            yield early.pop(wanted)
            wanted += 1


@cache
def _start(engine: Engine) -> int:
    """Choose Daft's runner, which it lets a process do once; gives the number of workers."""
    os.environ.update(_SILENT)
    import daft

    if engine == "daft":
        # Its threads abort an interpreter that ends within milliseconds behind a query (0.7.26).
        atexit.register(time.sleep, 0.5)
        daft.set_runner_native()
        return len(os.sched_getaffinity(0))
    import ray

    host, _, port = os.environ["RAY_ADDRESS"].rpartition(":")
    try:
        if host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        # Workers run this very code, whatever they have installed. What they print stays in the cluster's logs.
        ray.init(runtime_env={"py_modules": [pipelines]}, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        raise TinsmithError(
            f"data.engine: ray: no cluster answers at RAY_ADDRESS={os.environ['RAY_ADDRESS']}: {_first_line(error)}"
        ) from None
    daft.set_runner_ray(noop_if_initialized=True)
    return int(ray.cluster_resources()["CPU"])


def _results(chunk: list[bytes], function: bytes, engine: Engine, workers: int) -> Iterator[tuple[int, bytes]]:
    """The number and result of each pickled batch, as they come."""
    import daft

    rows = daft.from_pydict({"number": list(range(len(chunk))), "batch": chunk})
    # A worker takes a part of the rows at a time.
    rows = rows.into_partitions(min(len(chunk), _AHEAD * workers)) if engine == "ray" else rows.into_batches(1)
    # Threads of one process would take turns at the interpreter; on Ray a worker is a process anyway.
    worker = daft.cls(_Worker, max_concurrency=workers, use_process=engine == "daft" or None)(function)
    parts = rows.select(rows["number"], worker.result(rows["batch"]).alias("result")).iter_partitions()
    try:
        for part in parts:
            table = _fetched(part, engine).to_pydict()
            yield from zip(table["number"], table["result"], strict=True)
    except Exception as error:  # Daft's and Ray's own; what the function raises comes as a _Failure
        raise TinsmithError(f"data.engine: {engine}: {_first_line(error)}") from error
    finally:
        if engine == "daft":  # nor may it end during one, as it would behind a mistake in a row
            deque(parts, maxlen=0)


def _fetched(part: Any, engine: Engine) -> Any:
    if engine == "daft":
        return part
    import ray

    return ray.get(part)


class _Failure(NamedTuple):
    what: str


class _Worker:
    """What runs in Daft's workers: `function`, pickled, on one pickled batch after another."""

    def __init__(self, function: bytes) -> None:
        self._pickled = function
        self._failure: _Failure | None = None

    @cached_property
    def _function(self) -> Callable[[list[Any]], list[Any]]:
        function: Callable[[list[Any]], list[Any]] = pickle.loads(self._pickled)  # noqa: S301
        return function

    def result(self, batch: bytes) -> bytes:
        """The pickled results of a batch, or a _Failure: an exception would be logged, and may quote the data."""
        if self._failure is None:
            try:
                return pickle.dumps(self._function(pickle.loads(batch)))  # noqa: S301
            except TinsmithError as error:
                self._failure = _Failure(str(error))
            except Exception as error:  # noqa: BLE001 - told again where it does not reach the cluster's logs
                place = traceback.extract_tb(error.__traceback__)[-1]
                told = f"{type(error).__name__} at {place.filename}:{place.lineno}"
                self._failure = _Failure(f"{told}; `engine: local` shows all of it")
        return pickle.dumps(self._failure)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
