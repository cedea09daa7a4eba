import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipelines.errors import TinsmithError
from pipelines.recipe_gate import Rule
from pipelines.scoring.comparison import CHAMPION, Comparison, compare
from pipelines.scoring.comparison_statistics import difference_interval
from pipelines.scoring.gate import Champion, Figure, metric_figure, rule_results, verdict
from pipelines.scoring.gate_figures import reported_figure

NO_CHAMPION = Champion({}, "There is no champion yet, so there is nothing to beat.")


def comparison(interval=(0.1, 0.3), tuned=(0.5, 0.7), rows=100) -> Comparison:
    return Comparison(
        rows=rows,
        means={"base": 0.4, "tuned": 0.6},
        intervals={"base": (0.3, 0.5), "tuned": tuned},
        compared_with="base",
        difference=0.2,
        interval=interval,
        confidence=0.95,
        wins=30,
        ties=60,
        lost=tuple(range(10)),
        p_value=0.002,
        smallest_difference=0.14,
    )


def judged(rule: Rule, **changes) -> str:
    return verdict(
        rule_results({"exact_match": rule}, {"exact_match": metric_figure(comparison(**changes))}, NO_CHAMPION)
    )


def reported(**changes) -> Figure:
    figure = {"better": "higher", "rows": 200, "base": 0.5, "tuned": 0.48, "interval": [0.41, 0.55]}
    return reported_figure({**figure, "difference": -0.02, "difference_interval": [-0.05, 0.01], **changes})


def results_for(rule: Rule, figure: Figure):
    return rule_results({"figure": rule}, {"figure": figure}, NO_CHAMPION)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((0.11, 0.3), "pass"), ((0.1, 0.3), "not-enough-data"), ((0.05, 0.3), "not-enough-data"), ((0.01, 0.1), "fail")],
)
def test_the_lower_end_decides_and_the_upper_end_says_whether_more_rows_could_help(interval, expected):
    assert judged(Rule(better_than_base_by=0.1), interval=interval) == expected


def test_at_least_and_at_most_are_about_the_tuned_models_own_mean():
    assert judged(Rule(at_least=0.5)) == "pass"
    assert judged(Rule(at_least=0.8)) == "fail"
    assert judged(Rule(at_most=0.7)) == "pass"
    assert judged(Rule(at_most=0.6)) == "not-enough-data"
    assert judged(Rule(at_most=0.4)) == "fail"


def test_not_worse_allows_a_margin_below_the_base():
    assert judged(Rule(not_worse_than_base_by=0.05), interval=(-0.04, 0.1)) == "pass"
    assert judged(Rule(not_worse_than_base_by=0.05), interval=(-0.06, 0.1)) == "not-enough-data"
    assert judged(Rule(not_worse_than_base_by=0.05), interval=(-0.2, -0.06)) == "fail"


def test_one_hopeless_rule_fails_even_beside_one_within_reach():
    assert judged(Rule(better_than_base_by=0.2, at_least=0.8)) == "fail"
    assert judged(Rule(better_than_base_by=0.2, at_least=0.6)) == "not-enough-data"


def test_fewer_than_30_rows_settle_nothing():
    assert judged(Rule(at_least=0.5), rows=29) == "not-enough-data"
    assert judged(Rule(at_least=0.8), rows=29) == "not-enough-data"
    assert judged(Rule(at_least=0.5), rows=30) == "pass"


def test_no_rules_pass():
    assert verdict([]) == "pass"


def test_each_condition_is_told_with_its_figure_and_its_reason():
    rule = Rule(better_than_base_by=0.05, not_worse_than_base_by=0.2, at_least=0.6, at_most=0.4, confidence=0.999)
    figures = {"exact_match": metric_figure(comparison())}
    results = [result.as_json() for result in rule_results({"exact_match": rule}, figures, NO_CHAMPION)]
    assert [(result["rule"], result["holds"], result["figure"], result["threshold"]) for result in results] == [
        ("exact_match: better than base by 0.05, with 99.9% confidence", True, 0.1, 0.05),
        ("exact_match: not worse than base by more than 0.2, with 99.9% confidence", True, 0.1, -0.2),
        ("exact_match: at least 0.6, with 99.9% confidence", False, 0.5, 0.6),
        ("exact_match: at most 0.4, with 99.9% confidence", False, 0.7, 0.4),
    ]
    assert {result["judges"] for result in results} == {"exact_match"}
    assert [result["reason"] for result in results] == [
        "The difference to base is 0.2 (0.1 to 0.3), whose lower end is above 0.05.",
        "The difference to base is 0.2 (0.1 to 0.3), whose lower end is at least -0.2.",
        "The tuned model's figure is 0.6 (0.5 to 0.7), whose lower end is not at least 0.6; more rows could still show "
        "that it holds.",
        "The tuned model's figure is 0.6 (0.5 to 0.7), whose upper end is not at most 0.4.",
    ]


def test_a_test_that_is_too_small_says_what_it_could_see():
    figures = {"exact_match": metric_figure(comparison(interval=(-0.02, 0.3)))}
    (result,) = rule_results({"exact_match": Rule(better_than_base_by=0)}, figures, NO_CHAMPION)
    assert result.reason == (
        "The difference to base is 0.2 (-0.02 to 0.3), whose lower end is not above 0; more rows could still show that "
        "it holds: 100 rows show a true difference of 0.14 in 80% of tests."
    )


def test_a_figure_of_another_stage_says_what_its_rows_could_see():
    (result,) = results_for(Rule(better_than_base_by=0), reported(smallest_difference=0.06))
    assert result.reason.endswith("200 rows show a true difference of 0.06 in 80% of tests.")


def test_a_share_equal_on_paper_holds():
    assert judged(Rule(at_least=0.1), tuned=(0.3 - 0.2, 0.3)) == "pass"
    assert judged(Rule(better_than_base_by=0.3), interval=(0.1 + 0.2, 0.4)) == "not-enough-data"


def test_what_was_never_answered_proves_nothing():
    counted = {"better": "lower", "rows": 40, "interval": None, "difference": None, "difference_interval": None}
    (silent,) = results_for(Rule(at_most=0), reported(tuned=0, unanswered=40, **counted))
    assert (silent.holds, verdict([silent])) == (False, "not-enough-data")
    assert silent.reason == (
        "The tuned model's figure is 0, which is at most 0; but 40 questions got no answer, which proves nothing."
    )
    (broken,) = results_for(Rule(at_most=0), reported(tuned=1, unanswered=39, **counted))
    assert verdict([broken]) == "fail"


def test_a_counted_figure_is_judged_as_it_is_whatever_the_rows():
    counted = {"rows": 8, "interval": None, "difference": None, "difference_interval": None}
    (none,) = results_for(Rule(at_most=0), reported(tuned=0, **counted))
    (three,) = results_for(Rule(at_most=0), reported(tuned=3, **counted))
    assert (none.rule, none.reason) == ("figure: at most 0", "The tuned model's figure is 0, which is at most 0.")
    assert three.reason == "The tuned model's figure is 3, which is not at most 0."
    assert (verdict([none]), verdict([three]), verdict([none, three])) == ("pass", "fail", "fail")


def test_where_lower_is_better_an_improvement_counts():
    worse = reported(better="lower", difference=0.02, difference_interval=[0.01, 0.03])
    (strict, lax) = results_for(Rule(better_than_base_by=0, not_worse_than_base_by=0.05), worse)
    assert (strict.holds, strict.interval, strict.figure) == (False, (-0.03, -0.01), -0.03)
    assert lax.holds
    assert lax.reason == "The improvement on base is -0.02 (-0.03 to -0.01), whose lower end is at least -0.05."


def test_a_figure_that_the_base_does_not_have_is_no_comparison():
    alone = reported(base=None, difference=None, difference_interval=None)
    with pytest.raises(TinsmithError, match=r"^gate\.figure: the base has no such figure .*; give at_least or at_most"):
        results_for(Rule(better_than_base_by=0), alone)


def test_a_rule_about_the_champion_holds_where_there_is_none_and_says_so():
    figures = {"exact_match": metric_figure(comparison())}
    (result,) = rule_results({"exact_match": Rule(better_than_champion_by=0.01)}, figures, NO_CHAMPION)
    assert (result.holds, result.figure, result.reason) == (True, None, NO_CHAMPION.absent)
    assert verdict([result]) == "pass"


def test_the_champion_is_beaten_in_pairs():
    generator = np.random.default_rng(1)
    champion = (generator.random(100) < 0.5).astype(float)
    tuned = np.maximum(champion, generator.random(100) < 0.3)
    measured = {"base": np.zeros(100), "tuned": tuned, CHAMPION: champion}
    figures = {"exact_match": metric_figure(compare("exact_match", measured, 100, 0.95))}
    against = Champion({"exact_match": compare("exact_match", measured, 100, 0.95, [CHAMPION])})
    (close,) = rule_results({"exact_match": Rule(better_than_champion_by=0)}, figures, against)
    (far,) = rule_results({"exact_match": Rule(better_than_champion_by=0.5)}, figures, against)
    assert (close.rule, close.holds) == ("exact_match: better than the champion by 0, with 95% confidence", True)
    assert close.reason.startswith("The difference to the champion is 0.")
    assert verdict([far]) == "fail"


@settings(max_examples=30, deadline=None)
@given(st.integers(30, 60), st.integers(0, 60), st.integers(0, 60))
def test_a_model_that_only_loses_never_passes(rows, one, other):
    worse, better = sorted([min(one, rows), min(other, rows)])
    base, tuned = np.zeros(rows), np.zeros(rows)
    base[:better], tuned[:worse] = 1, 1
    figures = {"exact_match": metric_figure(compare("exact_match", {"base": base, "tuned": tuned}, rows, 0.95))}
    assert verdict(rule_results({"exact_match": Rule(better_than_base_by=0)}, figures, NO_CHAMPION)) != "pass"


def passes(measured, rows) -> bool:
    figures = {"metric": metric_figure(compare("metric", measured, rows, 0.95))}
    return verdict(rule_results({"metric": Rule(better_than_base_by=0)}, figures, NO_CHAMPION)) == "pass"


def equally_good(generator, names, rows, share):
    """0/1 scores of models that each have a row right with chance `share`, half of the rows all of them or none."""
    alike, luck = generator.random(rows) < 0.5, generator.random(rows)
    return {name: (np.where(alike, luck, generator.random(rows)) < share).astype(float) for name in names}


@pytest.mark.parametrize("rows", [30, 100])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("variants", [1, 3])
def test_a_model_as_good_as_its_base_hardly_ever_passes_as_better(rows, share, variants):
    """At most 5% of tests, however many of the base's variants there are to choose from."""
    generator = np.random.default_rng([rows, variants, int(100 * share)])
    tests = 6_000 // rows
    names = [*(f"base_{number}" for number in range(variants)), "tuned"]
    passed = sum(passes(equally_good(generator, names, rows, share), rows) for _ in range(tests))
    assert passed <= 0.05 * tests


def test_nor_does_one_on_scores_between_right_and_wrong():
    generator = np.random.default_rng(23)
    passed = 0
    for _ in range(120):
        base, tuned = generator.choice([0, 1 / 3, 2 / 3, 1], p=[0.2, 0.1, 0.1, 0.6], size=(2, 60))
        passed += passes({"base": base, "tuned": tuned}, 60)
    assert passed <= 6


def test_nor_does_one_on_a_metric_of_the_whole_set():
    generator = np.random.default_rng(29)
    passed = 0
    for _ in range(60):
        expected = generator.integers(0, 5, 40)
        given_answers = [np.where(generator.random(40) < 0.7, expected, generator.integers(0, 5, 40)) for _ in range(2)]
        measured = {
            name: macro_f1(expected, given) for name, given in zip(("base", "tuned"), given_answers, strict=True)
        }
        passed += passes(measured, 40)
    assert passed <= 3


def macro_f1(expected, answered):
    def of_rows(places):
        hits = np.bincount(expected[places][expected[places] == answered[places]], minlength=5)
        both = np.bincount(expected[places], minlength=5) + np.bincount(answered[places], minlength=5)
        return float((2 * hits[both > 0] / both[both > 0]).mean())

    return of_rows


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (3, 0), (5, 0), (7, 1)])
def test_few_rows_that_differ_are_no_proof(wins, losses):
    base, tuned = np.zeros(100), np.zeros(100)
    tuned[:wins], base[-losses or 100 :] = 1, 1
    assert not passes({"base": base, "tuned": tuned}, 100)


def test_the_chance_of_a_false_pass_computed_exactly():
    """On 30 rows, over every number of wins and losses and every share of rows on which the models differ."""
    rows = 30
    passing = [
        (wins, losses)
        for wins in range(rows + 1)
        for losses in range(min(wins, rows - wins) + 1)
        if difference_interval(np.repeat([1.0, -1.0, 0.0], [wins, losses, rows - wins - losses]), 0.95)[0] > 0
    ]
    assert (6, 0) in passing
    for differing in np.linspace(0.02, 1, 50):
        drawn = stats.multinomial(rows, [differing / 2, differing / 2, 1 - differing])
        assert sum(drawn.pmf([wins, losses, rows - wins - losses]) for wins, losses in passing) <= 0.025


def test_a_clear_gain_passes_from_real_scores():
    gain = compare("exact_match", {"base": np.zeros(60), "tuned": np.repeat([1.0, 0.0], 30)}, 60, 0.95)
    figures = {"exact_match": metric_figure(gain)}
    assert verdict(rule_results({"exact_match": Rule(better_than_base_by=0.3)}, figures, NO_CHAMPION)) == "pass"
