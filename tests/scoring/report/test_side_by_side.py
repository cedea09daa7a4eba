import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.scoring.report import side_by_side as module
from pipelines.scoring.report.page import report_page
from pipelines.scoring.report.side_by_side import MOST_ROWS, shortened, side_by_side
from tests.scoring.report.full_evaluation import ROWS, example_id, scores_of_all, write_answers
from tests.scoring.report.full_reports import NAME


@pytest.fixture
def answers(tmp_path) -> Path:
    return tmp_path / "answers.jsonl"


def test_losses_wins_and_ties_are_counted_over_all_rows(full_project, full):
    found = side_by_side(full_project / "work" / NAME / "answers.jsonl", full)
    counted = full.evaluation["metrics"]["exact_match"]
    assert found.counts == {"loss": counted["losses"], "win": counted["wins"], "tie": counted["ties"]}
    assert {row.example_id for row in found.rows if row.outcome == "loss"} == set(
        full.evaluation["regressions"]["exact_match"]
    )


def test_a_few_losses_are_not_buried_under_many_wins(answers, full):
    rows = 5 * MOST_ROWS
    base, tuned = np.zeros(rows), np.ones(rows)
    base[700], tuned[700] = 1, 0
    write_answers(answers, {"exact_match": {"base_constrained": base, "tuned": tuned}}, rows)
    found = side_by_side(answers, full)
    assert len(found.rows) == MOST_ROWS
    assert (found.rows[0].example_id, found.rows[0].outcome) == (example_id(700), "loss")


def test_the_page_stays_small_whatever_is_answered(answers, full):
    scores = scores_of_all()
    write_answers(answers, scores)
    lines = [json.loads(line) for line in answers.read_text().splitlines()]
    for line in lines:
        line["tuned"] = "<&>" * 30_000
    lines[0]["base"] = "x" * 10_000_000
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = side_by_side(answers, full)
    assert 50 < len(found.rows) <= MOST_ROWS
    # An escaped character takes at most five.
    assert len(report_page(full, found)) < 5 * module._PAGE


def test_a_text_is_whole_or_says_what_is_left_out():
    assert shortened("short") == ("short", "", 0)
    head, whole, left_out = shortened("é" * 10_500)
    assert (len(head), len(whole), left_out) == (401, 10_000, 500)


def test_texts_cannot_become_markup(answers, full):
    write_answers(answers, scores_of_all())
    page = report_page(full, side_by_side(answers, full))
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    "turn", [{"role": "user", "content": None, "tool_calls": [1]}, {"role": "user", "content": ""}]
)
def test_a_turn_without_text_is_shown_as_json(answers, full, turn):
    write_answers(answers, scores_of_all(), rows=1)
    line = json.loads(answers.read_text()) | {"prompt": [turn]}
    answers.write_text(json.dumps(line) + "\n")
    assert json.loads(side_by_side(answers, full).rows[0].question.head) == turn


def test_a_metric_of_the_whole_set_wins_no_row(answers, full):
    whole = full.evaluation | {"metrics": {"macro_f1": full.evaluation["metrics"]["macro_f1"]}}
    write_answers(answers, {})
    assert side_by_side(answers, replace(full, evaluation=whole)) is None


def test_no_rows_are_no_page_of_rows(answers, full):
    answers.write_text("")
    assert side_by_side(answers, full).rows == []


def test_the_same_rows_are_shown_each_time(answers, full):
    write_answers(answers, scores_of_all(), ROWS)
    assert side_by_side(answers, full) == side_by_side(answers, full)
