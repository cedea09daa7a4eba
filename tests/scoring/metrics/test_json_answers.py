import json

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from pipelines.scoring.metrics.exact_match import same_json
from pipelines.scoring.metrics.json_answers import field_score, field_scores, valid_json
from tests.scoring.metrics.strategies import objects, rows_expecting

EXPECTED = '{"product": "Card", "priority": 2}'
SCHEMA = {
    "type": "object",
    "properties": {"product": {"enum": ["Card", "Loan"]}, "priority": {"type": ["integer", "null"]}},
    "required": ["product", "priority"],
    "additionalProperties": False,
}
BROKEN = [
    "{" * 200_000,
    "[" * 200_000,
    '{"a":' * 100_000,
    '{"a": NaN}',
    '{"a": 1',
    '"a"',
    "null",
    "\x00",
    '{"a": 1e',
    "9" * 5000,
    '{"a": "\ud800',
    "",
]


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        ('{"priority": null, "product": "Loan"}', 1),
        ('{"priority": 2.0, "product": "Loan"}', 1),
        ('{"product": "Card"}', 0),
        ('{"product": "Car", "priority": 2}', 0),
        ('{"product": "Card", "priority": true}', 0),
        ('{"product": "Card", "priority": 2, "mood": "sad"}', 0),
        (f"```json\n{EXPECTED}\n```", 0),
        ('["product", "priority"]', 0),
        ('{"product": "Card", "product": "Card", "priority": 2}', 0),
    ],
)
def test_valid_json_keeps_the_answers_schema_and_needs_no_unwrapping(answer, valid):
    assert valid_json(SCHEMA, [answer]).tolist() == [valid]


@pytest.mark.parametrize(
    ("answer", "precision", "recall"),
    [
        ('{"product": "Card", "priority": 1}', 1 / 2, 1 / 2),
        ('{"product": "Card"}', 1, 1 / 2),
        ('{"product": "Card", "priority": 2, "mood": "sad", "tone": "x"}', 1 / 2, 1),
        ('{"product": "card", "priority": true}', 0, 0),
        ("{}", 0, 0),
    ],
)
def test_field_scores_count_right_missing_and_invented_fields(answer, precision, recall):
    found = field_score(answer, EXPECTED)
    assert found[:2] == pytest.approx((precision, recall))
    total = precision + recall
    assert found[2] == pytest.approx(2 * precision * recall / total if total else 0)


def test_fields_within_and_items_count_by_themselves_and_items_have_no_place():
    expected = '{"shop": {"name": "A", "city": "B"}, "items": ["tea", "tea", "milk"]}'
    assert field_score('{"shop": {"name": "A", "city": "C"}, "items": ["milk", "tea"]}', expected) == pytest.approx(
        (3 / 4, 3 / 5, 6 / 9)
    )
    assert field_score('{"items": [], "shop": {}}', expected) == (0, 0, 0)
    assert field_score('{"items": []}', '{"items": []}') == (1, 1, 1)
    # A field whose name is that of a list's item is another field.
    assert field_score('{"items": {"null": "tea"}}', '{"items": ["tea"]}')[2] == 0


def test_field_scores_are_scikit_learns_average_of_samples():
    wanted = [{"a": "1", "b": "2"}, {"a": "1", "b": "3"}, {"c": "4"}, {"a": "5"}]
    said = [{"a": "1", "b": "3"}, {"a": "1", "b": "3", "c": "4"}, {"c": "5"}, {"a": "5", "b": "6"}]
    sets = [[set(row.items()) for row in side] for side in (wanted, said)]
    binarizer = MultiLabelBinarizer().fit([*sets[0], *sets[1]])
    true, predicted = (binarizer.transform(side) for side in sets)
    expected = precision_recall_fscore_support(true, predicted, average="samples")[:3]
    found = field_scores(rows_expecting(*map(json.dumps, wanted)), [json.dumps(row) for row in said])
    assert [scores.mean() for scores in found] == pytest.approx(expected)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_answer_scores_zero_and_never_crashes(broken):
    assert field_score(broken, EXPECTED) == (0, 0, 0)
    assert valid_json(SCHEMA, [broken]).tolist() == [0]
    assert not same_json(broken, EXPECTED)


def test_an_answer_as_deep_as_it_can_be_read_is_judged():
    for depth in (200, 500, 900, 960, 990):
        text = '{"a":' * depth + "1" + "}" * depth
        assert field_score(text, text)[0] in (0, 1)
        assert valid_json(SCHEMA, [text]).tolist() == [0]


@settings(deadline=None)
@given(objects)
def test_the_expected_answer_itself_scores_one(value):
    text = json.dumps(value, ensure_ascii=False)
    assert field_score(text, text) == (1, 1, 1)


@settings(deadline=None)
@given(objects, objects)
def test_scores_stay_between_zero_and_one_and_precision_is_recall_the_other_way_round(one, other):
    one, other = json.dumps(one), json.dumps(other)
    precision, recall, f1 = field_score(one, other)
    assert field_score(other, one) == (recall, precision, f1)
    assert all(0 <= score <= 1 for score in (precision, recall, f1))
    assert min(precision, recall) - 1e-12 <= f1 <= max(precision, recall) + 1e-12
    if same_json(one, other):
        assert f1 == 1


def test_no_rows_have_no_scores():
    assert [np.asarray(scores).size for scores in field_scores([], [])] == [0, 0, 0]
