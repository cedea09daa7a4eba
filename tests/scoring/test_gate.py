import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.recipe import Rule
from pipelines.scoring.comparison import Comparison, compare
from pipelines.scoring.gate import RuleResult, rule_results, verdict


def comparison(interval=(0.1, 0.3), tuned=(0.5, 0.7)) -> Comparison:
    return Comparison(
        means={"base": 0.4, "tuned": 0.6},
        intervals={"base": (0.3, 0.5), "tuned": tuned},
        compared_with="base",
        difference=0.2,
        interval=interval,
        confidence=0.95,
        wins=30,
        losses=10,
        ties=60,
    )


def judged(rule: Rule, rows: int = 100, **intervals) -> str:
    return verdict(rule_results({"exact_match": rule}, {"exact_match": comparison(**intervals)}), rows)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((0.1, 0.3), "pass"), ((0.05, 0.3), "not-enough-data"), ((0.05, 0.1), "not-enough-data"), ((0.01, 0.09), "fail")],
)
def test_the_lower_end_decides_and_the_upper_end_says_whether_more_rows_could_help(interval, expected):
    assert judged(Rule(better_than_base_by=0.1), interval=interval) == expected


def test_at_least_is_about_the_tuned_models_own_mean():
    assert judged(Rule(at_least=0.5)) == "pass"
    assert judged(Rule(at_least=0.8)) == "fail"


def test_one_hopeless_rule_fails_even_beside_one_within_reach():
    assert judged(Rule(better_than_base_by=0.2, at_least=0.8)) == "fail"
    assert judged(Rule(better_than_base_by=0.2, at_least=0.6)) == "not-enough-data"


def test_fewer_than_30_rows_settle_nothing():
    assert judged(Rule(at_least=0.5), rows=29) == "not-enough-data"
    assert judged(Rule(at_least=0.5), rows=30) == "pass"


def test_no_rules_pass():
    assert verdict([], 1) == "pass"


def test_each_condition_is_told_with_its_figure():
    results = rule_results(
        {"exact_match": Rule(better_than_base_by=0.1, at_least=0.6, confidence=0.999)}, {"exact_match": comparison()}
    )
    assert [(result.rule, result.holds, result.figure) for result in results] == [
        ("exact_match: better than base by 0.1, with 99.9% confidence", True, 0.1),
        ("exact_match: at least 0.6, with 99.9% confidence", False, 0.5),
    ]


def test_a_share_equal_on_paper_holds():
    assert judged(Rule(better_than_base_by=0.1), interval=(0.3 - 0.2, 0.3)) == "pass"


@given(st.integers(30, 200), st.integers(0, 200), st.integers(0, 200))
def test_a_model_that_only_loses_never_passes_a_rule_that_asks_for_more(rows, one, other):
    worse, better = sorted([min(one, rows), min(other, rows)])
    base, tuned = np.zeros(rows), np.zeros(rows)
    base[:better], tuned[:worse] = 1, 1
    low, high = (worse - better) / rows, 0.0
    result = RuleResult("exact_match: better", low >= 0.01, low, 0.01, (low, high))
    assert verdict([result], rows) == "fail"


def test_a_clear_gain_passes_from_real_scores():
    gain = compare({"base": np.zeros(60), "tuned": np.repeat([1.0, 0.0], 30)}, 0.95)
    assert verdict(rule_results({"exact_match": Rule(better_than_base_by=0.3)}, {"exact_match": gain}), 60) == "pass"
