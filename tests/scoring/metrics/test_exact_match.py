import json

import pytest
from hypothesis import given, settings

from pipelines.scoring.metrics.exact_match import exact_match, same_json, same_text
from tests.scoring.metrics.strategies import objects, rows_expecting

EXPECTED = '{"product": "Card", "priority": 2}'


@pytest.mark.parametrize(
    ("answer", "same"),
    [
        (EXPECTED, True),
        ('{ "priority": 2.0, "product": "Card" }\n', True),
        (f"```json\n{EXPECTED}\n```", True),
        ('{"product": "card", "priority": 2}', False),
        ('{"product": "Card", "priority": true}', False),
        ('{"product": "Card", "priority": 2, "intent": null}', False),
        ('{"product": "Card", "priority": 2, "priority": 2}', False),
        (f"Sure! {EXPECTED}", False),
        ("", False),
    ],
)
def test_json_is_compared_by_fields_not_by_spelling(answer, same):
    assert same_json(answer, EXPECTED) is same


def test_true_is_not_one_and_large_integers_stay_apart():
    assert not same_json('{"a": true}', '{"a": 1}')
    assert not same_json('{"a": 9007199254740993}', '{"a": 9007199254740992}')
    assert same_json('{"a": 1e2}', '{"a": 100}')


def test_text_may_have_other_white_space_around_it_but_no_other_case():
    assert same_text(" card_lost\n", "card_lost")
    assert not same_text("Card_lost", "card_lost")


def test_it_follows_the_kind_of_answer():
    rows = rows_expecting('{"a":1}')
    assert exact_match(rows, ['{"a": 1}'], is_json=False).tolist() == [0]
    assert exact_match(rows, ['{"a": 1}'], is_json=True).tolist() == [1]


@settings(deadline=None)
@given(objects)
def test_the_expected_answer_is_the_expected_one(value):
    text = json.dumps(value, ensure_ascii=False)
    assert exact_match(rows_expecting(text), [text], is_json=True).tolist() == [1]
