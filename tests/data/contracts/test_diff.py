"""Which changes of a contract break: where data that kept the old one may be refused, or a right is lost."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.contracts.contract import read_contract
from pipelines.data.contracts.diff import changes

BASE = """\
version: 1.0.0
apiVersion: v3.2.0
kind: DataContract
id: t
status: active
schema:
- name: t
  properties:
  - {name: id, logicalType: integer, primaryKey: true}
  - name: a
    logicalType: string
    logicalTypeOptions: {minLength: 2, maxLength: 20, pattern: x}
    enum: [{value: p}, {value: q}]
    quality:
    - {metric: nullValues, mustBeLessThan: 5, unit: percent}
  - {name: n, logicalType: integer, logicalTypeOptions: {format: i32, multipleOf: 4}}
  - {name: at, logicalType: date}
  quality:
  - {metric: rowCount, mustBeGreaterThan: 10}
customProperties:
- {property: license, value: CC-BY-4.0}
- {property: permittedPurposes, value: [training]}
- {property: maxBadShare, value: 0.1}
slaProperties:
- {property: retention, value: 3, unit: y, element: at}
"""


def told(tmp_path: Path, old: str, new: str) -> list[str]:
    for name, text in (("old", old), ("new", new)):
        (tmp_path / f"{name}.odcs.yaml").write_text(text)
    found = changes(read_contract(tmp_path / "old.odcs.yaml"), read_contract(tmp_path / "new.odcs.yaml"))
    return [str(change).replace(f"{tmp_path}/", "").replace(".odcs.yaml", "") for change in found]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("  - {name: at, logicalType: date}\n", "  - {name: at, logicalType: date}\n", None),
        ("minLength: 2", "minLength: 1", "new:12: compatible: a: minLength 2 -> 1"),
        ("minLength: 2", "minLength: 3", "new:12: breaking: a: minLength 2 -> 3"),
        ("maxLength: 20", "maxLength: 30", "new:12: compatible: a: maxLength 20 -> 30"),
        ("maxLength: 20", "maxLength: 10", "new:12: breaking: a: maxLength 20 -> 10"),
        ("minLength: 2, ", "", "old:12: compatible: a: minLength 2 removed"),
        ("pattern: x", "pattern: y", "new:12: breaking: a: pattern x -> y"),
        (", {value: q}]", "]", "new:13: breaking: a: enum p, q -> p"),
        (", {value: q}]", ", {value: q}, {value: r}]", "new:13: compatible: a: enum p, q -> p, q, r"),
        ("format: i32", "format: i64", "new:16: compatible: n: format i32 -> i64"),
        ("format: i32", "format: u32", "new:16: breaking: n: format i32 -> u32"),
        ("multipleOf: 4", "multipleOf: 2", "new:16: compatible: n: multipleOf 4 -> 2"),
        ("multipleOf: 4", "multipleOf: 8", "new:16: breaking: n: multipleOf 4 -> 8"),
        ("at, logicalType: date", "at, required: true, logicalType: date", "new:17: breaking: at: required added"),
        ("at, logicalType: date", "at, unique: true, logicalType: date", "new:17: breaking: at: unique added"),
        ("at, logicalType: date", "at, physicalName: A, logicalType: date", "breaking: at: physicalName at -> A"),
        (
            "at, logicalType: date",
            "at, tags: [pii], logicalType: date",
            "compatible: at: personal data none ->",
        ),
        ("at, logicalType: date", "at, logicalType: timestamp", "new:17: breaking: at: logicalType date -> timestamp"),
        (", primaryKey: true", "", "compatible: primaryKey id -> none"),
        (
            "mustBeLessThan: 5",
            "mustBeLessThan: 9",
            "new:15: compatible: a: nullValues mustBeLessThan 5 percent",
        ),
        ("mustBeGreaterThan: 10", "mustBeGreaterThan: 9", "new:19: compatible: rowCount mustBeGreaterThan 10 -> "),
        ("mustBeGreaterThan: 10", "mustBeGreaterThan: 11", "new:19: breaking: rowCount mustBeGreaterThan 10 -> "),
        ("mustBeGreaterThan: 10", "mustBe: 10", "new:19: breaking: rowCount mustBe 10 added"),
        ("value: CC-BY-4.0", "value: MIT", "breaking: license CC-BY-4.0 -> MIT"),
        ("value: [training]", "value: [evaluation]", "breaking: permittedPurposes training -> evaluation"),
        ("value: [training]", "value: [training, x]", "compatible: permittedPurposes training -> training, x"),
        ("value: 0.1", "value: 0.2", "compatible: maxBadShare 0.1 -> 0.2"),
        ("value: 0.1", "value: 0.01", "breaking: maxBadShare 0.1 -> 0.01"),
        ("value: 3, unit: y", "value: 2, unit: y", "new:25: breaking: at: retention 3 years -> 2 years"),
        ("value: 3, unit: y", "value: 4, unit: y", "new:25: compatible: at: retention 3 years -> 4 years"),
    ],
)
def test_a_change_is_told_with_its_line_and_whether_it_breaks(tmp_path, before, after, change):
    found = told(tmp_path, BASE, BASE.replace(before, after, 1))
    if change is None:
        assert found == []
    else:
        assert any(change in line for line in found), found


PII = "customProperties: [{property: containsPii, value: [%s]}]"
SUBJECT = "customProperties: [{property: subjectId, value: true}]"
TOGETHER = "  quality:\n  - {metric: duplicateValues, mustBe: 0, arguments: {properties: [id, n]}}\n"
UNIQUE = BASE.replace("\n  quality:\n", f"\n{TOGETHER}")


def with_date(extra: str) -> str:
    return BASE.replace("at, logicalType: date", f"at, logicalType: date, {extra}")


def about(logical_type: str) -> str:
    return BASE.replace("id, logicalType: integer", f"id, logicalType: {logical_type}, {SUBJECT}")


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (
            with_date(PII % "person, address"),
            with_date(PII % "address"),
            "new:17: breaking: at: containsPii name, address -> address (nothing need look any longer for "
            "what is not named)",
        ),
        (with_date(PII % "person"), BASE, "new:17: breaking: at: containsPii name -> none (nothing "),
        (BASE, with_date(PII % "person"), "new:17: compatible: at: containsPii none -> name"),
        (with_date(PII % "person, address"), with_date(PII % "address, person"), None),
        (
            about("integer"),
            BASE,
            "new:9: breaking: id: subjectId taken away (its persons can no longer be forgotten)",
        ),
        (BASE, about("integer"), "new:9: compatible: id: subjectId added"),
        (
            about("string"),
            BASE,
            "new:9: breaking: id: subjectId taken away (its persons can no longer be forgotten)",
        ),
        (BASE, UNIQUE, "new:1: breaking: id, n: unique together added"),
        (UNIQUE, BASE, "old:1: compatible: id, n: unique together removed"),
        (
            BASE,
            BASE.replace("- name: t\n", "- name: u\n"),
            "new:1: breaking: table t -> u (relationships and queries name it)",
        ),
        (
            BASE,
            BASE.replace("id: t\n", "id: u\n"),
            "new:1: breaking: id t -> u (who was forgotten under the old one comes back)",
        ),
    ],
)
def test_what_protects_and_what_names_the_data_is_told(tmp_path, old, new, change):
    found = told(tmp_path, old, new)
    if change is None:
        assert found == []
    else:
        assert any(line.startswith(change) for line in found), found


def test_columns_that_come_and_go(tmp_path):
    added = "  - {name: b, logicalType: string}\n  - {name: c, logicalType: string, required: true}\n  quality:\n"
    new = BASE.replace("  quality:\n  - {metric: rowCount", added + "  - {metric: rowCount")
    assert told(tmp_path, BASE, new) == [
        "new:18: compatible: b: optional column added",
        "new:19: breaking: c: required column added",
    ]
    assert told(tmp_path, new, BASE) == [
        "old:18: breaking: b: column removed",
        "old:19: breaking: c: column removed",
    ]


BOUNDS = st.tuples(st.integers(0, 9), st.integers(0, 9))


@settings(max_examples=50, deadline=None)
@given(old=BOUNDS, new=BOUNDS)
def test_a_change_of_bounds_that_is_called_compatible_refuses_no_length_that_was_accepted(tmp_path_factory, old, new):
    text = "logicalTypeOptions: {minLength: %d, maxLength: %d, pattern: x}"
    before, after = (
        BASE.replace("logicalTypeOptions: {minLength: 2, maxLength: 20, pattern: x}", text % bounds)
        for bounds in (old, new)
    )
    found = told(tmp_path_factory.mktemp("diff"), before, after)
    accepted = set(range(old[0], old[1] + 1))
    still = set(range(new[0], new[1] + 1))
    if not any(": breaking: " in line for line in found):
        assert accepted <= still
