"""The rules of a contract: those that a row keeps or breaks by itself, and those that judge the data set as a whole."""

from dataclasses import dataclass, field
from typing import Any

from pipelines.strict_yaml import Field

Mistake = tuple[Field, str]

RULE_OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
ROWS = "rows"


@dataclass(frozen=True)
class Rule:
    """One promise about a column's values, under the standard's own name, such as `maxLength` with 200.

    `line` is the 1-based line in the contract that says it.
    """

    name: str
    argument: Any = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class DataSetRule:
    """What a figure of the accepted rows must be.

    `metric` is one of the standard's library metrics, `sql`, `latency` or `freshness`; `columns` are those it looks at,
    none for the whole table. `argument` is what the metric needs beside: its arguments, or the SQL query. `bound` is a
    number, or two for the operators that take a range. `unit` is rows, percent (of the accepted rows), or, for latency
    and freshness, a unit of time. Only severity `error` stops the line.
    """

    metric: str
    columns: tuple[str, ...]
    operator: str
    bound: float | tuple[float, float]
    unit: str = ROWS
    argument: Any = None
    severity: str = "error"
    dimension: str | None = None
    line: int = field(default=0, compare=False)

    @property
    def said(self) -> str:
        """The rule in one line, as `body: nullValues mustBeLessThan 5 percent`."""
        where = f"{', '.join(self.columns)}: " if self.columns else ""
        unit = "" if self.metric in ("rowCount", "sql") and self.unit == ROWS else f" {self.unit}"
        return f"{where}{self.metric} {self.operator} {self.bound}{unit}"


def holds(operator: str, measured: float, bound: float | tuple[float, float]) -> bool:
    """Whether a measure keeps to its bound; both ends of a range belong to it."""
    if isinstance(bound, tuple):
        return (bound[0] <= measured <= bound[1]) == (operator == "mustBeBetween")
    return {
        "mustBe": measured == bound,
        "mustNotBe": measured != bound,
        "mustBeGreaterThan": measured > bound,
        "mustBeGreaterOrEqualTo": measured >= bound,
        "mustBeLessThan": measured < bound,
        "mustBeLessOrEqualTo": measured <= bound,
    }[operator]
