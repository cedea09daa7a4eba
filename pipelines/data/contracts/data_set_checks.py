"""The rules of a contract that judge the data set as a whole, measured over the rows that were accepted."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb

from pipelines.data.contracts.contract import Contract
from pipelines.data.contracts.quality import PERCENT
from pipelines.data.contracts.row_checks import missing, start_of, unlisted
from pipelines.data.contracts.rules import DataSetRule, holds
from pipelines.data.contracts.sql import measured_by
from pipelines.data.contracts.terms import SECONDS
from pipelines.data.contracts.values import quoted
from pipelines.data.quarantine import Refused

_DIGITS = 6


class Finding(NamedTuple):
    """What a rule measured, in its unit; None where there was nothing to measure, or `fault` says why it could not."""

    rule: DataSetRule
    measured: float | None
    holds: bool
    fault: str | None = None


def judge_data_set(
    database: duckdb.DuckDBPyConnection, contract: Contract, accepted: Path, as_of: datetime.date | None
) -> tuple[Finding, ...]:
    """Measure every rule.

    `database` is that of judged_rows; `accepted` is the file of write_accepted, which `needs_file` asks for.
    """
    rules = [rule for rule in contract.data_set_rules if rule.metric != "sql"]
    counted = ", ".join(["count(*)", *(_measure(rule, contract, as_of) for rule in rules)])
    found = database.execute(f"SELECT {counted} FROM accepted").fetchall()[0]  # noqa: S608 - see row_checks
    rows, measures = found[0], iter(found[1:])
    findings = []
    for rule in contract.data_set_rules:
        if rule.metric == "sql":
            findings.append(_found_by_sql(rule, contract, accepted))
        else:
            measured = next(measures)
            if measured is not None and rule.unit == PERCENT:
                measured = 100 * measured / rows if rows else None
            findings.append(_finding(rule, measured))
    return tuple(findings)


def needs_file(contract: Contract) -> bool:
    """Whether the contract has rules that look into the file of accepted rows."""
    return any(rule.metric == "sql" for rule in contract.data_set_rules)


def verdict(contract: Contract, rows_in: int, refused: Refused, findings: tuple[Finding, ...]) -> list[str]:
    """Why the line must stop, each as `file:line: what is broken`; empty where it may go on."""
    bad = refused.quarantined + refused.rejected_raw
    terms = contract.terms
    told = []
    if bad and terms.stop_on_violation:
        told.append(f"{contract.path}: onViolation: stop, and {bad} of {rows_in} rows are refused")
    elif terms.max_bad_share is not None and bad > terms.max_bad_share * rows_in:
        share = f"{bad} of {rows_in} rows are refused, above maxBadShare {terms.max_bad_share:g}"
        told.append(f"{contract.path}: {share}")
    for finding in findings:
        if not finding.holds and finding.rule.severity == "error":
            told.append(f"{contract.path}:{finding.rule.line}: {finding.rule.said}, and {_told(finding)}")
    return told


def findings_report(findings: tuple[Finding, ...]) -> list[dict[str, object]]:
    """The findings as the report of ingest holds them."""
    return [
        {
            "rule": finding.rule.said,
            "measured": finding.measured,
            "holds": finding.holds,
            **({"fault": finding.fault} if finding.fault else {}),
            "severity": finding.rule.severity,
            **({"dimension": finding.rule.dimension} if finding.rule.dimension else {}),
        }
        for finding in findings
    ]


def _measure(rule: DataSetRule, contract: Contract, as_of: datetime.date | None) -> str:
    places = [contract.names.index(name) for name in rule.columns]
    if rule.metric == "rowCount":
        return "count(*)"
    if rule.metric == "duplicateValues":
        values = [f"v{place}" for place in places]
        known = " AND ".join(f"{value} IS NOT NULL" for value in values)
        return f"count(*) FILTER ({known}) - count(DISTINCT ({', '.join(values)})) FILTER ({known})"
    (place,) = places
    logical_type = contract.columns[place].logical_type
    if rule.metric in ("latency", "freshness"):
        return f"(epoch({start_of(as_of, logical_type)}) - epoch(max(v{place}))) / {SECONDS[rule.unit]}"
    if rule.metric == "nullValues":
        return f"count(*) FILTER (t{place} IS NULL)"
    if rule.metric == "missingValues":
        return f"count(*) FILTER ({missing(f't{place}', tuple(rule.argument['missingValues']))})"
    return f"count(*) FILTER ({' OR '.join(_invalid(rule, f'v{place}', logical_type))})"


def _invalid(rule: DataSetRule, value: str, logical_type: str) -> Iterator[str]:
    if "validValues" in rule.argument:
        yield unlisted(value, logical_type, tuple(rule.argument["validValues"]))
    if "pattern" in rule.argument:
        yield f"NOT regexp_matches({value}, {quoted(rule.argument['pattern'])})"


def _found_by_sql(rule: DataSetRule, contract: Contract, accepted: Path) -> Finding:
    try:
        return _finding(rule, measured_by(rule.argument, contract.table, accepted))
    except ValueError as error:
        return Finding(rule, None, False, str(error))


def _finding(rule: DataSetRule, measured: float | None) -> Finding:
    kept = measured is not None and holds(rule.operator, measured, rule.bound)
    return Finding(rule, None if measured is None else round(measured, _DIGITS), kept)


def _told(finding: Finding) -> str:
    if finding.fault:
        return f"its query {finding.fault}"
    if finding.measured is None:
        return "there is nothing to measure"
    return f"it is {finding.measured:g}"
