"""The rows of a database's table or query, streamed in the order of the contract's primary key.

PostgreSQL is read through ADBC, which gives Arrow batches; every other database through SQLAlchemy and the driver that
its URL names, cell by cell, so that one of a wrong type is that row's fault alone. Nothing of the URL is ever told: it
may hold a password.
"""

import base64
import datetime
import decimal
import os
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy
from sqlalchemy.dialects import postgresql

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.rows import Part, Row, batches_of, places_of, typed_row
from pipelines.data.sources.tables import table_batches
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import DatabaseSource

_BATCH_ROWS = 10_000


def dsn_of(source: DatabaseSource) -> sqlalchemy.URL:
    """The database's URL from the environment; raises TinsmithError where it is not set or is no URL."""
    dsn = os.environ.get(source.dsn_env)
    if not dsn:
        raise TinsmithError(
            f"the environment variable {source.dsn_env} is not set; export {source.dsn_env}=<the database's URL>"
        )
    try:
        url = sqlalchemy.make_url(dsn)
        url.get_dialect()
    except Exception:  # noqa: BLE001 - whatever a driver's import or the parser says may repeat the URL
        raise TinsmithError(
            f"{source.dsn_env} holds no database URL that can be used, such as postgresql://user@host/name; "
            "look at its form, and whether its driver is installed"
        ) from None
    return url


def read_database(source: DatabaseSource, contract: Contract) -> Part:
    """The rows of a database as one part; `line` is a row's number in the order of the primary key.

    Raises:
        TinsmithError: the contract has no primary key; as the rows are read: the database cannot be reached, refuses
            the query, or its answer lacks a column of the contract.
    """
    keys = [column.source_name for column in contract.columns if column.primary_key]
    if not keys:
        raise TinsmithError(
            f"{contract.path}: names no primaryKey, by which a database's rows are ordered and told apart; name it"
        )
    url = dsn_of(source)
    label = source.table or "query"
    if url.get_backend_name() == "postgresql":
        batches = _postgresql_batches(url, source, keys, label, contract)
    else:
        batches = batches_of(_sqlalchemy_rows(url, source, keys, label, contract), contract)
    return Part(label, None, _told(batches, source))


def _told(batches: Iterator[pa.RecordBatch], source: DatabaseSource) -> Iterator[pa.RecordBatch]:
    """The batches, with the database's own errors told without what they repeat of the URL, the query or the data."""
    try:
        yield from batches
    except (TinsmithError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 - each driver has errors of its own
        what = type(getattr(error, "orig", None) or error).__name__
        state = getattr(error, "sqlstate", None)
        raise TinsmithError(
            f"{source.dsn_env}: the database did not answer ({what}{f', SQLSTATE {state}' if state else ''}); look at "
            f"the URL, the network, the rights, and the recipe's {'table' if source.table else 'query'}"
        ) from None


def _statement(source: DatabaseSource, keys: Sequence[str], dialect: sqlalchemy.Dialect) -> sqlalchemy.TextClause:
    """The SQL that reads the rows as they were at the beginning of `as_of`, ordered, with :as_of to be bound."""
    quote = dialect.identifier_preparer.quote_identifier
    if source.table and source.as_of_column:
        chosen = f"SELECT * FROM {_place(source.table, quote)} WHERE {quote(source.as_of_column)} < :as_of"  # noqa: S608
    else:
        chosen = f"SELECT * FROM ({(source.query or '').strip().rstrip(';')}\n) collected"  # noqa: S608 - the recipe's own
    statement = sqlalchemy.text(f"{chosen} ORDER BY {', '.join(map(quote, keys))}")
    if unknown := sorted(set(statement._bindparams) - {"as_of"}):
        raise TinsmithError(
            f"the query names :{unknown[0]}, and only :as_of has a value; write \\:{unknown[0]} for itself"
        )
    return statement


def _place(table: str, quote: Callable[[str], str]) -> str:
    return ".".join(quote(part) for part in table.split("."))


def _check_as_of_column(
    source: DatabaseSource, quote: Callable[[str], str], counted: Callable[[str], int], *, sqlite: bool
) -> None:
    """Raise TinsmithError where the column of times leaves it open whether a row of the table was there on a day."""
    if not (source.table and source.as_of_column):
        return
    column = quote(source.as_of_column)
    unknown = {"is NULL": f"{column} IS NULL"}
    if sqlite:
        # It would compare with a day's text whatever stands there: any number is the smaller one.
        iso = f"typeof({column}) = 'text' AND {column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
        unknown["holds no ISO 8601 time"] = f"{column} IS NOT NULL AND NOT ({iso})"
    for what, condition in unknown.items():
        if rows := counted(f"SELECT count(*) FROM {_place(source.table, quote)} WHERE {condition}"):  # noqa: S608
            raise TinsmithError(
                f"{source.table}: as_of_column {source.as_of_column} {what} in {rows} rows, of which nobody can tell "
                "whether they were there on that day; mend them, or say in a query instead of the table which rows to "
                "read"
            )


def _read_only(url: sqlalchemy.URL, source: DatabaseSource) -> sqlalchemy.URL:
    """The URL of a SQLite file, opened as one that is only read: SQLite makes an empty one where it finds none."""
    if "uri" in url.query:
        return url.update_query_dict({"mode": "ro"})
    if not url.database or url.database == ":memory:":
        return url
    if not Path(url.database).is_file():
        raise TinsmithError(f"{source.dsn_env}: there is no such SQLite file; look at the path in the URL")
    file = f"file:{urllib.parse.quote(url.database)}"
    return url.set(database=file).update_query_dict({"mode": "ro", "uri": "true"})


def _postgresql_batches(
    url: sqlalchemy.URL, source: DatabaseSource, keys: Sequence[str], label: str, contract: Contract
) -> Iterator[pa.RecordBatch]:
    import adbc_driver_postgresql.dbapi as adbc

    dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    statement = _statement(source, keys, dialect).bindparams(sqlalchemy.bindparam("as_of", type_=sqlalchemy.Date))
    quote = dialect.identifier_preparer.quote_identifier
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    number = 1
    with adbc.connect(dsn) as connection, connection.cursor() as cursor:
        # UTC, so that the day begins everywhere at the same moment.
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

        def counted(query: str) -> int:
            cursor.execute(query)
            (count,) = cursor.fetchone() or (0,)
            return int(count)

        _check_as_of_column(source, quote, counted, sqlite=False)
        cursor.execute(str(statement.compile(dialect=dialect)), (source.as_of,))
        reader = cursor.fetch_record_batch()
        for field in reader.schema:
            if (field.metadata or {}).get(b"POSTGRESQL:type") == b"money":
                # The driver gives cents, in whatever unit the server's locale has.
                raise TinsmithError(f"{label}: the column {field.name} is money; cast it to numeric in a query")
        for batch in reader:
            batch.validate(full=True)
            yield from table_batches(batch, label, number, contract, label)
            number += batch.num_rows


def _sqlalchemy_rows(
    url: sqlalchemy.URL, source: DatabaseSource, keys: Sequence[str], label: str, contract: Contract
) -> Iterator[Row]:
    sqlite = url.get_backend_name() == "sqlite"
    url = _read_only(url, source) if sqlite else url
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
    if sqlite:
        sqlalchemy.event.listen(engine, "connect", _keep_broken_text)
    # SQLite compares text with text, in the form that ISO 8601 gives it.
    as_of = source.as_of.isoformat() if sqlite else source.as_of
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.connect().execution_options(stream_results=True, yield_per=_BATCH_ROWS) as connection:
        _check_as_of_column(
            source, quote, lambda query: int(connection.exec_driver_sql(query).scalar() or 0), sqlite=sqlite
        )
        answer = connection.execute(_statement(source, keys, engine.dialect), {"as_of": as_of})
        names = list(answer.keys())
        places = places_of(contract, names, label, "answer")
        for number, row in enumerate(answer, 1):
            yield typed_row(label, number, names, [_cell(value) for value in row], places, contract)


def _keep_broken_text(connection: Any, _: Any) -> None:
    """SQLite stores any bytes as text: those that are not UTF-8 become lone surrogates, by which the row is refused."""
    connection.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA query_only = ON")


def _cell(value: Any) -> tuple[str | None, str]:
    """A cell as the contract reads it, and its kind (see json_records.as_text)."""
    if value is None:
        return None, "-"
    if isinstance(value, bool):
        return str(value).lower(), "b"
    if isinstance(value, int | float):
        return repr(value), "n"
    if isinstance(value, decimal.Decimal):
        return format(value, "f"), "n"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat(), "s"
    if isinstance(value, str | uuid.UUID):
        return str(value), "s"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii"), "o"
    return str(value), "o"
