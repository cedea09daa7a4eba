import re
from xml.etree import ElementTree

import numpy as np
import pytest

from pipelines.recipe_gate import Rule
from pipelines.scoring.comparison import compare
from pipelines.scoring.comparison_slices import column_slices, slice_rows
from pipelines.scoring.gate import Champion, metric_figure, rule_results, verdict
from pipelines.scoring.report import Report, Subject, render

NASTY = '<script>alert("1")</script>, = & "quoted"'


def report(rows: int = 120, few_shot: bool = True, unanswered: int = 0) -> Report:
    rng = np.random.default_rng(3)

    def scored(share: float) -> np.ndarray:
        return (rng.random(rows) < share).astype(float)

    variants = {"base": 0.02, **({"base_few_shot": 0.15} if few_shot else {}), "tuned": 0.6}
    scores = {
        metric: {name: scored(share) for name, share in variants.items()} for metric in ("exact_match", "valid_json")
    }
    comparisons = {metric: compare(metric, values, rows, 0.95) for metric, values in scores.items()}
    figures = {metric: metric_figure(comparison) for metric, comparison in comparisons.items()}
    rules = {"exact_match": Rule(better_than_base_by=0.1, at_least=0.9)}
    results = rule_results(rules, figures, Champion({}, "There is none."))
    slices = slice_rows(
        column_slices(["product"], [{"product": NASTY if number % 3 else "Card"} for number in range(rows)]),
        scores,
        {metric: comparison.compared_with for metric, comparison in comparisons.items()},
    )
    subject = Subject("support_triage", "Route & triage.", "team@example.com", "embedded:x, 1", "Q4_K_M", "ab" * 32)
    return Report(subject, verdict(results), rows, comparisons, results, slices, {"tuned": unanswered})


def visible(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1]))


def test_the_verdict_and_the_rules_stand_before_the_tables():
    text = visible(render(report()))
    places = [text.index(word) for word in ("Fail", "On exact_match the tuned model is", "Rules", "Base against tuned")]
    assert places == sorted(places)
    assert "exact_match: at least 0.9, with 95% confidence no" in text


def test_every_mean_is_shown_with_its_interval():
    page, made = visible(render(report())), report().comparisons["exact_match"]
    for variant, mean in made.means.items():
        low, high = made.intervals[variant]
        assert f"{mean * 100:.1f} {low * 100:.1f} to {high * 100:.1f}" in page


def test_values_from_the_data_cannot_become_markup():
    page = render(report())
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_needs_nothing_from_elsewhere():
    page = render(report())
    assert not re.search(r"https?://|src=|<link|@import|url\(", page)
    assert 'name="viewport"' in page


def test_the_charts_are_well_formed_and_inside_the_frame():
    charts = re.findall(r"<svg.*?</svg>", render(report()), re.S)
    assert len(charts) == 2
    for chart in charts:
        circles = [float(circle.get("cx")) for circle in ElementTree.fromstring(chart).iter("circle")]
        assert len(circles) == 3
        assert all(96 <= x <= 312 for x in circles)


@pytest.mark.parametrize(("rows", "words"), [(20, "Fewer than 30 test rows"), (120, "Fail")])
def test_too_few_rows_are_said_to_be_the_reason(rows, words):
    assert words in visible(render(report(rows)))


def test_without_few_shot_there_is_no_such_column():
    assert "few-shot" not in visible(render(report(few_shot=False)))


def test_rows_without_an_answer_are_told():
    assert "3 of 120 rows got no answer" in visible(render(report(unanswered=3)))
    assert "got no answer" not in visible(render(report()))


def test_equal_results_make_equal_bytes():
    assert render(report()) == render(report())
