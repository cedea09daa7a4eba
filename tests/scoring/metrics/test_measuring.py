import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.recipe import Example
from pipelines.recipe_evaluate import Evaluate, Metric
from pipelines.scoring.answers import Answer
from pipelines.scoring.metrics.measuring import Measuring, check_measurable, measure
from tests.scoring.metrics.judge_service import prefers, service
from tests.scoring.metrics.strategies import rows_expecting

PROMPT = [{"role": "user", "content": "Which?"}]
TEXT = {"user": "{text}", "assistant": "{label}"}
JSON = {"user": "{text}", "assistant": {"json": ["label"]}}
SCHEMA = {"type": "object", "properties": {"label": {"enum": ["card", "loan"]}}, "required": ["label"]}
ALLOWED = {"answer": ["card", "loan"]}
# Whose figures come from elsewhere than an answer's text.
ELSEWHERE = {"bert_score", "sql_result", "judge", "tool_calls", "tool_names"}


def measuring(tmp_path, expected, example=None, allowed=None, schema=None, **asked):
    return Measuring(
        Evaluate.model_validate_json(json.dumps(asked)),
        Example.model_validate_json(json.dumps(example or TEXT)),
        rows_expecting(*expected, prompt=PROMPT),
        ALLOWED if allowed is None else allowed,
        schema,
        tmp_path,
    )


def said(*texts, logprob=None):
    return [Answer("", "timeout", 9.0) if text is None else Answer(text, "stop", 0.1, logprob) for text in texts]


def test_metrics_of_rows_are_scores_and_others_are_functions_of_rows(tmp_path):
    metrics = ["exact_match", "accuracy", "macro_f1"]
    asked = measuring(tmp_path, ["card", "loan", "card"], metrics=metrics)
    check_measurable(asked)
    answers = {"base": said("Card", "loan", "card"), "tuned": said("card", "loan", None)}
    found = measure(asked, answers)
    assert list(found.figures) == metrics
    assert found.figures["exact_match"]["base"].tolist() == [0, 1, 1]
    assert found.figures["accuracy"]["base"].tolist() == [1, 1, 1]
    assert found.figures["accuracy"]["tuned"].tolist() == [1, 1, 0]
    everywhere = np.arange(3)
    assert found.figures["macro_f1"]["base"](everywhere) == 1
    assert found.figures["macro_f1"]["tuned"](everywhere) == pytest.approx((2 / 3 + 1) / 2)
    assert found.confusion == {"answer": {"labels": ["card", "loan"], "counts": [[1, 0], [0, 1]], "other": [1, 0]}}
    assert (found.calibration, found.judge, found.refusals, found.functions) == (None, None, None, {})


@pytest.mark.parametrize("metric", sorted(set(get_args(Metric)) - ELSEWHERE))
def test_every_metric_gives_a_perfect_model_one_and_a_silent_one_zero(tmp_path, metric):
    """Also where saying nothing would be right, as for refusals: a row without an answer counts as wrong."""
    is_json = metric in ("field_precision", "field_recall", "field_f1", "valid_json")
    expected = ['{"label": "card"}', '{"label": "loan"}'] if is_json else ["card", "loan"]
    kind = {"example": JSON, "allowed": {"label": ["card", "loan"]}, "schema": SCHEMA} if is_json else {}
    asked = measuring(tmp_path, expected, metrics=[metric], **kind)
    check_measurable(asked)
    found = measure(asked, {"base": said(None, None), "tuned": said(*expected)}).figures[metric]
    places = np.arange(2)
    means = [each(places) if callable(each) else each.mean() for each in (found["base"], found["tuned"])]
    assert means == [0, 1]


def test_own_functions_are_metrics_by_their_names_and_see_no_silent_rows(tmp_path):
    file = tmp_path / "short.py"
    file.write_text("def short(answer, expected, row):\n    return 1 / len(answer)\n")
    asked = measuring(tmp_path, ["card", "loan"], functions={"short": f"{file}:short"})
    found = measure(asked, {"base": said(None, "ab"), "tuned": said("abcd", "a")})
    assert found.figures["short"]["base"].tolist() == [0, 0.5]
    assert found.figures["short"]["tuned"].tolist() == [0.25, 1]
    assert found.functions == {"short": sha256_of_file(file)}


def test_the_judge_compares_with_the_bases_best_and_sees_no_row_without_an_answer(tmp_path):
    with service(prefers("good")) as (url, asked):
        judged = measuring(
            tmp_path, ["card"] * 4, metrics=["exact_match", "judge"], judge={"url": url, "model": "judge-1"}
        )
        answers = {
            "base": said("bad", "bad", "bad", "bad"),
            "base_few_shot": said("card", "good", None, None),
            "champion": said("card", "card", "card", "card"),
            "tuned": said("good", "card", "good", None),
        }
        found = measure(judged, answers)
    assert found.judge["compared_with"] == "base_few_shot"
    assert {variant: scores.tolist() for variant, scores in found.figures["judge"].items()} == {
        "base_few_shot": [0, 1, 0, 0],
        "tuned": [1, 0, 1, 0],
    }
    assert (found.judge["rows"], found.judge["wins"], found.judge["losses"]) == (2, 1, 1)
    assert len(asked) == 2


def test_the_base_that_the_judge_sees_is_chosen_by_metrics_of_the_whole_set_too(tmp_path):
    with service(prefers("loan")) as (url, asked):
        metrics = ["macro_f1", "judge"]
        judged = measuring(tmp_path, ["card", "loan"], metrics=metrics, judge={"url": url, "model": "judge-1"})
        answers = {"base": said("a", "b"), "base_few_shot": said("card", "x"), "tuned": said("card", "loan")}
        assert measure(judged, answers).judge["compared_with"] == "base_few_shot"
    assert len(asked) == 2


@pytest.mark.parametrize("metrics", [["judge"], ["exact_match", "judge"]])
def test_where_nothing_else_tells_the_judge_sees_every_base_and_the_strongest_counts(tmp_path, metrics):
    """Beside exact_match too, which is 0 for all where answers are free."""
    with service(prefers("good")) as (url, _):
        judged = measuring(tmp_path, ["card"] * 2, metrics=metrics, judge={"url": url, "model": "judge-1"})
        answers = {
            "base": said("bad", "bad"),
            "base_few_shot": said("bad", "good"),
            "base_constrained": said("bad", "poor"),
            "tuned": said("good too", "worse"),
        }
        found = measure(judged, answers)
    assert found.judge["compared_with"] == "base_few_shot"
    assert {variant: scores.tolist() for variant, scores in found.figures["judge"].items()} == {
        "base_few_shot": [0, 1],
        "tuned": [1, 0],
    }


def test_calibration_is_of_answers_whose_likelihood_was_told(tmp_path):
    asked = measuring(tmp_path, ["card", "loan", "card", "loan"])
    tuned = [*said("card", "card", logprob=float(np.log(0.75))), *said("card", None)]
    found = measure(asked, {"base": tuned, "tuned": tuned}).calibration
    assert found["bins"] == [{"low": 0.7, "high": 0.8, "rows": 2, "confidence": 0.75, "accuracy": 0.5}]
    assert found["ece"] == pytest.approx(0.25)
    free = measuring(tmp_path, ["one text", "another"], allowed={})
    told = said("one text", "x", logprob=-0.1)
    assert measure(free, {"base": told, "tuned": told}).calibration is None


def test_the_share_of_refusals_is_told_beside_the_agreement(tmp_path):
    asked = measuring(tmp_path, ["I cannot say.", "At nine.", "At ten."], allowed={}, metrics=["refusal"])
    answers = {"base": said("I can't tell.", "I can't tell.", "At ten."), "tuned": said("No.", "At nine.", "At ten.")}
    found = measure(asked, answers)
    assert found.refusals == {
        "expected": pytest.approx(1 / 3, abs=1e-6),
        "base": pytest.approx(2 / 3, abs=1e-6),
        "tuned": 0,
    }
    assert found.figures["refusal"]["base"].mean() == found.figures["refusal"]["tuned"].mean() == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("asked", "expected", "allowed", "wrong"),
    [
        ({"metrics": ["macro_f1"]}, ["card", "card"], ALLOWED, "macro_f1: the judged rows expect one label only"),
        ({"metrics": ["accuracy"]}, ["a", "b"], {}, "accuracy judges labels, but no field of the answer has few"),
        ({"metrics": ["tool_calls"]}, ["card", "loan"], ALLOWED, "none of the 2 judged rows expects a call"),
        ({"functions": {"mine": "none.py:mine"}}, ["card"], ALLOWED, "none.py: there is no such file"),
        ({"metrics": ["sql_result"], "sql_database": "none.db"}, ["SELECT 1"], {}, "none.db: there is no such file"),
        ({"metrics": ["bert_score"], "bert_score_model": "none"}, ["x"], {}, "is no folder of a transformers model"),
    ],
)
def test_what_cannot_be_measured_is_told_before_a_model_is_asked(
    tmp_path, monkeypatch, asked, expected, allowed, wrong
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TinsmithError, match=wrong):
        check_measurable(measuring(tmp_path, expected, allowed=allowed, **asked))


@pytest.mark.parametrize("metric", get_args(Metric))
def test_every_metric_is_documented(metric):
    table = [line for line in Path("docs/metrics.md").read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{metric}`" in line.split("|")[1] for line in table)
