"""Broken files of every kind for as long as it is told: python -m tests.fuzz.fuzz_readers [SECONDS [SEED]].

Every input is a small file that a script makes, with pieces cut, doubled, swapped, repeated or replaced. It is
collected as the line does, in a process of its own, since some readers are native code: rows must come out, or a
TinsmithError that names the file, within a minute and some memory. Whatever else happens, be it a crash, a hang or an
exception, is kept in tests/fuzz/found_files/ as the file that caused it, and the command ends with 1.
tests/fuzz/test_fuzz_readers.py runs what was found ever after.
"""

import hashlib
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from pipelines.data.contracts.contract import Contract
from pipelines.data.row_store import write_batches
from pipelines.data.sources.reading import read_source
from pipelines.data.sources.rows import batches_of
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import DocumentsSource, FilesSource
from tests.data.sources.reads import CONTRACT, contract_of
from tests.fuzz.seed_files import DOCUMENTS, FILES

FOUND = Path(__file__).parent / "found_files"
# Of the clock, on a machine that may have more to do.
SLOWEST_SECONDS = 60
MOST_MEMORY = 6 * 2**30
# Longer ones show no more, and cannot be kept.
LARGEST_BYTES = 2**16
_PASSAGES = contract_of(path="string", title="string", section="string", page="integer", text="string")
_PIECES = [
    *(b"\0", b'"', b"\n", b"\r", b",", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80"),
    *(b"<", b">", b"&", b"<!--", b"-->", b"<![CDATA[", b"<div hidden>", b"</", b"<a x='", b"&#x0;", b"&#55296;"),
    *(b"{", b"[", b"}", b"]", b":", b"NaN", b'"a":', b"\\ud800", b"\\u0000", b"1e999", b"9" * 30, b"null"),
    *(b"<<", b">>", b"endobj", b"stream\n", b" 0 R", b"/Length 99999999", b"/Kids[2 0 R]", b"/Encrypt 1 0 R"),
    *(b"\n\n", b"Content-Type: multipart/mixed; boundary=x\n", b"--x\n", b"=?utf-8?q?=F0?=", b"(", b"From "),
    *(b"# ", b"| ", b"```", b"> ", b"- ", b"![", b"](", b"PK\3\4", b"PK\1\2", b"PAR1", b"\x1f\x8b", b"../"),
]


def check(path: Path) -> str:
    """Collect a file as the line does, by its ending; returns how it ended, and raises what must not happen."""
    source: FilesSource | DocumentsSource
    is_document = kind_of(path.name) in DOCUMENTS
    if is_document:
        source, contract = DocumentsSource(type="documents", contract="c", path=str(path)), _PASSAGES
    else:
        shape = "messages" if ".messages." in path.name else None
        source, contract = FilesSource(type="files", contract="c", path=str(path), shape=shape), _contract(shape)
    rows = good = 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            for part in read_source(source, contract):
                kept = list(part.rows)
                write_batches(batches_of(kept, contract), contract, Path(folder, "rows.parquet"))
                rows, good = rows + len(kept), good + sum(not row.faults for row in kept)
    except TinsmithError as error:
        if path.name not in str(error):
            raise AssertionError(f"a mistake without its file: {error}") from None
        return "refused"
    if is_document and not rows:
        raise AssertionError("a document without a row, which nobody would miss")
    return "read" if good else "no good row"


def kind_of(name: str) -> str:
    """The ending by which a file is read: of x.csv.gz it is csv.gz."""
    return name.partition(".")[2]


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """The bytes of a broken file."""
    content = seed
    for _ in range(chance.randint(1, 5)):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice([0, 1, 4, 20, 200]))
        piece = content[start:end]
        changed = chance.choice(
            [
                b"",
                piece * 2,
                piece[::-1],
                chance.choice(_PIECES),
                chance.randbytes(chance.randint(1, 8)),
                bytes(byte ^ 1 << chance.randrange(8) for byte in piece),
                (piece or chance.choice(_PIECES)) * chance.choice([3, 50, 2000]),
                chance.choice([*FILES.values(), *DOCUMENTS.values()])()[: chance.randint(1, 300)],
            ]
        )
        content = content[:start] + changed + content[end:]
    if chance.random() < 0.1:
        content = content[: chance.randrange(len(content) + 1)]
    return content[:LARGEST_BYTES]


def _contract(shape: str | None) -> Contract:
    return contract_of(user="string", assistant="string") if shape else CONTRACT


class Reader:
    """A process that checks files; it is started anew after a crash or a hang."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def end_of(self, path: Path) -> tuple[str, str]:
        """How reading the file ended, and what was said; `broken` where it should not have ended so."""
        if self._process is None:
            self._start()
        assert self._pipe is not None
        self._pipe.send(path)
        try:
            if self._pipe.poll(SLOWEST_SECONDS):
                return self._pipe.recv()
            told = f"took more than {SLOWEST_SECONDS} seconds"
        except EOFError:
            assert self._process is not None
            self._process.join()
            told = f"the process died with {self._process.exitcode}"
        self.stop()
        return "broken", told

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _start(self) -> None:
        self._pipe, far_end = multiprocessing.Pipe()
        # Not forked: kreuzberg and DuckDB have threads, which a copy of this process would wait for.
        self._process = multiprocessing.get_context("spawn").Process(target=_read_files, args=(far_end,), daemon=True)
        self._process.start()
        far_end.close()
        # Starting takes seconds that are no file's.
        assert self._pipe.recv() == "ready"


def _read_files(pipe: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send("ready")
    while True:
        path = pipe.recv()
        try:
            pipe.send((check(path), ""))
        except BaseException as error:  # noqa: BLE001 - whatever it is, a panic of Rust's too, it is what was looked for
            pipe.send(("broken", f"{type(error).__name__}: {str(error)[:200]}"))


def fuzzed(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Kinds and contents of broken files, without end."""
    makers = {**FILES, **DOCUMENTS}
    seeds = {kind: make() for kind, make in makers.items()}
    while True:
        kind = chance.choice(list(seeds))
        yield kind, mutated(seeds[kind], chance)


def main(seconds: float, seed: int) -> int:
    """Fuzz for `seconds`; returns how many inputs broke the readers."""
    ended = time.monotonic() + seconds
    ends: Counter[str] = Counter()
    reader = Reader()
    with tempfile.TemporaryDirectory() as folder:
        for kind, content in fuzzed(random.Random(seed)):
            path = Path(folder, f"fuzzed.{kind}")
            path.write_bytes(content)
            end, told = reader.end_of(path)
            ends[end] += 1
            if end == "broken":
                FOUND.mkdir(exist_ok=True)
                kept = FOUND / f"{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
                kept.write_bytes(content)
                print(f"{kept}: {told}", flush=True)
            path.unlink()
            if time.monotonic() > ended:
                break
    reader.stop()
    print(f"seed {seed}, {seconds:g} s: {ends.total()} files, {dict(ends)}")
    return ends["broken"]


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(float(given[0]) if given else 600, int(given[1]) if given[1:] else 1) > 0)
