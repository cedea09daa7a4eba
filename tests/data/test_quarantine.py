"""Which texts a column accepts, as which value, and for which reasons it refuses the others."""

import datetime
import json
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from pipelines.data import quarantine
from pipelines.data.contracts.contract import read_contract
from pipelines.data.quarantine import accepted_schema, append_accepted, append_quarantine, judged_rows
from pipelines.data.row_store import write_batches
from pipelines.data.sources.rows import Row, batches_of

UTC = datetime.UTC
OPTIONS = "logicalTypeOptions"
QUALITY = "quality: [{mustBe: 0, metric: "
WORDS = "arguments: {missingValues: ['', N/A]}"
TIMESTAMP = "logicalType timestamp"


def judge(tmp_path: Path, columns: str, *rows: tuple[str | None, ...], kinds: str | None = None, **beside):
    """(accepted rows as tuples, {row's position: reasons}) of rows under a contract with these columns.

    `beside` may hold more of the contract (`contract`) and of its table (`table`), and what judged_rows takes.
    """
    given = [Row("a.csv", position, "", (), texts, kinds) for position, texts in enumerate(rows)]
    _, quarantine = written_of(tmp_path, columns, beside.pop("table", ""), given, beside.pop("contract", ""), **beside)
    table = pq.read_table(tmp_path / "accepted.parquet").drop_columns(["_record"])
    refused = [json.loads(line) for line in quarantine.splitlines()]
    return list(zip(*table.to_pydict().values(), strict=True)), {row["line"]: row["reasons"] for row in refused}


def written_of(tmp_path: Path, columns: str, table: str, rows: list[Row], more: str = "", **given):
    """The bytes of the accepted and of the refused rows under a contract with these columns."""
    path = tmp_path / "c.odcs.yaml"
    head = "version: 1.0.0, apiVersion: v3.2.0, kind: DataContract, id: c, status: active"
    text = f"{{{head}, schema: [{{name: t, properties: [{columns}]{table}}}]{more}}}"
    path.write_text(text, encoding="utf-8")
    contract = read_contract(path)
    write_batches(batches_of(rows, contract), contract, tmp_path / "rows.parquet")
    with (
        judged_rows(tmp_path / "rows.parquet", contract, tmp_path / "scratch", **given) as database,
        pq.ParquetWriter(tmp_path / "accepted.parquet", accepted_schema(contract)) as accepted,
        (tmp_path / "quarantine.jsonl").open("w", encoding="utf-8") as quarantine,
    ):
        append_accepted(database, "s", contract, accepted)
        append_quarantine(database, "s", contract, quarantine)
    return (tmp_path / "accepted.parquet").read_bytes(), (tmp_path / "quarantine.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("logical_type", "accepted", "refused"),
    [
        (
            "integer",
            {"0": 0, "-7": -7, "9007199254740993": 9007199254740993, "9223372036854775807": 2**63 - 1},
            ["5.7", "5.0", "007", " 5", "+5", "1e3", "0x10", "1_000", "9223372036854775808", "yes", "٣"],
        ),
        (
            "number",
            {"0": 0.0, "-1.5": -1.5, "2e3": 2000.0, "9007199254740991": 2.0**53 - 1, "0.1": 0.1},
            ["1,5", ".5", "1.", "NaN", "inf", "1e400", "9007199254740993", "1 000", "0x1p3"],
        ),
        ("boolean", {"true": True, "FALSE": False}, ["yes", "1", "t", "no"]),
        (
            "date",
            {"2024-02-29": datetime.date(2024, 2, 29), "0001-01-01": datetime.date(1, 1, 1)},
            ["2023-02-29", "2024-1-5", "0000-01-05", "12024-01-05", "2024-01-05T00:00:00", "05.01.2024"],
        ),
        (
            "timestamp",
            {
                "2024-01-31 10:00": datetime.datetime(2024, 1, 31, 10, tzinfo=UTC),
                "2024-01-31T10:00:00.000001Z": datetime.datetime(2024, 1, 31, 10, 0, 0, 1, tzinfo=UTC),
                "2024-01-31T10:00:00+05:30": datetime.datetime(2024, 1, 31, 4, 30, tzinfo=UTC),
                "2024-01-31 10:00-01": datetime.datetime(2024, 1, 31, 11, tzinfo=UTC),
            },
            [
                "2024-02-30 10:00",
                "2024-01-31 24:00",
                "2024-01-31",
                "2024-01-31T10:00:00+25:00",
                "2024-01-31 10:00:00 +01:00",
                "2024-01-31T10:00:00.1234567Z",
                "1706695200",
            ],
        ),
        (
            "time",
            {"09:05": datetime.time(9, 5), "23:59:59.5": datetime.time(23, 59, 59, 500000)},
            ["24:00", "9:05", "09:60", "09:05Z", "09:05:00.1234567"],
        ),
        ("string", {"x": "x", "NULL": "NULL", " ": " "}, []),
    ],
)
def test_types_are_strict_and_lose_nothing(tmp_path, logical_type, accepted, refused):
    texts = [*accepted, *refused]
    values, reasons = judge(tmp_path, f"{{name: a, logicalType: {logical_type}}}", *((text,) for text in texts))
    assert values == [(value,) for value in accepted.values()]
    assert {texts[line] for line in reasons} == set(refused)
    assert all(why == [f"a: logicalType {logical_type}"] for why in reasons.values())


@pytest.mark.parametrize(
    ("column", "good", "bad", "rule"),
    [
        ("logicalType: string, required: true", "x", None, "required"),
        ("logicalType: string, logicalTypeOptions: {minLength: 2}", "é👍", "é", "minLength 2"),
        ("logicalType: string, logicalTypeOptions: {maxLength: 2}", "é👍", "abc", "maxLength 2"),
        ("logicalType: string, logicalTypeOptions: {pattern: '^T-[0-9]+$'}", "T-12", "T-12\n", "pattern"),
        ("logicalType: string, enum: [{value: it's}, {value: b}]", "it's", "c", "enum"),
        ("logicalType: integer, enum: [{value: 1}]", "1", "2", "enum"),
        ("logicalType: integer, logicalTypeOptions: {minimum: 0}", "0", "-1", "minimum 0"),
        ("logicalType: integer, logicalTypeOptions: {exclusiveMaximum: 5}", "4", "5", "exclusiveMaximum 5"),
        ("logicalType: integer, logicalTypeOptions: {format: u8}", "255", "256", "format u8"),
        ("logicalType: integer, logicalTypeOptions: {multipleOf: 5}", "-10", "7", "multipleOf 5"),
        ("logicalType: number, logicalTypeOptions: {maximum: 1.5}", "1.5", "1.6", "maximum 1.5"),
        (f"logicalType: number, {OPTIONS}: {{format: f32}}", "3.4e38", "-3.5e38", "format f32"),
        (
            f"logicalType: string, {OPTIONS}: {{format: email}}",
            "a.b+c@example.co.uk",
            "a@b@example.com",
            "format email",
        ),
        (f"logicalType: string, {OPTIONS}: {{format: hostname}}", "a-b.example", "-a.example", "format hostname"),
        (f"logicalType: string, {OPTIONS}: {{format: ipv4}}", "192.0.2.255", "192.0.2.256", "format ipv4"),
        (f"logicalType: string, {OPTIONS}: {{format: uri}}", "https://example.com/a?b=%20#c", "/a b", "format uri"),
        (
            f"logicalType: string, {OPTIONS}: {{format: uuid}}",
            "123e4567-e89b-12d3-a456-426614174000",
            "123e4567e89b12d3a456426614174000",
            "format uuid",
        ),
        ("logicalType: string, physicalType: varchar(3)", "äöü", "abcd", "physicalType varchar(3)"),
        ("logicalType: number, physicalType: 'DECIMAL(4,2)'", "-12.340", "123.4", "physicalType DECIMAL(4,2)"),
        ("logicalType: integer, physicalType: NUMERIC(2)", "99", "100", "physicalType NUMERIC(2)"),
        (f"logicalType: time, {OPTIONS}: {{maximum: '17:00'}}", "17:00:00", "17:00:00.1", "maximum 17:00"),
        (f"logicalType: date, {OPTIONS}: {{minimum: '2024-01-01'}}", "2024-01-01", "2023-12-31", "minimum 2024-01-01"),
        (
            f"logicalType: timestamp, {OPTIONS}: {{maximum: '2024-01-01T09:00Z'}}",
            "2024-01-01T10:00+01:00",
            "2024-01-01T09:00:00.1Z",
            "maximum 2024-01-01T09:00Z",
        ),
        (f"logicalType: timestamp, {OPTIONS}: {{timezone: true}}", "2024-01-31T10:00Z", "2024-01-31 10:00", TIMESTAMP),
        (f"logicalType: timestamp, {OPTIONS}: {{timezone: false}}", "2024-01-31 10:00", "2024-01-31T10:00Z", TIMESTAMP),
        (f"logicalType: string, {QUALITY}nullValues}}]", "x", None, "required"),
        (f"logicalType: string, {QUALITY}missingValues, {WORDS}}}]", "x", "N/A", "missingValues"),
        (f"logicalType: string, {QUALITY}missingValues, {WORDS}}}]", "x", None, "missingValues"),
        (f"logicalType: string, {QUALITY}invalidValues, arguments: {{pattern: '^a'}}}}]", "ab", "b", "pattern"),
    ],
)
def test_each_rule_refuses_what_breaks_it_and_names_itself(tmp_path, column, good, bad, rule):
    values, reasons = judge(
        tmp_path, f"{{name: a, {column}}}, {{name: b, logicalType: string}}", (good, "1"), (bad, "2")
    )
    assert [row[1] for row in values] == ["1"]
    assert reasons == {1: [f"a: {rule}"]}


def test_a_missing_value_breaks_only_what_requires_it(tmp_path):
    options = "logicalTypeOptions: {minLength: 2, pattern: x}, enum: [{value: xx}]"
    values, reasons = judge(tmp_path, f"{{name: a, logicalType: string, {options}}}", (None,))
    assert values == [(None,)]
    assert reasons == {}


def test_a_row_has_all_its_reasons(tmp_path):
    columns = "{name: a, logicalType: integer}, {name: b, logicalType: string, required: true}"
    _, reasons = judge(tmp_path, columns, ("x", None))
    assert reasons == {0: ["a: logicalType integer", "b: required"]}


def test_of_a_primary_key_given_again_the_first_row_stays(tmp_path):
    columns = "{name: a, logicalType: integer, primaryKey: true}, {name: b, logicalType: string, primaryKey: true}"
    values, reasons = judge(tmp_path, columns, ("1", "x"), ("1", "y"), ("1", "x"), ("1", "x"), (None, "x"))
    assert values == [(1, "x"), (1, "y")]
    assert reasons == {2: ["a, b: primaryKey"], 3: ["a, b: primaryKey"], 4: ["a: required"]}


def test_of_rows_with_one_key_the_first_that_breaks_nothing_else_stays(tmp_path):
    columns = (
        "{name: a, logicalType: integer, primaryKey: true},"
        " {name: b, logicalType: string, enum: [{value: good}, {value: fine}]},"
        " {name: c, logicalType: string, unique: true}"
    )
    rows = [("1", "none", "x"), ("1", "good", "y"), ("1", "none", "z"), ("1", "fine", "u"), ("2", "good", "u")]
    values, reasons = judge(tmp_path, columns, *rows, ("3", "none", "v"), ("3", "none", "w"))
    assert values == [(1, "good", "y"), (2, "good", "u")]
    again = "a: primaryKey"
    assert reasons == {0: ["b: enum"], 2: ["b: enum", again], 3: [again], 5: ["b: enum"], 6: ["b: enum", again]}


KEYS = st.sampled_from(["1", "2", "3", None])


@settings(max_examples=25, deadline=None)
@drawn(rows=st.lists(st.tuples(KEYS, KEYS, st.sampled_from(["good", "none"])), max_size=10))
def test_a_row_is_refused_for_a_value_that_comes_again_only_where_that_value_is_accepted(rows):
    columns = (
        "{name: a, logicalType: integer, unique: true}, {name: b, logicalType: integer, unique: true},"
        " {name: c, logicalType: string, enum: [{value: good}]}"
    )
    expected, first, second = [], {None}, {None}
    for a, b, c in rows:
        if c == "good" and (a is None or a not in first) and (b is None or b not in second):
            expected.append((a and int(a), b and int(b), c))
            first.add(a)
            second.add(b)
    with tempfile.TemporaryDirectory() as folder:
        values, reasons = judge(Path(folder), columns, *rows)
    assert values == expected
    assert len(reasons) == len(rows) - len(expected)


def test_unique_compares_values_and_leaves_missing_ones_alone(tmp_path):
    columns = "{name: a, logicalType: number, unique: true}"
    values, reasons = judge(tmp_path, columns, ("1.0",), (None,), ("1.00",), (None,))
    assert values == [(1.0,), (None,), (None,)]
    assert reasons == {2: ["a: unique"]}


def test_a_timestamp_without_offset_is_in_the_contracts_time_zone(tmp_path):
    options = "logicalTypeOptions: {defaultTimezone: Europe/Berlin}"
    texts = [("2024-07-01 10:00",), ("2024-07-01 10:00Z",)]
    values, _ = judge(tmp_path, f"{{name: a, logicalType: timestamp, {options}}}", *texts)
    assert [row[0].hour for row in values] == [8, 10]


def test_a_json_value_of_another_type_is_refused_though_its_text_would_pass(tmp_path):
    columns = "{name: a, logicalType: integer}, {name: b, logicalType: string}, {name: c, logicalType: boolean}"
    _, reasons = judge(tmp_path, columns, ("1", "2", "true"), kinds="sns")
    assert reasons == {0: ["a: logicalType integer", "b: logicalType string", "c: logicalType boolean"]}
    values, reasons = judge(tmp_path, columns, ("1", "2", "true"), (None, None, None), kinds="nsb")
    assert values == [(1, "2", True), (None, None, None)]


def test_words_of_the_contract_never_become_sql(tmp_path):
    columns = """{name: "a'; DROP TABLE rows; --", logicalType: string, enum: [{value: "x') OR ('1'='1"}]}"""
    values, reasons = judge(tmp_path, columns, ("y",), ("x') OR ('1'='1",))
    assert values == [("x') OR ('1'='1",)]
    assert reasons == {0: ["a'; DROP TABLE rows; --: enum"]}


@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_rows_older_than_the_retention_are_refused_counted_from_the_given_day(tmp_path, kind):
    time = " 00:00" if kind == "timestamp" else ""
    texts = [(f"2023-02-28{time}",), (f"2023-02-27{time}",), (f"2026-03-05{time}",), (None,)]
    promised = ", slaProperties: [{property: retention, value: 3, unit: y, element: a}]"
    columns = f"{{name: a, logicalType: {kind}}}"
    values, reasons = judge(tmp_path, columns, *texts, contract=promised, as_of=datetime.date(2026, 2, 28))
    assert len(values) == 3
    assert reasons == {1: ["a: retention 3 years"]}


def test_values_that_come_together_again_are_refused(tmp_path):
    columns = "{name: a, logicalType: string}, {name: b, logicalType: string}"
    rule = ", quality: [{metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}]"
    rows = [("x", "1"), ("x", "2"), ("x", "1"), (None, "1"), (None, "1")]
    values, reasons = judge(tmp_path, columns, *rows, table=rule)
    assert values == [("x", "1"), ("x", "2"), (None, "1"), (None, "1")]
    assert reasons == {2: ["a, b: unique"]}


def test_a_row_whose_key_the_other_table_lacks_is_refused_and_one_without_a_key_is_not(tmp_path):
    customers = tmp_path / "customers"
    customers.mkdir()
    judge(customers, "{name: shop, logicalType: string}, {name: id, logicalType: integer}", ("n", "1"), ("s", "1"))
    to = "schema/customers/properties/id"
    columns = f"{{name: c, logicalType: integer, relationships: [{{to: {to}}}]}}, {{name: s, logicalType: string}}"
    together = ", relationships: [{from: [t.s, t.c], to: [customers.shop, customers.id]}]"
    rows = [("1", "n"), ("1", "w"), ("2", "n"), (None, "w"), ("1", None)]
    tables = {"customers": customers / "accepted.parquet"}
    values, reasons = judge(tmp_path, columns, *rows, table=together, tables=tables)
    assert values == [(1, "n"), (None, "w"), (1, None)]
    pair = "s, c: no such customers.shop, customers.id"
    assert reasons == {1: [pair], 2: [pair, "c: no such customers.id"]}


LETTERS = st.sampled_from(["1", "2", "3", "x", None])


@settings(max_examples=25, deadline=None)
@drawn(rows=st.lists(st.tuples(LETTERS, LETTERS), max_size=12), order=st.randoms(use_true_random=False))
def test_the_order_in_which_rows_come_changes_no_byte(rows, order):
    columns = "{name: a, logicalType: integer, unique: true}, {name: b, logicalType: string, required: true}"
    table = ", quality: [{metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}]"
    places = [("ab"[place % 2], place) for place in range(len(rows))]
    given = [
        Row(f"{name}.csv", line, "", (), texts, None, line) for (name, line), texts in zip(places, rows, strict=True)
    ]
    written = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            written.append(written_of(Path(folder), columns, table, given))
        order.shuffle(given)
    assert written[0] == written[1]


def test_a_refused_row_keeps_where_it_stood_its_key_and_its_bytes(tmp_path):
    columns = "{name: a, logicalType: integer, primaryKey: true}, {name: b, logicalType: string, required: true}"
    rows = [
        Row("a.csv", 2, "7,", (), ("7", None), None, 5),
        Row("a.csv", 3, "8,caf\\xe9", ("row: not utf-8",), (), None, 8, b"8,caf\xe9"),
        Row("database", 4, "9,", (), ("9", None), None),
        Row("database", 5, "8,", ("row: NUL character",), ("8", None), None),
        Row("z.pdf/1", 1, "", ("document: is empty",), (), None, alias="0123/1"),
    ]
    _, refused = written_of(tmp_path, columns, "", rows)
    assert [json.loads(line) for line in refused.splitlines()] == [
        {
            "source": "s/a.csv",
            "line": 2,
            "offset": 5,
            "key": {"a": "7"},
            "kind": "quarantined",
            "reasons": ["b: required"],
            "raw": "7,",
        },
        {
            "source": "s/a.csv",
            "line": 3,
            "offset": 8,
            "kind": "rejected_raw",
            "reasons": ["row: not utf-8"],
            "raw": "8,caf\\xe9",
            "raw_base64": "OCxjYWbp",
        },
        {
            "source": "s/database",
            "line": 4,
            "key": {"a": "9"},
            "kind": "quarantined",
            "reasons": ["b: required"],
            "raw": "9,",
        },
        {
            "source": "s/database",
            "line": 5,
            "key": {"a": "8"},
            "kind": "rejected_raw",
            "reasons": ["row: NUL character"],
            "raw": "8,",
        },
        {
            "source": "s/z.pdf/1",
            "line": 1,
            "alias": "0123/1",
            "kind": "rejected_raw",
            "reasons": ["document: is empty"],
            "raw": "",
        },
    ]


def test_the_key_of_a_row_that_could_not_be_read_is_taken_by_nobody(tmp_path):
    columns = "{name: a, logicalType: integer, primaryKey: true}, {name: b, logicalType: string}"
    rows = [
        Row("database", 1, "", ("row: NUL character",), ("7", None), None),
        Row("database", 2, "", (), ("7", "x"), None),
    ]
    _, refused = written_of(tmp_path, columns, "", rows)
    assert [json.loads(line)["line"] for line in refused.splitlines()] == [1]


def test_how_many_rows_leave_at_once_changes_no_byte(tmp_path, monkeypatch):
    """Of long rows only few do: Arrow takes 2 GiB at most, and memory is to stay bounded."""
    columns = "{name: a, logicalType: string}, {name: b, logicalType: integer}"
    rows = [Row("a.csv", n, "raw", (), ("x" * n, str(n) if n % 5 else "no"), None) for n in range(300)]
    before = written_of(tmp_path, columns, "", rows)
    monkeypatch.setattr(quarantine, "_BATCH_BYTES", 1_000)
    assert written_of(tmp_path, columns, "", rows) == before
