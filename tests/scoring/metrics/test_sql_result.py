import os
import sqlite3
from contextlib import closing

import duckdb
import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics import sql_result
from pipelines.scoring.metrics.sql_result import check_database, is_ordered, sql_results
from tests.scoring.metrics.strategies import rows_expecting

SCRIPT = """
CREATE TABLE orders (id INTEGER, city TEXT, total DOUBLE);
INSERT INTO orders VALUES (1, 'Oslo', 10.5), (2, 'Bergen', 20.25), (3, 'Oslo', 5);
"""
SECRET_WORD = "heliotrope"


@pytest.fixture(params=["script", "duckdb", "sqlite"])
def database(request, tmp_path):
    """The same table as a script, as DuckDB's file and as SQLite's."""
    if request.param == "script":
        path = tmp_path / "orders.sql"
        path.write_text(SCRIPT)
        return path
    path = tmp_path / "orders.db"
    if request.param == "duckdb":
        with closing(duckdb.connect(str(path))) as made:
            made.execute(SCRIPT)
    else:
        with closing(sqlite3.connect(path)) as made:
            made.executescript(SCRIPT)
    return path


def score(database, expected, answer):
    (found,) = sql_results(database, rows_expecting(expected), [answer])
    return found


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ("SELECT city FROM orders", "select city from orders order by id desc;", 1),
        ("SELECT id FROM orders ORDER BY id", "SELECT id FROM orders ORDER BY id DESC", 0),
        ("SELECT city FROM orders", "SELECT DISTINCT city FROM orders", 0),
        ("SELECT sum(total) FROM orders", "```sql\nSELECT 10.5 + 20.25 + 5 AS x\n```", 1),
        ("SELECT count(*) FROM orders", "SELECT 3.0", 1),
        ("SELECT count(*) FROM orders", "SELECT '3'", 0),
        ("SELECT 1234567890", "SELECT 1234567891", 0),
        ("SELECT id FROM orders WHERE id > 9", "SELECT id FROM orders WHERE city = 'Rome'", 1),
        ("SELECT NULL", "SELECT 0", 0),
        ("SELECT id, city FROM orders", "SELECT city, id FROM orders", 0),
        ("WITH a AS (SELECT id FROM orders) SELECT max(id) FROM a", "SELECT 3", 1),
        ("SELECT id FROM orders", "", 0),
        ("SELECT id FROM orders", "I do not know.", 0),
        ("SELECT id FROM orders", "SELECT id FROM orders; SELECT 1", 0),
        ("SELECT id FROM orders", "SELECT id\x00 FROM orders", 0),
        ("SELECT id FROM orders", "SELECT " + "(" * 5000, 0),
    ],
)
def test_queries_are_judged_by_what_they_give(database, expected, answer, right):
    assert score(database, expected, answer) == right


@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE orders",
        "DELETE FROM orders RETURNING id",
        "INSERT INTO orders VALUES (4, 'Rome', 1)",
        "ATTACH '{folder}/other.db' AS other",
        "COPY orders TO '{folder}/out.csv'",
        "PRAGMA writable_schema = 1",
        "SELECT writefile('{folder}/out.txt', 'x')",
        "SELECT load_extension('x')",
        "VACUUM INTO '{folder}/out.db'",
    ],
)
def test_answers_write_nothing(database, tmp_path, harm):
    before = database.read_bytes()
    expected = rows_expecting(*["SELECT count(*) FROM orders"] * 2)
    assert sql_results(database, expected, [harm.format(folder=tmp_path), expected[0]["answer"]]).tolist() == [0, 1]
    assert database.read_bytes() == before
    assert os.listdir(tmp_path) == [database.name]


@pytest.mark.parametrize("query", ["SELECT * FROM read_text('{file}')", "SELECT * FROM '{file}'", "SELECT * FROM rows"])
def test_answers_read_the_database_alone(tmp_path, query):
    """No file, and no variable of this program."""
    script, file = tmp_path / "orders.sql", tmp_path / "other.csv"
    script.write_text(SCRIPT)
    file.write_text("a\n1\n")
    rows = rows_expecting("SELECT 1")
    assert sql_results(script, rows, [query.format(file=file)]).tolist() == [0]


@pytest.mark.parametrize(
    "endless",
    [
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 1000000000000) SELECT sum(n) FROM t",
    ],
)
def test_a_query_without_end_is_wrong_and_the_next_one_is_judged(database, monkeypatch, endless):
    monkeypatch.setattr(sql_result, "MOST_SECONDS", 0.2)
    rows = rows_expecting(*["SELECT count(*) FROM orders"] * 2)
    assert sql_results(database, rows, [endless, "SELECT 3"]).tolist() == [0, 1]


def test_expected_queries_that_do_not_run_are_no_zero(database):
    rows = rows_expecting("SELECT 1", "SELECT nothing FROM nowhere", f"SELECT {SECRET_WORD}(")
    with pytest.raises(TinsmithError, match=r"queries of 2 of 3 rows do not run on it \(first: row 1, row 2\)") as told:
        sql_results(database, rows, ["SELECT 1"] * 3)
    assert SECRET_WORD not in str(told.value)


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("select a from t order\n by a limit 3", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", False),
        ("SELECT row_number() OVER (PARTITION BY (a) ORDER BY b) FROM t", False),
        ("SELECT 'x order by y' FROM t -- order by", False),
        ('SELECT "order by" FROM t /* order by a */', False),
        ("SELECT ')' FROM (SELECT 1) ORDER BY 1", True),
    ],
)
def test_order_counts_where_the_result_itself_is_ordered(query, ordered):
    assert is_ordered(query) is ordered


def test_a_database_that_cannot_be_had_is_told_in_one_line(tmp_path):
    script = tmp_path / "broken.sql"
    script.write_text(f"CREATE TABLE {SECRET_WORD} (")
    for path, wrong in [(tmp_path / "none.sql", "there is no such file"), (script, "cannot build a database by it")]:
        with pytest.raises(TinsmithError, match=wrong) as told:
            check_database(path)
        assert SECRET_WORD not in str(told.value)
    torn = tmp_path / "torn.db"
    torn.write_bytes(b"12345678DUCK torn")
    with pytest.raises(TinsmithError, match="DuckDB cannot open it"):
        check_database(torn)
