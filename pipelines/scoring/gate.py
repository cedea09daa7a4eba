"""The gate: does the tuned model keep the recipe's rules, as far as the test rows can tell?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipelines.errors import TinsmithError
from pipelines.recipe_gate import Rule
from pipelines.scoring.comparison import TUNED, Comparison
from pipelines.scoring.comparison_statistics import POWER, Interval, rounded
from pipelines.scoring.variants import variant_name

Verdict = Literal["pass", "fail", "not-enough-data"]
Bound = Literal["above", "at least", "at most"]

FEWEST_ROWS = 30
# Shares that are equal on paper, such as 0.3 - 0.2 and 0.1, differ in the last bits.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Figure:
    """What a rule is held against: the tuned model's value and its difference to the base, with their intervals.

    The intervals are two-sided at the rule's confidence; a figure that is counted and not sampled has none. Of what a
    model must not say, `unanswered` are the rows on which it said nothing.
    """

    tuned: float
    interval: Interval | None
    rows: int | None
    difference: float | None = None
    difference_interval: Interval | None = None
    lower_is_better: bool = False
    base: str = "base"
    smallest_difference: float | None = None
    unanswered: int = 0


@dataclass(frozen=True)
class Champion:
    """What the tuned model is held against where a rule names the champion.

    `comparisons` are by metric; where there is nothing to beat, `absent` says why in one sentence.
    """

    comparisons: Mapping[str, Comparison]
    absent: str | None = None


@dataclass(frozen=True)
class RuleResult:
    """A rule with the end of its interval that must keep to the threshold, or the figure itself where it has none.

    `judges` is the figure's name in the recipe's gate: a metric, `ability.arc_easy`, `safety.must_refuse`.
    `within_reach` says whether more rows could still show that the rule holds.
    """

    judges: str
    rule: str
    holds: bool
    figure: float | None
    threshold: float
    interval: Interval | None
    reason: str
    within_reach: bool
    rows: int | None

    @property
    def too_few_rows(self) -> bool:
        """Whether it was decided on an interval of so few rows that it settles nothing."""
        return self.interval is not None and self.rows is not None and self.rows < FEWEST_ROWS

    def as_json(self) -> dict[str, Any]:
        """The shape of evaluation.json's `rules`."""
        return {
            "judges": self.judges,
            "rule": self.rule,
            "holds": self.holds,
            "figure": self.figure,
            "threshold": self.threshold,
            "interval": None if self.interval is None else list(self.interval),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class _Condition:
    """One condition of a rule: how `value`, called `subject`, must stand to the threshold."""

    judges: str
    words: str
    subject: str
    value: float
    interval: Interval | None
    bound: Bound
    threshold: float
    rows: int | None
    smallest_difference: float | None = None


def metric_figure(comparison: Comparison) -> Figure:
    """A metric as the gate sees it."""
    return Figure(
        tuned=comparison.means[TUNED],
        interval=comparison.intervals[TUNED],
        rows=comparison.rows,
        difference=comparison.difference,
        difference_interval=comparison.interval,
        base=comparison.compared_with,
        smallest_difference=comparison.smallest_difference,
    )


def rule_results(rules: Mapping[str, Rule], figures: Mapping[str, Figure], champion: Champion) -> list[RuleResult]:
    """Each condition of the gate with its figure; `figures` has all that the rules name."""
    results = []
    for name, rule in rules.items():
        conditions = _conditions(name, rule, figures[name])
        results += [
            _as_proven(_result(condition, rule.confidence), figures[name].unanswered) for condition in conditions
        ]
        if rule.better_than_champion_by is not None:
            results.append(_champion_result(name, rule, rule.better_than_champion_by, champion))
    return results


def verdict(results: Sequence[RuleResult]) -> Verdict:
    """`pass` where every rule holds; `not-enough-data` where the rows are too few to tell, else `fail`.

    Too few means an interval of under 30 rows, or that every broken rule's interval still reaches its threshold. A
    rule that is broken on a counted figure fails whatever the rows. No rules always pass.
    """
    broken = [result for result in results if not result.holds]
    if any(not result.within_reach and not result.too_few_rows for result in broken):
        return "fail"
    if broken or any(result.too_few_rows for result in results):
        return "not-enough-data"
    return "pass"


def _conditions(name: str, rule: Rule, figure: Figure) -> Iterator[_Condition]:
    if rule.better_than_base_by is not None:
        words = f"{name}: better than base by {rule.better_than_base_by:g}"
        yield _against_base(name, figure, words, "above", rule.better_than_base_by)
    if rule.not_worse_than_base_by is not None:
        words = f"{name}: not worse than base by more than {rule.not_worse_than_base_by:g}"
        yield _against_base(name, figure, words, "at least", -rule.not_worse_than_base_by)
    bounds: tuple[tuple[Bound, float | None], ...] = (("at least", rule.at_least), ("at most", rule.at_most))
    for bound, threshold in bounds:
        if threshold is not None:
            words, subject = f"{name}: {bound} {threshold:g}", "the tuned model's figure"
            yield _Condition(name, words, subject, figure.tuned, figure.interval, bound, threshold, figure.rows)


def _against_base(name: str, figure: Figure, words: str, bound: Bound, threshold: float) -> _Condition:
    if figure.difference is None:
        raise TinsmithError(f"gate.{name}: the base has no such figure to compare with; give at_least or at_most")
    base = variant_name(figure.base)
    subject, value, interval = f"the difference to {base}", figure.difference, figure.difference_interval
    if figure.lower_is_better:
        subject, value = f"the improvement on {base}", -value
        interval = interval and (-interval[1], -interval[0])
    return _Condition(name, words, subject, value, interval, bound, threshold, figure.rows, figure.smallest_difference)


def _champion_result(name: str, rule: Rule, threshold: float, champion: Champion) -> RuleResult:
    words = f"{name}: better than the champion by {threshold:g}"
    if champion.absent is not None:
        return RuleResult(name, words, True, None, threshold, None, champion.absent, True, None)
    found, subject = champion.comparisons[name], "the difference to the champion"
    value, interval, smallest = found.difference, found.interval, found.smallest_difference
    condition = _Condition(name, words, subject, value, interval, "above", threshold, found.rows, smallest)
    return _result(condition, rule.confidence)


def _result(condition: _Condition, confidence: float) -> RuleResult:
    low, high = condition.interval or (condition.value, condition.value)
    decisive, other = (high, low) if condition.bound == "at most" else (low, high)
    holds, within_reach = (_keeps(end, condition.bound, condition.threshold) for end in (decisive, other))
    sure = f", with {confidence * 100:g}% confidence" if condition.interval else ""
    return RuleResult(
        judges=condition.judges,
        rule=condition.words + sure,
        holds=holds,
        figure=rounded(decisive),
        threshold=condition.threshold,
        interval=condition.interval and (rounded(low), rounded(high)),
        reason=_reason(condition, holds, within_reach),
        within_reach=within_reach,
        rows=condition.rows,
    )


def _as_proven(result: RuleResult, unanswered: int) -> RuleResult:
    """A rule that holds does so only as far as every row was answered."""
    if not (result.holds and unanswered):
        return result
    rows = "a question" if unanswered == 1 else f"{unanswered} questions"
    reason = f"{result.reason.removesuffix('.')}; but {rows} got no answer, which proves nothing."
    return replace(result, holds=False, within_reach=True, reason=reason)


def _keeps(end: float, bound: Bound, threshold: float) -> bool:
    if bound == "above":
        return end > threshold + _ROUNDING
    return end <= threshold + _ROUNDING if bound == "at most" else end >= threshold - _ROUNDING


def _reason(condition: _Condition, holds: bool, within_reach: bool) -> str:
    """Why a rule holds or not, in one sentence."""
    decided = f"is {condition.bound if holds else f'not {condition.bound}'} {condition.threshold:g}"
    said = f"{condition.subject[0].upper()}{condition.subject[1:]} is {condition.value:.4g}"
    if condition.interval is None:
        return f"{said}, which {decided}."
    low, high = condition.interval
    said += f" ({low:.4g} to {high:.4g}), whose {'upper' if condition.bound == 'at most' else 'lower'} end {decided}"
    if holds or not within_reach:
        return f"{said}."
    said += "; more rows could still show that it holds"
    if condition.smallest_difference is None:
        return f"{said}."
    return (
        f"{said}: {condition.rows} rows show a true difference of {condition.smallest_difference:.3g} in "
        f"{POWER * 100:g}% of tests."
    )
