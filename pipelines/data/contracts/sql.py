"""SQL that a contract's author wrote: let through only as one SELECT over the data set that gives the same every time.

It runs in a database of its own that knows the accepted rows and nothing else: no files, no network, no settings to
change, no variable of this program, little memory, and a time-out.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from pipelines.data.contracts.values import quoted

MOST_SECONDS = 60.0
_MEMORY = "512MB"
_PLACEHOLDER = re.compile(r"\$?\{(\w+)\}")
_TABLE, _COLUMN = {"table", "object", "model", "schema"}, {"column", "property", "field"}
_SQL_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "time": "TIME",
    "object": "VARCHAR",
    "array": "VARCHAR",
}
_TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}
# What DuckDB does not mark as changing: the clock's words, a function that subtracts from today when it is given one
# argument, and what tells of the machine.
_CHANGING = {
    *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "age"),
    *("current_setting", "version"),
}


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def filled(query: str, table: str, column: str | None) -> str:
    """The query with its placeholders, as `{object}` and `${column}`, replaced by names; unknown ones stay."""

    def name(found: re.Match[str]) -> str:
        if found[1] in _TABLE:
            return identifier(table)
        return identifier(column) if found[1] in _COLUMN and column is not None else found[0]

    return _PLACEHOLDER.sub(name, query)


def sql_mistake(query: str, table: str, types: Mapping[str, str]) -> str | None:
    """Why a query, its placeholders filled, must not or cannot run; None where it may.

    `types` gives the table's columns with their logical types.
    """
    if unfilled := re.search(r"\$\{\w+\}", query):
        return f"{unfilled[0]} is not known here; allowed: ${{table}}, and at a column ${{column}}"
    if len({name.lower() for name in types}) != len(types):
        return "cannot tell columns that differ in capitals only; rename one"
    columns = ", ".join(f"{identifier(name)} {_SQL_TYPES[kind]}" for name, kind in types.items())
    with _locked(f"CREATE TABLE {identifier(table)} ({columns})", None) as database:
        if mistake := _unsafe(database, query, {name.lower() for name in types}):
            return mistake
        try:
            with interrupted_after(database, MOST_SECONDS):
                described = database.execute(f"DESCRIBE {query}").fetchall()
        except duckdb.Error as error:
            return f"DuckDB says: {_first_line(error)}"
    return None if len(described) == 1 else "must give one number, and gives several columns"


def measured_by(query: str, table: str, rows: Path, seconds: float = MOST_SECONDS) -> float | None:
    """The number that a query gives over the Parquet file `rows`, None for NULL.

    Raises:
        ValueError: it runs too long, needs too much memory, fails on these rows, or does not give one number; the
            message says which, without values.
    """
    view = f"CREATE VIEW {identifier(table)} AS SELECT * EXCLUDE (_record) FROM read_parquet({quoted(str(rows))})"  # noqa: S608 - quoted
    with _locked(view, rows) as database:
        try:
            with interrupted_after(database, seconds):
                found = database.execute(query).fetchmany(2)
        except duckdb.InterruptException:
            raise ValueError(f"ran longer than {seconds:g} seconds; make it simpler") from None
        except duckdb.OutOfMemoryException:
            raise ValueError(f"needs more than {_MEMORY} of memory; make it simpler") from None
        except duckdb.Error as error:
            # DuckDB's words may hold values, as in `Could not convert string 'x'`.
            raise ValueError(f"failed on these rows ({type(error).__name__}); guard it, as with TRY_CAST") from None
    if len(found) == 1 and found[0][0] is None:
        return None
    try:
        ((value,),) = found
        return float(value)
    except (TypeError, ValueError):
        raise ValueError("must give one number") from None


@contextmanager
def interrupted_after(database: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what runs in `database` when the block takes longer."""
    timer = threading.Timer(seconds, database.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _locked(table: str, file: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with one table or view, that can read `file` and touch nothing else."""
    with closing(duckdb.connect(":memory:", config={"memory_limit": _MEMORY, "temp_directory": ""})) as database:
        if file is not None:
            database.execute(f"SET allowed_paths = [{quoted(str(file))}]")
        database.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
        database.execute(table)
        database.execute("SET enable_external_access = false; SET lock_configuration = true")
        yield database


def _unsafe(database: duckdb.DuckDBPyConnection, query: str, columns: set[str]) -> str | None:
    parsed = json.loads(database.execute(f"SELECT json_serialize_sql({quoted(query)})").fetchall()[0][0])
    if parsed["error"]:
        return f"must be one SELECT ({parsed['error_message'].splitlines()[0]})"
    if len(parsed["statements"]) != 1:
        return "must be one SELECT"
    changing = _CHANGING | _functions(database, "stability <> 'CONSISTENT'")
    macros = _functions(database, "function_type LIKE '%macro'")
    for node in _nodes(parsed["statements"]):
        if node.get("type") == "TABLE_FUNCTION" and node["function"]["function_name"] not in _TABLE_FUNCTIONS:
            return f"{node['function']['function_name']} reads from elsewhere; use the data set's own table"
        word = str(node.get("function_name") or _single_name(node, columns) or "").lower()
        if word in changing:
            return f"{word} is not the same on every run; compare with a fixed value"
        if word in macros:
            return f"{word} is a macro of DuckDB, which may do anything; use its functions"
    return None


def _functions(database: duckdb.DuckDBPyConnection, which: str) -> set[str]:
    found = database.execute(f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE {which}").fetchall()  # noqa: S608 - fixed words
    return {name for (name,) in found}


def _single_name(node: dict[str, Any], columns: set[str]) -> str | None:
    """The word of a column reference that names no column: the clock's words are parsed as such."""
    names = node.get("column_names", [])
    return names[0] if len(names) == 1 and names[0].lower() not in columns else None


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending += node.values()
        elif isinstance(node, list):
            pending += node


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
