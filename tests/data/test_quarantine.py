"""Which texts a column accepts, as which value, and for which reasons it refuses the others."""

import datetime
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.data.contract import read_contract
from pipelines.data.quarantine import accepted_schema, append_accepted, append_quarantine, judged_rows
from pipelines.data.row_store import write_rows
from pipelines.data.sources import Row

UTC = datetime.UTC
OPTIONS = "logicalTypeOptions"
QUALITY = "quality: [{mustBe: 0, metric: "
WORDS = "arguments: {missingValues: ['', N/A]}"
TIMESTAMP = "logicalType timestamp"


def judge(tmp_path: Path, columns: str, *rows: tuple[str | None, ...], kinds: str | None = None):
    """(accepted rows as tuples, {row's position: reasons}) of rows under a contract with these columns."""
    path = tmp_path / "c.odcs.yaml"
    head = "version: 1.0.0, apiVersion: v3.2.0, kind: DataContract, id: c, status: active"
    path.write_text(f"{{{head}, schema: [{{name: t, properties: [{columns}]}}]}}", encoding="utf-8")
    contract = read_contract(path)
    given = [Row("a.csv", position, "", (), texts, kinds) for position, texts in enumerate(rows)]
    write_rows(given, contract, tmp_path / "rows.parquet")
    with (
        judged_rows(tmp_path / "rows.parquet", contract, tmp_path / "scratch") as database,
        pq.ParquetWriter(tmp_path / "accepted.parquet", accepted_schema(contract)) as accepted,
        (tmp_path / "quarantine.jsonl").open("w") as quarantine,
    ):
        append_accepted(database, "s", contract, accepted)
        append_quarantine(database, "s", quarantine)
    table = pq.read_table(tmp_path / "accepted.parquet").drop_columns(["_record"])
    refused = [json.loads(line) for line in (tmp_path / "quarantine.jsonl").read_text().splitlines()]
    return list(zip(*table.to_pydict().values(), strict=True)), {row["line"]: row["reasons"] for row in refused}


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
