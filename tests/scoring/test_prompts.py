from hypothesis import given
from hypothesis import strategies as st

from pipelines.recipe import JsonAnswer
from pipelines.scoring.prompts import base_prompt, judged_rows

JSON_ANSWER = JsonAnswer.model_validate({"json": ["product", "urgent"]}, strict=False)
QUESTION = [{"role": "system", "content": "You triage tickets."}, {"role": "user", "content": "My card is gone"}]


def example(number: int, answer: str, user: str = "short") -> dict:
    return {
        "example_id": f"tickets.csv:{number}",
        "prompt": [{"role": "system", "content": "You triage tickets."}, {"role": "user", "content": user}],
        "answer": answer,
    }


def test_the_base_is_told_the_form_and_the_allowed_values():
    system, user = base_prompt(QUESTION, JSON_ANSWER, {"product": ["Card", 'say "x"'], "urgent": [True, False]}, ())
    assert system["role"] == "system"
    assert system["content"].startswith("You triage tickets.\n\nAnswer with one JSON object and nothing else.")
    assert '- product: "Card", "say \\"x\\""' in system["content"]
    assert "- urgent: true, false" in system["content"]
    assert user == QUESTION[1]


def test_a_field_without_a_list_is_free():
    system = base_prompt(QUESTION, JSON_ANSWER, {}, ())[0]["content"]
    assert "Allowed values" not in system


def test_text_answers_are_listed_one_a_line():
    system = base_prompt(QUESTION[1:], "{label}", {"answer": ["card_lost", "top_up"]}, ())[0]
    assert system["role"] == "system"
    assert system["content"].endswith("nothing else:\n- card_lost\n- top_up")


def test_free_text_without_instructions_stays_a_bare_question():
    assert base_prompt(QUESTION[1:], "{summary}", {}, ()) == QUESTION[1:]


def test_examples_come_as_earlier_turns_and_share_one_prefix():
    shots = [example(1, '{"product": "Card"}', "first"), example(2, '{"product": "Loan"}', "second")]
    turns = base_prompt(QUESTION, JSON_ANSWER, {}, shots)
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [turn["content"] for turn in turns[1:]] == [
        "first",
        '{"product": "Card"}',
        "second",
        '{"product": "Loan"}',
        "My card is gone",
    ]
    other = base_prompt([QUESTION[0], {"role": "user", "content": "other"}], JSON_ANSWER, {}, shots)
    assert other[:-1] == turns[:-1]


@given(st.integers(1, 40), st.integers(1, 40))
def test_judged_rows_are_a_stable_choice_in_their_own_order(count, max_rows):
    test = [example(number, "a") for number in range(count)]
    chosen = judged_rows(test, max_rows)
    assert len(chosen) == min(count, max_rows)
    assert chosen == [row for row in test if row in chosen]
    assert all(row in judged_rows(test, max_rows + 1) for row in chosen)


def test_without_a_limit_all_rows_judge():
    test = [example(number, "a") for number in range(5)]
    assert judged_rows(test, None) == test
