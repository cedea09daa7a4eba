"""Rules on the data set as a whole: what they measure, when they stop the line, and what they tell."""

import datetime
from pathlib import Path

import pytest

from pipelines.data.contracts.contract import read_contract
from pipelines.data.contracts.data_set_checks import findings_report, judge_data_set, verdict
from pipelines.data.quarantine import Refused, judged_rows, write_accepted
from pipelines.data.row_store import write_batches
from pipelines.data.sources.rows import Row, batches_of

COLUMNS = """\
  - {name: a, logicalType: string}
  - {name: n, logicalType: integer}
  - {name: at, logicalType: timestamp}
"""
ROWS = [
    ("x", "1", "2026-01-30T12:00:00Z"),
    ("x", "2", "2026-01-29T12:00:00Z"),
    ("n/a", "2", None),
    (None, "3", None),
    (None, "not a number", "2026-02-30"),  # refused, and so not measured
]
AS_OF = datetime.date(2026, 1, 31)


def contract_of(tmp_path: Path, text: str):
    path = tmp_path / "c.odcs.yaml"
    head = "version: 1.0.0\napiVersion: v3.2.0\nkind: DataContract\nid: c\nstatus: active\nschema:\n- name: t\n"
    path.write_text(f"{head}  properties:\n{text}", encoding="utf-8")
    return read_contract(path)


def findings_of(tmp_path: Path, text: str, rows=ROWS):
    contract = contract_of(tmp_path, text)
    given = [Row("a.csv", line, "", (), texts, None) for line, texts in enumerate(rows, 2)]
    write_batches(batches_of(given, contract), contract, tmp_path / "rows.parquet")
    with judged_rows(tmp_path / "rows.parquet", contract, tmp_path / "scratch", AS_OF) as database:
        write_accepted(database, "s", contract, tmp_path / "accepted.parquet")
        return contract, judge_data_set(database, contract, tmp_path / "accepted.parquet", AS_OF)


def on_table(rule: str) -> str:
    return f"{COLUMNS}  quality: [{rule}]\n"


def on_column(column: str, rule: str) -> str:
    return COLUMNS.replace(f"{{name: {column},", f"{{quality: [{rule}], name: {column},")


SQL = "type: sql, query: 'SELECT count(*) FROM {object} WHERE n > 1'"
VALID = "metric: invalidValues, arguments: {validValues: [x]}"


@pytest.mark.parametrize(
    ("text", "measured", "kept"),
    [
        (on_table("{metric: rowCount, mustBe: 4}"), 4, True),
        (on_table("{metric: rowCount, mustNotBe: 4}"), 4, False),
        (on_table("{metric: rowCount, mustBeGreaterThan: 4}"), 4, False),
        (on_table("{metric: rowCount, mustBeGreaterOrEqualTo: 4}"), 4, True),
        (on_table("{metric: rowCount, mustBeLessThan: 4}"), 4, False),
        (on_table("{metric: rowCount, mustBeLessOrEqualTo: 4}"), 4, True),
        (on_table("{metric: rowCount, mustBeBetween: [4, 9]}"), 4, True),
        (on_table("{metric: rowCount, mustNotBeBetween: [1, 4]}"), 4, False),
        (on_column("a", "{metric: nullValues, mustBeLessOrEqualTo: 1}"), 1, True),
        (on_column("a", "{metric: nullValues, mustBeLessThan: 25, unit: percent}"), 25, False),
        (on_column("a", f"{{{VALID}, mustBeLessThan: 26, unit: percent}}"), 25, True),
        (on_column("a", "{metric: invalidValues, arguments: {pattern: '^x$'}, mustBe: 2}"), 1, False),
        (on_column("a", "{metric: missingValues, arguments: {missingValues: ['', n/a]}, mustBeLessThan: 2}"), 2, False),
        (on_column("n", "{metric: duplicateValues, mustBeLessThan: 2}"), 1, True),
        (on_column("n", "{metric: duplicateValues, mustBe: 0, severity: warning}"), 1, False),
        (on_table("{metric: duplicateValues, arguments: {properties: [a, n]}, mustBeLessThan: 1}"), 0, True),
        (on_table(f"{{{SQL}, mustBe: 3}}"), 3, True),
        (on_column("n", "{type: sql, query: 'SELECT max(${column}) FROM ${table}', mustBeLessThan: 3}"), 3, False),
        (on_table("{type: sql, query: 'SELECT max(n) FROM t WHERE n > 9', mustBeLessThan: 3}"), None, False),
        (f"{COLUMNS}slaProperties: [{{property: latency, value: 12, unit: h, element: at}}]\n", 12, True),
        (f"{COLUMNS}slaProperties: [{{property: freshness, value: 11, unit: h, element: t.at}}]\n", 12, False),
    ],
)
def test_each_metric_and_operator_is_measured_over_the_accepted_rows(tmp_path, text, measured, kept):
    _, (finding,) = findings_of(tmp_path, text)
    assert (finding.measured, finding.holds) == (measured, kept)


def test_a_broken_rule_stops_the_line_at_its_own_line_and_a_warning_does_not(tmp_path):
    rules = "{metric: rowCount, mustBe: 5}, {metric: rowCount, mustBe: 6, severity: warning, dimension: coverage}"
    contract, findings = findings_of(tmp_path, on_table(rules))
    assert verdict(contract, 5, Refused(1), findings) == [f"{contract.path}:12: rowCount mustBe 5, and it is 4"]
    assert findings_report(findings) == [
        {"rule": "rowCount mustBe 5", "measured": 4, "holds": False, "severity": "error"},
        {
            "rule": "rowCount mustBe 6",
            "measured": 4,
            "holds": False,
            "severity": "warning",
            "dimension": "coverage",
        },
    ]


def test_a_query_that_fails_on_the_rows_stops_the_line_without_telling_values(tmp_path):
    contract, findings = findings_of(tmp_path, on_table("{type: sql, query: 'SELECT sum(a::INT) FROM t', mustBe: 0}"))
    (told,) = verdict(contract, 5, Refused(), findings)
    assert told.endswith("its query failed on these rows (ConversionException); guard it, as with TRY_CAST")
    assert "n/a" not in told


@pytest.mark.parametrize(
    ("term", "refused", "told"),
    [
        ("{property: onViolation, value: stop}", Refused(1), "onViolation: stop, and 1 of 20 rows are refused"),
        ("{property: onViolation, value: stop}", Refused(), None),
        ("{property: onViolation, value: quarantine}", Refused(19), None),
        ("{property: maxBadShare, value: 0.1}", Refused(1, 1), None),
        ("{property: maxBadShare, value: 0.1}", Refused(2, 1), "3 of 20 rows are refused, above maxBadShare 0.1"),
        ("{property: maxBadShare, value: 0}", Refused(0, 1), "1 of 20 rows are refused, above maxBadShare 0"),
    ],
)
def test_a_contract_says_how_many_bad_rows_stop_the_line(tmp_path, term, refused, told):
    contract = contract_of(tmp_path, f"{COLUMNS}customProperties: [{term}]\n")
    assert verdict(contract, 20, refused, ()) == ([f"{contract.path}: {told}"] if told else [])


def test_age_of_a_data_set_without_any_time_is_not_taken_for_fresh(tmp_path):
    text = f"{COLUMNS}slaProperties: [{{property: latency, value: 12, unit: h, element: at}}]\n"
    contract, findings = findings_of(tmp_path, text, [("x", "1", None)])
    (told,) = verdict(contract, 1, Refused(), findings)
    assert told.endswith("at: latency mustBeLessOrEqualTo 12 hour, and there is nothing to measure")
