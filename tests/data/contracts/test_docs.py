"""docs/contracts.md and the code name the same promises."""

import re
from pathlib import Path

import pytest

from pipelines.data.contracts import dialect, personal, quality, terms
from pipelines.data.contracts.contract import read_contract
from pipelines.data.contracts.rules import RULE_OPERATORS
from tests.data.test_quarantine import judge

REPOSITORY = Path(__file__).parents[3]
TEXT = (REPOSITORY / "docs/contracts.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))
REFUSES, JUDGES, TERMS = SECTIONS["What refuses a row"], SECTIONS["What judges the whole data set"], "What the contract"
# How a column `a` of a contract, and a row of it, give each reason that the first table tells.
EXAMPLES = {
    "a: logicalType integer": ("logicalType: integer", ["x"]),
    "a: physicalType VARCHAR(20)": ("logicalType: string, physicalType: VARCHAR(20)", ["x" * 21]),
    "a: items string": ("logicalType: array, items: {logicalType: string}", ["[1]"]),
    "a: required": ("logicalType: string, required: true", [None]),
    "a: unique": ("logicalType: string, unique: true", ["x", "x"]),
    "a: enum": ("logicalType: string, enum: [{value: x}]", ["y"]),
    "a: pattern": ("logicalType: string, logicalTypeOptions: {pattern: x}", ["y"]),
    "a: missingValues": (
        "logicalType: string, quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: [x]}}]",
        ["x"],
    ),
    "a: maxLength 20": ("logicalType: string, logicalTypeOptions: {maxLength: 20}", ["x" * 21]),
    "a: minimum 0": ("logicalType: integer, logicalTypeOptions: {minimum: 0}", ["-1"]),
    "a: multipleOf 5": ("logicalType: integer, logicalTypeOptions: {multipleOf: 5}", ["4"]),
    "a: format uuid": ("logicalType: string, logicalTypeOptions: {format: uuid}", ["x"]),
    "a: logicalType timestamp": ("logicalType: timestamp, logicalTypeOptions: {timezone: true}", ["2026-01-01 10:00"]),
}
# test_quarantine.py shows these, which need two columns, another table, or a day.
SHOWN_ELSEWHERE = {
    "a, b: primaryKey": "a, b: primaryKey",
    "a, b: unique": "a, b: unique",
    "a: no such customers.id": "c: no such customers.id",
    "a: retention 3 years": "a: retention 3 years",
}


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z0-9]+", " ".join(re.findall(r"`([^`]+)`", text))))


def test_every_type_option_and_metric_that_is_checked_is_told():
    options = set().union(*dialect.OPTIONS.values()) - {"format"}
    assert options <= words(REFUSES)
    assert all(f"{kind}" in REFUSES for kind in dialect.OPTIONS)
    metrics = {*quality._COLUMN_METRICS, *quality._TABLE_METRICS}
    assert metrics <= words(JUDGES)
    assert set(quality.SEVERITIES) <= words(JUDGES)
    assert {RULE_OPERATORS[0], RULE_OPERATORS[-1]} <= words(JUDGES)
    assert len(RULE_OPERATORS) == 8
    assert set(terms.TERMS) == set(re.findall(r"^\| `(\w+)`", SECTIONS["What the contract says at its top"], re.M))
    assert set(terms.AGES) <= words(REFUSES) | words(JUDGES)
    told = set(re.findall(r"\w+", SECTIONS["What the contract says at its top"]))
    assert {*personal._KINDS, *personal.PROPERTIES} <= told


@pytest.mark.parametrize("reason", re.findall(r"\| `([^`|]+)` \|$", REFUSES, re.M))
def test_every_reason_told_is_given_to_a_row_that_earns_it(tmp_path, reason):
    if reason in SHOWN_ELSEWHERE:
        assert f'"{SHOWN_ELSEWHERE[reason]}"' in (REPOSITORY / "tests/data/test_quarantine.py").read_text()
        return
    column, texts = EXAMPLES[reason]
    _, reasons = judge(tmp_path, f"{{name: a, {column}}}", *[(text,) for text in texts])
    assert reasons == {len(texts) - 1: [reason]}


def test_the_table_tells_no_promise_that_is_refused():
    everything = read_contract(REPOSITORY / "tests/fuzz/everything.odcs.yaml")
    names = {rule.name for column in everything.columns for rule in column.rules}
    assert {"required", "unique", "enum", "pattern", "physicalType", "format", "multipleOf", "retention"} <= names
    assert {rule.metric for rule in everything.data_set_rules} == {
        *("rowCount", "duplicateValues", "missingValues", "invalidValues", "sql", "latency", "freshness")
    }
