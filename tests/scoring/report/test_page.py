import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.scoring.report.loss import thinned
from pipelines.scoring.report.page import report_markdown, report_page
from pipelines.scoring.report.reports import LossPoint, read_reports
from tests.scoring.report.full_evaluation import NASTY, SECRET_WORD

SECTIONS = [
    *("Rules", "Base against tuned", "Slices", "Confusion", "Calibration", "Regressions", "General ability"),
    *("Safety", "Quantisations", "Parity", "Training", "Cost", "Lineage"),
]


def visible(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1])))


def headings(page: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]+)</h2>", page)


def test_the_verdict_comes_first_with_its_reason_then_the_sections_in_order(full):
    page = report_page(full)
    assert headings(page) == SECTIONS
    text = visible(page)
    places = [text.index(words) for words in ("Fail", "On exact_match the tuned model is", "Two planted", "Rules")]
    assert places == sorted(places)


@pytest.mark.parametrize("verdict", ["pass", "fail", "not-enough-data"])
def test_the_verdict_of_evaluation_json_is_told_as_it_is(full, verdict):
    page = report_page(replace(full, evaluation=full.evaluation | {"verdict": verdict}))
    assert f'<div class="verdict {verdict}">' in page
    assert ("More test rows could still decide it." in page) == (verdict == "not-enough-data")


def test_the_result_in_one_sentence_is_of_what_the_gate_judges(full, minimal):
    rule = full.evaluation["rules"][0] | {"judges": "macro_f1"}
    judged = replace(full, evaluation=full.evaluation | {"rules": [rule]})
    assert "On macro_f1 the tuned model is 38.0 points better" in visible(report_page(judged))
    assert "On accuracy the tuned model" in visible(report_page(minimal)), "without rules, of the first metric"


def test_a_worse_model_is_called_worse_and_an_equal_one_equal(full, minimal):
    metric = full.evaluation["metrics"]["exact_match"] | {"difference": -0.125, "interval": [-0.2, -0.05]}
    worse = replace(full, evaluation=full.evaluation | {"metrics": {"exact_match": metric}})
    assert "12.5 points worse than its base (constrained)" in visible(report_page(worse))
    told = "scores the same as its base, which does not prove it as good: 10.0% against 10.0%"
    assert told in visible(report_page(minimal))


@pytest.mark.parametrize("difference", [0, 0.0004, -0.0004])
def test_a_difference_of_nothing_is_not_called_equality(full, difference):
    metric = full.evaluation["metrics"]["exact_match"] | {"difference": difference, "interval": [-0.12, 0.12]}
    found = replace(full, evaluation=full.evaluation | {"metrics": {"exact_match": metric}})
    page = visible(report_page(found))
    assert "scores the same as its base (constrained), which does not prove it as good:" in page
    assert "(difference −12.0 to +12.0 with 95% confidence)" in page


def test_a_difference_that_chance_could_explain_is_called_so(full):
    metric = full.evaluation["metrics"]["exact_match"] | {"difference": 0.142, "interval": [0.0, 0.279]}
    unsure = replace(full, evaluation=full.evaluation | {"metrics": {"exact_match": metric}})
    assert "14.2 points better than its base (constrained), which chance could explain:" in visible(report_page(unsure))
    assert "chance" not in visible(report_page(full))


def test_a_slice_on_which_the_tuned_model_is_worse_than_elsewhere_is_named(full):
    page = visible(report_page(full))
    assert "On these the tuned model does worse than on all other rows" in page
    assert "input length long, exact_match: 16.0% against 81.2% (−65.2 points; corrected p 0.009; 48 rows)" in page
    even = [{**row, "gap_finding": None} for row in full.evaluation["slices"]]
    fair = replace(full, evaluation=full.evaluation | {"slices": even})
    assert "On no slice does the tuned model do worse than on all other rows" in visible(report_page(fair))
    assert "than elsewhere" not in report_markdown(fair)
    # As an evaluation from before this was measured has it.
    older = [{key: value for key, value in row.items() if not key.startswith(("gap", "rest"))} for row in even]
    unknown = replace(full, evaluation=full.evaluation | {"slices": older})
    assert "all other rows" not in visible(report_page(unknown))


def test_every_mean_is_shown_with_its_interval(full):
    page = visible(report_page(full))
    for found in full.evaluation["metrics"].values():
        for variant, (low, high) in found["intervals"].items():
            assert f"{found[variant] * 100:.1f} {low * 100:.1f} to {high * 100:.1f}" in page


def test_an_underpowered_test_says_so(full):
    text = visible(report_page(full))
    assert "valid_json: the difference found, 0.0 points, is below the 8.3 that this test could reliably see" in text
    assert "exact_match: the difference found" not in text


def test_what_nobody_asked_for_is_left_out_or_said_in_one_line(minimal):
    page = report_page(minimal)
    assert headings(page) == ["Base against tuned", "General ability", "Safety", "Lineage"]
    assert visible(page).count("Not asked for") == 2
    assert "The recipe's gate has no rules, so any result passes." in visible(page)


def test_the_sample_reports_of_the_repository_make_a_page(sample):
    assert {"Base against tuned", "Quantisations", "Training", "Cost", "Lineage"} <= set(headings(report_page(sample)))
    assert report_markdown(sample).startswith("## support_triage: ")


def test_no_text_of_a_row_is_in_what_is_committed(full):
    for made in (report_page(full), report_markdown(full)):
        assert SECRET_WORD not in made


def test_values_from_the_data_cannot_become_markup(full):
    page = report_page(full)
    assert "<script" not in page
    assert NASTY in visible(page)
    assert "<script" not in report_markdown(full)


def test_the_page_names_nothing_elsewhere(full):
    for url in re.findall(r'(?:href|src)="([^"]*)"', report_page(full)):
        assert url.startswith("#") or url == "datasheet.html"
    assert not re.search(r"https?://|@import|url\(", report_page(full))


def test_equal_reports_make_equal_bytes(full):
    assert report_page(full) == report_page(full)
    assert report_markdown(full) == report_markdown(full)


def test_every_table_of_the_markdown_has_as_many_cells_in_each_line(full, minimal, sample):
    for reports in (full, minimal, sample):
        for block in re.findall(r"(?:^\|.*\n)+", report_markdown(reports), re.M):
            cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(cells) == 1, block


def test_the_markdown_tells_verdict_rules_metrics_quants_changed_slices_and_cost(full):
    text = report_markdown(full)
    assert text.startswith("## claims: Fail\n\nOn exact_match the tuned model is ")
    found = re.findall(r"^### (.*)", text, re.M)
    slices = ["Slices that changed", "Slices on which the tuned model does worse than elsewhere"]
    assert found == ["Rules", "Base against tuned, %", *slices, "Quantisations", "Cost"]
    assert "Worse than the base beyond its interval: ability.ifeval, safety.membership_auc." in text


@given(st.integers(2, 5000))
def test_a_long_loss_curve_keeps_its_ends(steps):
    loss = [LossPoint(step, 1 / step) for step in range(1, steps + 1)]
    drawn = thinned(loss)
    assert len(drawn) <= 401
    assert (drawn[0], drawn[-1]) == (loss[0], loss[-1])
    assert [point.step for point in drawn] == sorted({point.step for point in drawn})


def test_only_an_evaluated_recipe_has_a_report(tmp_path):
    with pytest.raises(Exception, match=r"evaluation.json: not there yet; run `dvc repro evaluate@claims` first"):
        read_reports(tmp_path, "claims", "", "")


def test_a_broken_report_is_told_by_its_file(tmp_path):
    (tmp_path / "evaluation.json").write_text('{"verdict": ')
    with pytest.raises(Exception, match=r"evaluation.json:1: is no JSON; restore"):
        read_reports(tmp_path, "claims", "", "")
