import pytest

from pipelines.recipe import JsonAnswer
from pipelines.scoring.grammar import answer_grammar

JSON_ANSWER = JsonAnswer.model_validate({"json": ["product", "urgent"]}, strict=False)


def schema(**properties) -> dict:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def first_line(grammar: str | None) -> str:
    return (grammar or "").splitlines()[0]


def test_a_closed_list_of_texts_is_a_choice_of_them():
    datasheet = {"allowed_answers": {"answer": ["card_lost", "top_up"]}, "answer_schema": None}
    assert answer_grammar("{label}", datasheet, [None]) == 'root ::= ("card_lost" | "top_up")\n'


def test_one_label_only_is_a_choice_of_one():
    datasheet = {"allowed_answers": {"answer": ["card_lost"]}, "answer_schema": None}
    assert answer_grammar("{label}", datasheet, [None]) == 'root ::= ("card_lost")\n'


@pytest.mark.parametrize("answer", ["{reply}", None])
def test_free_text_has_none(answer):
    assert answer_grammar(answer, {"allowed_answers": {}, "answer_schema": None}, [None]) is None


def test_json_is_spaced_as_in_training_and_has_the_allowed_values():
    fields = schema(
        product={"type": "string"}, urgent={"enum": [True, False, None]}, count={"type": ["integer", "null"]}
    )
    datasheet = {"allowed_answers": {"product": ["Card", 'say "x"']}, "answer_schema": fields}
    assert first_line(answer_grammar(JSON_ANSWER, datasheet, [None])) == (
        'root ::= "{" "\\"product\\": " ("\\"Card\\"" | "\\"say \\\\\\"x\\\\\\"\\"") '
        '", " "\\"urgent\\": " ("true" | "false" | "null") ", " "\\"count\\": " (integer | null) "}"'
    )


def test_lists_and_objects_are_followed_as_far_as_they_are_described():
    inner = schema(city={"type": "string"})
    fields = schema(shop=inner, items={"type": "array", "items": {"type": "number"}}, more={"type": "object"})
    line = first_line(answer_grammar(JSON_ANSWER, {"allowed_answers": {}, "answer_schema": fields}, [None]))
    assert '"\\"city\\": " (string)' in line
    assert '"[" ((number) (", " (number))*)? "]"' in line
    assert line.endswith('"\\"more\\": " (object) "}"')


def test_beside_tools_there_is_none():
    datasheet = {"allowed_answers": {"answer": ["a"]}, "answer_schema": None}
    assert answer_grammar("{label}", datasheet, [None, [{"type": "function"}]]) is None


def test_keys_come_in_the_order_of_the_answer():
    fields = schema(zebra={"type": "string"}, ant={"type": "string"})
    line = first_line(answer_grammar(JSON_ANSWER, {"allowed_answers": {}, "answer_schema": fields}, []))
    assert line.index("zebra") < line.index("ant")
