import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.recipe import Recipe
from pipelines.scoring.metrics import field_f1, same_json, same_text, scorer, valid_json

EXPECTED = '{"product": "Card", "priority": 2}'

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
objects = st.dictionaries(st.text(), scalars | st.lists(scalars, max_size=3), min_size=1, max_size=5)


def recipe_with(assistant) -> Recipe:
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": "triage",
                "purpose": "Route.",
                "owner": "team@example.com",
                "data": {
                    "sources": {"rows": {"contract": "c.yaml", "type": "files", "path": "x.csv"}},
                    "example": {"user": "{text}", "assistant": assistant},
                },
                "model": {"base": "embedded:smollm2-135m-instruct"},
                "register": {"model": "triage"},
            }
        )
    )


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (EXPECTED, 1),
        ('{ "priority": 2.0, "product": "Card" }\n', 1),
        (f"```json\n{EXPECTED}\n```", 1),
        ('{"product": "card", "priority": 2}', 0),
        ('{"product": "Card", "priority": true}', 0),
        ('{"product": "Card", "priority": 2, "intent": null}', 0),
        ('{"product": "Card", "priority": 2, "priority": 2}', 0),
        (f"Sure! {EXPECTED}", 0),
        ("", 0),
    ],
)
def test_exact_match_of_json_compares_fields_not_spelling(answer, score):
    assert same_json(answer, EXPECTED) == score


def test_true_is_not_one_and_large_integers_stay_apart():
    assert same_json('{"a": true}', '{"a": 1}') == 0
    assert same_json('{"a": 9007199254740993}', '{"a": 9007199254740992}') == 0
    assert same_json('{"a": 1e2}', '{"a": 100}') == 1


def test_exact_match_of_text_ignores_white_space_around_it_but_not_case():
    assert same_text(" card_lost\n", "card_lost") == 1
    assert same_text("Card_lost", "card_lost") == 0


def test_valid_json_wants_exactly_the_keys_and_no_fence():
    assert valid_json('{"priority": null, "product": []}', EXPECTED) == 1
    assert valid_json('{"product": "Card"}', EXPECTED) == 0
    assert valid_json(f"```json\n{EXPECTED}\n```", EXPECTED) == 0
    assert valid_json('["product", "priority"]', EXPECTED) == 0


def test_field_f1_counts_right_missing_and_invented_pairs():
    assert field_f1('{"product": "Card", "priority": 1}', EXPECTED) == pytest.approx(1 / 2)
    assert field_f1('{"product": "Card"}', EXPECTED) == pytest.approx(2 / 3)
    assert field_f1('{"product": "Card", "priority": 2, "mood": "sad", "tone": "x"}', EXPECTED) == pytest.approx(2 / 3)
    assert field_f1("{}", EXPECTED) == 0


@pytest.mark.parametrize(
    "broken",
    [
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
    ],
)
def test_a_broken_answer_scores_zero_and_never_crashes(broken):
    assert [score(broken, EXPECTED) for score in (same_json, valid_json, field_f1)] == [0, 0, 0]


@given(objects)
def test_the_expected_answer_itself_scores_one_everywhere(value):
    text = json.dumps(value, ensure_ascii=False)
    assert [score(text, text) for score in (same_json, valid_json, field_f1)] == [1, 1, 1]


@given(objects, objects)
def test_scores_stay_between_zero_and_one_and_f1_is_symmetric(one, other):
    one, other = json.dumps(one), json.dumps(other)
    assert 0 <= field_f1(one, other) <= 1
    assert field_f1(one, other) == field_f1(other, one)
    assert (field_f1(one, other) == 1) == (same_json(one, other) == 1)


def test_exact_match_follows_the_kind_of_answer():
    assert scorer("exact_match", recipe_with("{label}"))('{"a": 1}', '{"a":1}') == 0
    assert scorer("exact_match", recipe_with({"json": ["a"]}))('{"a": 1}', '{"a":1}') == 1
