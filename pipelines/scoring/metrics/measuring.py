"""All that a recipe measures, over the same rows and for every variant that answered them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.recipe import Example, JsonAnswer
from pipelines.recipe_evaluate import Evaluate
from pipelines.scoring.answers import Answer
from pipelines.scoring.metrics import labels
from pipelines.scoring.metrics.bert_score import bert_score, check_bert_score_model
from pipelines.scoring.metrics.calibration import calibration
from pipelines.scoring.metrics.exact_match import exact_match
from pipelines.scoring.metrics.figures import Measured, Row, Scores, Texts
from pipelines.scoring.metrics.json_answers import field_scores, valid_json
from pipelines.scoring.metrics.judge import Judgement, check_judge, judge_answers
from pipelines.scoring.metrics.overlap import chrf, rouge
from pipelines.scoring.metrics.own_function import load_function, own_scores
from pipelines.scoring.metrics.refusal import refusal_as_expected
from pipelines.scoring.metrics.sql_result import check_database, sql_results
from pipelines.scoring.metrics.tool_calls import check_calls, same_calls, same_tools
from pipelines.scoring.refusals import refuses

BASE, TUNED = "base", "tuned"

_OfTexts = Callable[[Sequence[Row], Texts], Scores]


@dataclass(frozen=True)
class Measuring:
    """What is measured on which rows.

    `allowed` and `schema` are the datasheet's `allowed_answers` and `answer_schema`; what a judge model said is kept in
    the folder `kept_in`, so that nothing is asked twice.
    """

    asked: Evaluate
    example: Example
    rows: Sequence[Row]
    allowed: Mapping[str, Sequence[Any]]
    schema: Mapping[str, Any] | None
    kept_in: Path

    @property
    def is_json(self) -> bool:
        """Whether answers are JSON objects."""
        return isinstance(self.example.assistant, JsonAnswer)

    @cached_property
    def choices(self) -> list[labels.Choice]:
        """The answer's fields of few values."""
        return labels.choices(self.rows, self.allowed, self.is_json)


@dataclass(frozen=True)
class Measurement:
    """What was measured.

    `figures` has, by metric in the recipe's order and by variant, either an array with a score for each row or a
    function that gives the figure of the rows at given places (as macro_f1 has it). The rest has the
    shapes of evaluation.json; `refusals` is, where refusal is measured, the share of answers that refuse, by variant
    and under "expected"; `functions` is the SHA-256 of each own function's file.
    """

    figures: dict[str, dict[str, Measured]]
    confusion: dict[str, Any] | None
    calibration: dict[str, Any] | None
    judge: dict[str, Any] | None
    refusals: dict[str, float] | None
    functions: dict[str, str]


def check_measurable(measuring: Measuring) -> None:
    """Everything that can be known to be wrong before a model is asked.

    Raises:
        TinsmithError: a metric does not fit what the rows expect, or what it needs is not there.
    """
    asked = measuring.asked
    for metric in asked.metrics:
        if metric in ("accuracy", "macro_f1"):
            labels.check_labels(measuring.choices, metric)
        if metric in ("tool_calls", "tool_names"):
            check_calls(measuring.rows, metric)
        if metric == "valid_json" and measuring.schema is None:
            raise TinsmithError("evaluate.metrics: valid_json: the datasheet has no answer_schema; run prepare again")
    if asked.bert_score_model:
        check_bert_score_model(Path(asked.bert_score_model))
    if asked.sql_database:
        check_database(Path(asked.sql_database))
    if asked.judge:
        check_judge(asked.judge)
    for name, place in asked.functions.items():
        load_function(name, place)


def measure(measuring: Measuring, answers: Mapping[str, Sequence[Answer]]) -> Measurement:
    """Measure every variant; `answers` has each one's in the order of the rows, "tuned" and one of "base" among them.

    An answer that did not come scores 0 in every metric of rows. The judge compares tuned with the base's best variant
    by the other metrics, or with all that these do not tell apart, of which the strongest counts.

    Raises:
        TinsmithError: a metric cannot be measured: an own function fails, the judge is down, expected SQL does not run.
    """
    figures: dict[str, dict[str, Measured]] = {}
    for name in measuring.asked.names:
        if name == "macro_f1":
            figures[name] = {variant: _macro_f1(measuring, given) for variant, given in answers.items()}
        elif name != "judge":
            score = _score(measuring, name)
            figures[name] = {variant: _scores(measuring.rows, given, score) for variant, given in answers.items()}
    judgement = None
    if measuring.asked.judge:
        judgement = _judgement(measuring, answers, _strongest_bases(figures, answers))
        figures["judge"] = {judgement.summary["compared_with"]: judgement.base, TUNED: judgement.tuned}
    return Measurement(
        figures={name: figures[name] for name in measuring.asked.names},
        confusion=_confusion(measuring, answers[TUNED]),
        calibration=_calibration(measuring, answers[TUNED]),
        judge=judgement.summary if judgement else None,
        refusals=_refusals(measuring, answers) if "refusal" in measuring.asked.metrics else None,
        functions={name: sha256_of_file(_file(place)) for name, place in measuring.asked.functions.items()},
    )


def _score(measuring: Measuring, name: str) -> _OfTexts:
    """The function (rows, answers) -> a score for each row that a metric of rows, or an own function, means."""
    asked, is_json = measuring.asked, measuring.is_json
    if name in asked.functions:
        return partial(own_scores, name, load_function(name, asked.functions[name]))
    by_metric: dict[str, _OfTexts] = {
        "exact_match": partial(exact_match, is_json=is_json),
        "accuracy": partial(_accuracy, measuring.allowed, is_json),
        "field_precision": lambda rows, texts: field_scores(rows, texts)[0],
        "field_recall": lambda rows, texts: field_scores(rows, texts)[1],
        "field_f1": lambda rows, texts: field_scores(rows, texts)[2],
        "valid_json": lambda _, texts: valid_json(measuring.schema or {}, texts),
        "rouge1": partial(rouge, "rouge1"),
        "rouge_l": partial(rouge, "rougeL"),
        "chrf": chrf,
        "bert_score": partial(bert_score, Path(asked.bert_score_model or "")),
        "sql_result": partial(sql_results, Path(asked.sql_database or "")),
        "tool_calls": same_calls,
        "tool_names": same_tools,
        "refusal": refusal_as_expected,
    }
    return by_metric[name]


def _accuracy(allowed: Mapping[str, Sequence[Any]], is_json: bool, rows: Sequence[Row], answers: Texts) -> Scores:
    found = labels.choices(rows, allowed, is_json)
    answered = [labels.answered_codes(choice, answers, is_json) for choice in found]
    return labels.accuracy([choice.expected for choice in found], answered)


def _scores(rows: Sequence[Row], given: Sequence[Answer], score: _OfTexts) -> Scores:
    """The scores of one variant; a row without an answer scores 0 without being looked at."""
    came = np.array([answer.answered for answer in given], dtype=bool)
    scores = np.zeros(len(rows))
    if came.any():
        pairs = [(row, answer.text) for row, answer in zip(rows, given, strict=True) if answer.answered]
        scores[came] = score([row for row, _ in pairs], [text for _, text in pairs])
    return scores


def _macro_f1(measuring: Measuring, given: Sequence[Answer]) -> Measured:
    found = measuring.choices
    texts = [answer.text for answer in given]
    answered = [labels.answered_codes(choice, texts, measuring.is_json) for choice in found]
    return labels.macro_f1([choice.expected for choice in found], answered, [choice.other for choice in found])


def _strongest_bases(
    figures: Mapping[str, Mapping[str, Measured]], answers: Mapping[str, Sequence[Answer]]
) -> list[str]:
    """The base's best variants by the metrics in the recipe's order; several where these cannot tell them apart."""
    bases = [variant for variant in answers if variant.startswith(BASE)]
    rows = len(answers[TUNED])
    means = {variant: [_mean(measured[variant], rows) for measured in figures.values()] for variant in bases}
    best = max(means.values())
    return [variant for variant in bases if means[variant] == best]


def _mean(measured: Measured, rows: int) -> float:
    return float(measured.mean() if isinstance(measured, np.ndarray) else measured(np.arange(rows)))


def _judgement(measuring: Measuring, answers: Mapping[str, Sequence[Answer]], bases: Sequence[str]) -> Judgement:
    """Tuned against that of `bases` which it beats least; to choose on the rows that judge can only favour the base."""
    return min((_judged(measuring, answers, base) for base in bases), key=lambda found: float(found.tuned.mean()))


def _judged(measuring: Measuring, answers: Mapping[str, Sequence[Answer]], compared_with: str) -> Judgement:
    judge = measuring.asked.judge
    assert judge is not None
    base, tuned = answers[compared_with], answers[TUNED]
    shown = [place for place in range(len(measuring.rows)) if base[place].answered and tuned[place].answered]
    found = judge_answers(
        judge,
        [measuring.rows[place] for place in shown],
        [base[place].text for place in shown],
        [tuned[place].text for place in shown],
        measuring.kept_in,
    )
    # Where only one of them said anything, it is the better one, without asking.
    of_base, of_tuned = (np.array([answer.answered for answer in given], dtype=float) for given in (base, tuned))
    of_base[shown], of_tuned[shown] = found.base, found.tuned
    return Judgement(of_base, of_tuned, {**found.summary, "compared_with": compared_with})


def _confusion(measuring: Measuring, given: Sequence[Answer]) -> dict[str, Any] | None:
    """By field; None where nothing in the answers is a choice."""
    texts = [answer.text for answer in given]
    return {
        choice.field: labels.confusion(choice, labels.answered_codes(choice, texts, measuring.is_json))
        for choice in measuring.choices
    } or None


def _calibration(measuring: Measuring, given: Sequence[Answer]) -> dict[str, Any] | None:
    """Of the answers whose likelihood the server told; None where there are none, or no labels to be sure of."""
    sure = [place for place, answer in enumerate(given) if answer.answered and answer.logprob is not None]
    if not measuring.choices or not sure:
        return None
    rows, told = [measuring.rows[place] for place in sure], [given[place] for place in sure]
    texts = [answer.text for answer in told]
    # How sure the model is it tells of its answer as a whole.
    right = exact_match(rows, texts, is_json=True) if measuring.is_json else _score(measuring, "accuracy")(rows, texts)
    return calibration(np.array([answer.logprob for answer in told], dtype=float), right == 1)


def _refusals(measuring: Measuring, answers: Mapping[str, Sequence[Answer]]) -> dict[str, float]:
    said = {variant: [answer.text for answer in given] for variant, given in answers.items()}
    said = {"expected": [row["answer"] for row in measuring.rows], **said}
    return {name: round(float(np.mean([refuses(text) for text in texts])), 6) for name, texts in said.items()}


def _file(place: str) -> Path:
    return Path(place.rpartition(":")[0])
