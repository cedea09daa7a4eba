"""The rows of a database's table or query, streamed in the order of the contract's primary key.

PostgreSQL is read through ADBC, which gives Arrow batches; every other database through SQLAlchemy and the driver that
its URL names, cell by cell, so that one of a wrong type is that row's fault alone. Nothing of the URL is ever told: it
may hold a password.
"""

import base64
import datetime
import decimal
import os
import uuid
from collections.abc import Iterator, Sequence
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
    if source.table:
        assert source.as_of_column is not None
        place = ".".join(quote(part) for part in source.table.split("."))
        chosen = f"SELECT * FROM {place} WHERE {quote(source.as_of_column)} < :as_of"  # noqa: S608 - quoted names
    else:
        chosen = f"SELECT * FROM ({(source.query or '').strip().rstrip(';')}\n) collected"  # noqa: S608 - the recipe's own
    statement = sqlalchemy.text(f"{chosen} ORDER BY {', '.join(map(quote, keys))}")
    if unknown := sorted(set(statement._bindparams) - {"as_of"}):
        raise TinsmithError(
            f"the query names :{unknown[0]}, and only :as_of has a value; write \\:{unknown[0]} for itself"
        )
    return statement


def _postgresql_batches(
    url: sqlalchemy.URL, source: DatabaseSource, keys: Sequence[str], label: str, contract: Contract
) -> Iterator[pa.RecordBatch]:
    import adbc_driver_postgresql.dbapi as adbc

    dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    statement = _statement(source, keys, dialect).bindparams(sqlalchemy.bindparam("as_of", type_=sqlalchemy.Date))
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    number = 1
    with adbc.connect(dsn) as connection, connection.cursor() as cursor:
        # UTC, so that the day begins everywhere at the same moment.
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
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
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        sqlalchemy.event.listen(engine, "connect", _keep_broken_text)
    # SQLite compares text with text, in the form that ISO 8601 gives it.
    as_of = source.as_of.isoformat() if engine.dialect.name == "sqlite" else source.as_of
    with engine.connect().execution_options(stream_results=True, yield_per=_BATCH_ROWS) as connection:
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
