"""Databases: SQLite, and a PostgreSQL server that the tests start; nothing of a URL is ever told."""

import datetime
import json
import sqlite3

import adbc_driver_postgresql.dbapi
import pytest

from pipelines.errors import TinsmithError
from pipelines.recipe_sources import DatabaseSource
from tests.data.sources.postgres import binaries, server
from tests.data.sources.reads import collected, contract_of, parts_of, read, refused

CONTRACT = contract_of(id="integer", price="number", body="string")
SOURCE = {"type": "database", "dsn_env": "TICKETS", "table": "tickets", "as_of": "2026-02-01", "as_of_column": "at"}
QUERY = {
    "table": None,
    "as_of_column": None,
    "query": "SELECT id, price, 'x' AS body FROM tickets WHERE at < :as_of AND body <> '\\:no' ;",
}


@pytest.fixture
def sqlite(tmp_path, monkeypatch):
    """A database whose table holds three rows, one of them written too late; more can be done to it."""
    connection = sqlite3.connect(tmp_path / "tickets.db")
    connection.execute("CREATE TABLE tickets (id INTEGER PRIMARY KEY, price NUMERIC, body TEXT, at TEXT, doc BLOB)")
    rows = [(3, 2.5, "c", "2026-01-31 23:59:59"), (1, 1, "a", "2026-01-05"), (2, 0, "b", "2026-02-01 00:00:00")]
    connection.executemany("INSERT INTO tickets (id, price, body, at) VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    monkeypatch.setenv("TICKETS", f"sqlite:///{tmp_path}/tickets.db")
    with connection:
        yield connection
    connection.close()


@pytest.mark.usefixtures("sqlite")
@pytest.mark.parametrize("fields", [{}, QUERY])
def test_a_table_or_a_query_is_read_as_it_was_that_day_in_the_order_of_its_key(fields):
    ((part, rows),) = parts_of(CONTRACT, **SOURCE | fields)
    assert part.label == ("query" if fields else "tickets")
    assert part.sha256 is None
    assert [row[:2] for row in read(rows)] == [("1", "1"), ("3", "2.5")]
    assert [(row.line, row.kinds) for row in rows] == [(1, "nns"), (2, "nns")]


def test_a_cell_of_a_wrong_type_is_left_to_the_contract_and_broken_text_is_refused(sqlite):
    sqlite.execute("UPDATE tickets SET price = 'none yet', doc = x'00' WHERE id = 1")
    sqlite.execute("INSERT INTO tickets VALUES (4, 4, CAST(x'63e9' AS TEXT), '2026-01-01', NULL)")
    sqlite.execute("INSERT INTO tickets VALUES (5, 5, 'nul' || char(0), '2026-01-01', NULL)")
    sqlite.commit()
    rows = collected(CONTRACT, **SOURCE)
    assert (rows[0].texts, rows[0].kinds) == (["1", "none yet", "a"], "nss")
    assert json.loads(rows[0].raw)["doc"] == "AA=="
    assert refused(rows) == [
        (3, ("row: half of a surrogate pair, or bytes that are not utf-8",)),
        (4, ("row: NUL character",)),
    ]
    assert r"c\xe9" in rows[2].raw
    # A backslash that stands there would look the same.
    assert json.loads(rows[2].raw_bytes.decode("latin-1"))["body"] == "c\xe9"
    assert json.loads(rows[3].raw)["body"] == "nul\0"
    assert [row.texts[0] for row in rows if row.faults] == ["4", "5"]


def test_rows_that_as_of_cannot_tell_are_counted_and_stop_the_reading(sqlite):
    sqlite.execute("INSERT INTO tickets VALUES (4, 4, 'x', NULL, NULL)")
    sqlite.commit()
    with pytest.raises(TinsmithError, match=r"^tickets: as_of_column at is NULL in 1 rows, .*; .* query"):
        collected(CONTRACT, **SOURCE)
    sqlite.execute("UPDATE tickets SET at = '' WHERE id = 4")
    sqlite.commit()
    with pytest.raises(TinsmithError, match=r"^tickets: as_of_column at holds no ISO 8601 time in 1 rows, .*"):
        collected(CONTRACT, **SOURCE)


def test_sqlite_times_that_are_numbers_are_refused_and_read_by_a_query(sqlite):
    sqlite.execute("CREATE TABLE sold (id INTEGER PRIMARY KEY, price NUMERIC, body TEXT, at INTEGER)")
    rows = [(1, 1, "a", 1_700_000_000), (2, 1, "b", 1_900_000_000)]  # 2023 and 2030
    sqlite.executemany("INSERT INTO sold VALUES (?, ?, ?, ?)", rows)
    sqlite.commit()
    with pytest.raises(TinsmithError, match=r"^sold: as_of_column at holds no ISO 8601 time in 2 rows"):
        collected(CONTRACT, **SOURCE | {"table": "sold"})
    query = "SELECT * FROM sold WHERE at < CAST(strftime('%s', :as_of) AS INTEGER)"
    assert [row.texts[0] for row in collected(CONTRACT, **SOURCE | QUERY | {"query": query})] == ["1"]


@pytest.mark.parametrize("url", ["sqlite:///{}/ticket.db", "sqlite:///file:{}/ticket.db?uri=true"])
def test_a_sqlite_file_that_is_not_there_is_told_and_not_made(tmp_path, monkeypatch, url):
    monkeypatch.setenv("TICKETS", url.format(tmp_path))
    with pytest.raises(TinsmithError, match=r"^TICKETS: ") as caught:
        collected(CONTRACT, **SOURCE)
    assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("sqlite")
def test_a_sqlite_file_is_read_whatever_characters_its_path_has(tmp_path, monkeypatch):
    (tmp_path / "tickets.db").rename(tmp_path / "100% #1?.db")
    monkeypatch.setenv("TICKETS", f"sqlite:///{tmp_path}/100%25 %231%3F.db")
    assert len(collected(CONTRACT, **SOURCE)) == 2


def test_more_rows_than_a_batch_are_streamed(sqlite):
    sqlite.executemany("INSERT INTO tickets VALUES (?, 1, 'x', '2026-01-01', NULL)", ((n,) for n in range(10, 25_000)))
    sqlite.commit()
    assert [row.line for row in collected(CONTRACT, **SOURCE)] == list(range(1, 24_993))


def test_the_database_is_never_written(sqlite):
    with pytest.raises(TinsmithError, match="the database did not answer"):
        collected(CONTRACT, **SOURCE | QUERY | {"query": "DELETE FROM tickets WHERE at < :as_of RETURNING *"})
    assert sqlite.execute("SELECT count(*) FROM tickets").fetchone() == (3,)


@pytest.mark.usefixtures("sqlite")
def test_what_contract_and_table_do_not_share_is_told():
    with pytest.raises(TinsmithError, match=r"the answer lacks the column bod of c\.odcs\.yaml:10 \(did you mean body"):
        collected(contract_of(id="integer", bod="string"), **SOURCE)
    with pytest.raises(TinsmithError, match="names no primaryKey"):
        collected(contract_of(body="string"), **SOURCE)
    with pytest.raises(TinsmithError, match=r"the query names :day, and only :as_of has a value"):
        collected(CONTRACT, **SOURCE | QUERY | {"query": "SELECT * FROM tickets WHERE at < :as_of AND at > :day"})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sesame@127.0.0.1:9/x",
        "postgresql://me:sesame@/x?host=/nowhere",
        "sqlite:////nowhere/sesame.db",
        "sesame",
        "sesame://me@host/x",
        "mysql://me:sesame@host/x",
        None,
    ],
)
def test_nothing_of_the_url_is_told(monkeypatch, url):
    monkeypatch.delenv("TICKETS", raising=False) if url is None else monkeypatch.setenv("TICKETS", url)
    with pytest.raises(TinsmithError, match="TICKETS") as caught:
        collected(CONTRACT, **SOURCE)
    assert "sesame" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"table": None}, "needs either a table or a query"),
        ({"query": "SELECT 1"}, "needs either a table or a query"),
        ({"as_of_column": None}, "needs as_of_column"),
        ({"table": None, "as_of_column": None, "query": "SELECT 1"}, "the query itself must say which rows were there"),
        ({"table": "tickets; DROP TABLE x"}, "should match pattern"),
        ({"dsn_env": "sqlite:///a.db"}, "should match pattern"),
    ],
)
def test_a_source_that_is_no_snapshot_is_refused(fields, told):
    fields = {"contract": "c", **SOURCE, "as_of": datetime.date(2026, 2, 1)} | fields
    with pytest.raises(ValueError, match=told):
        DatabaseSource(**fields)


TICKETS = (
    "CREATE SCHEMA crm",
    "CREATE TABLE crm.tickets (id bigint PRIMARY KEY, price numeric(20, 2), body text, at timestamptz, paid boolean, "
    "day date, more jsonb, tags text[], code uuid, ratio float8)",
    "INSERT INTO crm.tickets VALUES (9007199254740993, 1234567890123456.78, 'é', '2026-01-31 23:30:00+00', true, "
    "'2026-01-30', '{\"a\": 1}', '{x,y}', '00000000-0000-0000-0000-000000000001', 0.1)",
    "INSERT INTO crm.tickets (id, at, paid, ratio) VALUES (1, '2026-02-01 01:00:00+02', false, 'NaN')",
    "INSERT INTO crm.tickets (id, at, body) VALUES (2, '2026-02-01 00:30:00+00', 'late')",
)


@pytest.fixture(scope="module")
def postgres():
    """The URL of a server whose table holds every type that a company's table has."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server here; install Debian's postgresql to run this")
    with server() as url:
        with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
            for statement in TICKETS:
                cursor.execute(statement)
            connection.commit()
        yield url


ALL = contract_of(
    id="integer",
    price="number",
    body="string",
    at="timestamp",
    paid="boolean",
    day="date",
    more="string",
    tags="string",
    code="string",
    ratio="number",
)


@pytest.mark.parametrize(
    "fields",
    [
        {"table": "crm.tickets"},
        QUERY | {"query": "SELECT *, at::date AS written FROM crm.tickets WHERE at < :as_of"},
    ],
)
def test_postgresql_gives_the_rows_of_that_day(postgres, monkeypatch, fields):
    monkeypatch.setenv("TICKETS", postgres.replace("postgresql://", "postgresql+psycopg://"))
    monkeypatch.setenv("PGTZ", "America/New_York")
    first, second = collected(ALL, **SOURCE | fields)
    assert first.texts == ["1", None, None, "2026-01-31 23:00:00.000000Z", "false", None, None, None, None, "nan"]
    assert second.texts[:7] == [
        "9007199254740993",
        "1234567890123456.78",
        "é",
        "2026-01-31 23:30:00.000000Z",
        "true",
        "2026-01-30",
        '{"a": 1}',
    ]
    assert second.texts[8] == "00000000-0000-0000-0000-000000000001"
    assert second.kinds == "nnssbssosn"


def test_postgresql_is_never_written_and_its_errors_keep_silent(postgres, monkeypatch):
    monkeypatch.setenv("TICKETS", postgres)
    query = "WITH gone AS (DELETE FROM crm.tickets WHERE at < :as_of RETURNING *) SELECT * FROM gone"
    for bad in (
        query,
        "SELECT * FROM nowhere WHERE at < :as_of",
        "SELECT 1/0 AS id FROM crm.tickets WHERE at < :as_of",
    ):
        with pytest.raises(TinsmithError, match=r"^TICKETS: the database did not answer \(\w+, SQLSTATE \w+\)"):
            collected(ALL, **SOURCE | QUERY | {"query": bad})
    assert len(collected(ALL, **SOURCE | {"table": "crm.tickets"})) == 2
    with pytest.raises(TinsmithError, match=r"^crm\.tickets: as_of_column day is NULL in 2 rows"):
        collected(ALL, **SOURCE | {"table": "crm.tickets", "as_of_column": "day"})
    with pytest.raises(TinsmithError, match="the column id is money; cast it to numeric"):
        collected(ALL, **SOURCE | QUERY | {"query": "SELECT 5::money AS id FROM crm.tickets WHERE at < :as_of"})
