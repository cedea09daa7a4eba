"""SQL of a contract: what is let through, and that it can reach nothing but the accepted rows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.contracts.sql import filled, measured_by, sql_mistake

TYPES = {"a": "integer", "b": "string", "seen": "timestamp"}
CHANGES = "is not the same on every run; compare with a fixed value"


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "accepted.parquet"
    pq.write_table(pa.table({"a": [1, 2, None], "b": ["x", "y", "z"], "_record": ["r"] * 3}), path)
    return path


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT count(*) FROM t", None),
        ("SELECT count(*) FROM t WHERE seen > TIMESTAMPTZ '2026-01-01' -- comment", None),
        ("WITH big AS (SELECT * FROM t WHERE a > 1) SELECT count(*) FROM big;", None),
        ("SELECT count(*) FROM t, range(3)", None),
        ("DROP TABLE t", "must be one SELECT"),
        ("SELECT 1; DROP TABLE t", "must be one SELECT"),
        ("INSERT INTO t VALUES (1)", "must be one SELECT"),
        ("COPY t TO 'x.csv'", "must be one SELECT"),
        ("SET threads = 1", "must be one SELECT"),
        ("", "must be one SELECT"),
        ("SELEC 1", "must be one SELECT"),
        ("SELECT a, b FROM t", "must give one number, and gives several columns"),
        ("SELECT count(c) FROM t", 'Referenced column "c" not found'),
        ("SELECT count(*) FROM other", "Table with name other does not exist"),
        ("SELECT count(*) FROM '/etc/passwd'", "does not exist"),
        ("SELECT count(*) FROM read_text('/etc/passwd')", "read_text reads from elsewhere"),
        ("SELECT count(*) FROM glob('/*')", "glob reads from elsewhere"),
        ("SELECT count(*) FROM duckdb_settings()", "duckdb_settings reads from elsewhere"),
        ("SELECT random()", f"random {CHANGES}"),
        ("SELECT count(*) FROM t WHERE seen < now()", f"now {CHANGES}"),
        ("SELECT count(*) FROM t WHERE seen < current_timestamp", f"current_timestamp {CHANGES}"),
        ("SELECT count(*) FROM t WHERE age(seen::TIMESTAMP) > INTERVAL 1 DAY", f"age {CHANGES}"),
        ("SELECT sleep_ms(1000)", f"sleep_ms {CHANGES}"),
        ("SELECT count(*) FROM ${schemas}", "${schemas} is not known here; allowed: ${table}"),
    ],
)
def test_only_one_select_that_always_gives_the_same_is_let_through(query, told):
    mistake = sql_mistake(query, "t", TYPES)
    assert mistake is None if told is None else told in str(mistake)


@pytest.mark.parametrize("table", ["{object}", "${table}", "${object}"])
@pytest.mark.parametrize("column", ["{property}", "${column}"])
def test_placeholders_become_names_that_are_quoted(table, column):
    query = filled(f"SELECT max({column}) FROM {table}", 'my "table"', "select")
    assert query == 'SELECT max("select") FROM "my ""table"""'
    assert sql_mistake(query, 'my "table"', {"select": "integer"}) is None


def test_a_query_gives_a_number_of_the_accepted_rows_or_nothing(rows):
    assert measured_by("SELECT sum(a) FROM t", "t", rows) == 3
    assert measured_by("SELECT max(a) FROM t WHERE a > 9", "t", rows) is None


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT a FROM t", "must give one number"),
        ("SELECT b FROM t WHERE a = 1", "must give one number"),
        ("SELECT a FROM t WHERE a > 9", "must give one number"),
        ("SELECT CAST(b AS INT) FROM t", "failed on these rows"),
        ("SELECT count(*) FROM t, read_text('/etc/passwd')", "failed on these rows"),
        ("SELECT count(*) FROM a_variable", "failed on these rows"),
        ("SET threads = 1", "failed on these rows"),
        ("SELECT count(*) FROM (SELECT DISTINCT repeat(x::VARCHAR, 99) FROM range(99999999) n(x))", "of memory"),
    ],
)
def test_what_the_check_let_slip_is_still_stopped_without_telling_values(rows, query, told):
    a_variable = pa.table({"secret": [1]})
    assert a_variable.num_rows == 1
    with pytest.raises(ValueError, match=told):
        measured_by(query, "t", rows)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM range(100000000000000)",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ],
)
def test_a_query_that_does_not_end_is_interrupted(rows, query):
    with pytest.raises(ValueError, match=r"ran longer than 0\.2 seconds"):
        measured_by(query, "t", rows, seconds=0.2)
