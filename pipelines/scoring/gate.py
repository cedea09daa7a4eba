"""The gate: does the tuned model keep the recipe's rules, as far as the test rows can tell?"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipelines.recipe import Rule
from pipelines.recipe_evaluate import Metric
from pipelines.scoring.comparison import TUNED, Comparison, Interval

Verdict = Literal["pass", "fail", "not-enough-data"]

FEWEST_ROWS = 30
# Shares that are equal on paper, such as 0.3 - 0.2 and 0.1, differ in the last bits.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RuleResult:
    """A rule and its figure, the lower end of `interval`, which must reach `threshold`."""

    rule: str
    holds: bool
    figure: float
    threshold: float
    interval: Interval

    @property
    def within_reach(self) -> bool:
        """Whether more rows could still show that the rule holds."""
        return self.interval[1] >= self.threshold - _ROUNDING

    def as_json(self) -> dict[str, Any]:
        """The shape of evaluation.json's `rules`."""
        return {**asdict(self), "interval": list(self.interval)}


def rule_results(gate: Mapping[Metric, Rule], comparisons: Mapping[str, Comparison]) -> list[RuleResult]:
    """Each condition of the gate with its figure."""
    return [result for metric, rule in gate.items() for result in _conditions(metric, rule, comparisons[metric])]


def verdict(results: list[RuleResult], rows: int) -> Verdict:
    """`pass` where every rule holds; `not-enough-data` where `rows` are too few to tell, else `fail`.

    Too few means under 30, or that every broken rule's interval still reaches its threshold. No rules always pass.
    """
    if not results:
        return "pass"
    if rows < FEWEST_ROWS:
        return "not-enough-data"
    broken = [result for result in results if not result.holds]
    if not broken:
        return "pass"
    return "not-enough-data" if all(result.within_reach for result in broken) else "fail"


def _conditions(metric: Metric, rule: Rule, comparison: Comparison) -> Iterator[RuleResult]:
    sure = f"with {rule.confidence * 100:g}% confidence"
    if rule.better_than_base_by is not None:
        words = f"{metric}: better than base by {rule.better_than_base_by:g}, {sure}"
        yield _result(words, rule.better_than_base_by, comparison.interval)
    if rule.at_least is not None:
        yield _result(f"{metric}: at least {rule.at_least:g}, {sure}", rule.at_least, comparison.intervals[TUNED])


def _result(words: str, threshold: float, interval: Interval) -> RuleResult:
    return RuleResult(words, interval[0] >= threshold - _ROUNDING, interval[0], threshold, interval)
