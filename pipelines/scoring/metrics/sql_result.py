"""SQL judged by what it gives: run read-only, on the recipe's database, beside the expected query."""

import re
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import numpy as np

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.figures import Row, Scores, Texts
from pipelines.scoring.metrics.strict_json import without_fence

# The rows of a result, at most so many as asked for; raises QueryError.
Fetch = Callable[[str, int], list[tuple[Any, ...]]]

MOST_SECONDS = 10.0
_MOST_ROWS = 100_000
_MEMORY = "512MB"
_SHOWN = 5
_SQLITE, _DUCKDB = b"SQLite format 3\x00", b"DUCK"
# What a SELECT needs, and nothing that writes, attaches, or sets.
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_LONGEST_SQLITE_VALUE = 10_000_000
_SQLITE_STEPS = 10_000
_QUOTED_OR_COMMENT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.S)
_INNERMOST = re.compile(r"\([^()]*\)")
_ORDER_BY = re.compile(r"\border\s+by\b", re.I)


class QueryError(Exception):
    """A query is no single SELECT, fails, or takes too long."""


def sql_results(path: Path, rows: Sequence[Row], answers: Texts) -> Scores:
    """1 where the answer's query gives the expected query's result, else 0, as where it fails or takes too long.

    The order of rows counts where the expected query is ordered; that of columns always counts, their names never.
    Fractions are compared to nine digits, and of long results the first 100,000 rows. A code fence around a query does
    not count.

    Raises:
        TinsmithError: the database cannot be opened or built, or expected queries do not run on it.
    """
    failed: list[str] = []
    scores = np.zeros(len(rows))
    with _database(path) as fetch:
        for place, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            try:
                wanted = fetch(without_fence(row["answer"]), _MOST_ROWS)
            except QueryError:
                failed.append(row["example_id"])
                continue
            try:
                found = fetch(without_fence(answer), min(len(wanted) + 1, _MOST_ROWS))
            except QueryError:
                continue
            scores[place] = _same(wanted, found, is_ordered(row["answer"]))
    if failed:
        raise TinsmithError(
            f"evaluate.sql_database: {path}: the expected queries of {len(failed)} of {len(rows)} rows do not run on "
            f"it (first: {', '.join(failed[:_SHOWN])}); mend the database or these rows"
        )
    return scores


def is_ordered(query: str) -> bool:
    """Whether a query's own result is ordered: it has an ORDER BY outside of quotes, comments and brackets."""
    bare, fewer = "", _QUOTED_OR_COMMENT.sub(" ", query)
    while bare != fewer:
        bare, fewer = fewer, _INNERMOST.sub(" ", fewer)
    return _ORDER_BY.search(bare) is not None


def _same(wanted: list[tuple[Any, ...]], found: list[tuple[Any, ...]], ordered: bool) -> bool:
    one, other = [_comparable(row) for row in wanted], [_comparable(row) for row in found]
    return one == other if ordered else Counter(one) == Counter(other)


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_comparable_value(value) for value in row)


def _comparable_value(value: Any) -> Any:
    if isinstance(value, int):
        return value
    if isinstance(value, float | Decimal):
        number = float(value)
        return int(number) if number.is_integer() else f"{number:.9g}"
    return type(value).__name__, repr(value)


def check_database(path: Path) -> None:
    """Raise TinsmithError where the database is not there, or cannot be opened or built."""
    with _database(path):
        pass


@contextmanager
def _database(path: Path) -> Iterator[Fetch]:
    """The database in a file of DuckDB or SQLite, or the one that a script in DuckDB's SQL builds."""
    if not path.is_file():
        raise TinsmithError(f"evaluate.sql_database: {path}: there is no such file; name it relative to the project")
    with path.open("rb") as stream:
        head = stream.read(16)
    if head == _SQLITE:
        with _sqlite(path) as fetch:
            yield fetch
    elif head[8:12] == _DUCKDB:
        with _duckdb(path) as fetch:
            yield fetch
    else:
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / "built.duckdb"
            _build(path, built)
            with _duckdb(built) as fetch:
                yield fetch


def _build(script: Path, built: Path) -> None:
    try:
        with closing(duckdb.connect(str(built))) as database:
            database.execute(script.read_text(encoding="utf-8"))
    except (duckdb.Error, UnicodeDecodeError) as error:
        # DuckDB's words may hold values.
        raise TinsmithError(
            f"evaluate.sql_database: {script}: DuckDB cannot build a database by it ({type(error).__name__})"
        ) from None


@contextmanager
def _duckdb(path: Path) -> Iterator[Fetch]:
    """Reads a database, and no file, no network and no variable of this program beside it."""
    limits = {"memory_limit": _MEMORY, "temp_directory": "", "threads": 1}
    try:
        opened = duckdb.connect(str(path), read_only=True, config=limits)
    except duckdb.Error as error:
        raise TinsmithError(f"evaluate.sql_database: {path}: DuckDB cannot open it ({type(error).__name__})") from None
    with closing(opened) as database:
        database.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
        database.execute("SET enable_external_access = false; SET lock_configuration = true")

        def fetch(query: str, most: int) -> list[tuple[Any, ...]]:
            timer = threading.Timer(MOST_SECONDS, database.interrupt)
            timer.start()
            try:
                kinds = [statement.type for statement in database.extract_statements(query)]
                if kinds != [duckdb.StatementType.SELECT]:
                    raise QueryError("is no single SELECT")
                return list(database.execute(query).fetchmany(most))
            except (duckdb.Error, ValueError, OverflowError) as error:
                raise QueryError(type(error).__name__) from None
            finally:
                timer.cancel()
                timer.join()

        yield fetch


@contextmanager
def _sqlite(path: Path) -> Iterator[Fetch]:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        database.text_factory = lambda raw: raw.decode("utf-8", "replace")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_SQLITE_VALUE)
        database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)

        def fetch(query: str, most: int) -> list[tuple[Any, ...]]:
            deadline = time.monotonic() + MOST_SECONDS
            database.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS)
            try:
                return database.execute(query).fetchmany(most)
            except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
                raise QueryError(type(error).__name__) from None

        yield fetch
