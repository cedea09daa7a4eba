import json

import pytest
from pydantic import ValidationError

from pipelines.recipe_safety import Safety, inner_pattern


def test_slashes_make_a_regular_expression_and_all_else_is_words():
    assert inner_pattern("/re[fv]und/") == "re[fv]und"
    assert inner_pattern("refund") is inner_pattern("/") is inner_pattern("//") is inner_pattern("and/or") is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"must_not_say": ["/re(fund/"]}, "/re\\(fund/ is no regular expression"),
        ({"must_not_say": [""]}, "at least 1 character"),
        ({"refusal": "I only help with tickets."}, "nothing must be refused"),
    ],
)
def test_what_could_never_be_checked_is_refused(fields, wrong):
    with pytest.raises(ValidationError, match=wrong):
        Safety.model_validate_json(json.dumps(fields))


def test_the_sentence_of_a_refusal_goes_with_questions_of_either_kind():
    for questions in ({"must_refuse": ["Why?"]}, {"must_refuse_file": "questions.txt"}):
        assert Safety.model_validate_json(json.dumps({"refusal": "No.", **questions})).refusal == "No."
