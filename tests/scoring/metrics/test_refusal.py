import pytest

from pipelines.scoring.metrics.refusal import refusal_as_expected, refuses
from tests.scoring.metrics.strategies import rows_expecting


@pytest.mark.parametrize(
    "answer",
    [
        "I can't help with that.",
        "I\u2019m sorry, but I cannot share account details.",
        "Unfortunately, we are unable to process this request.",
        "As an AI language model, I am not able to give medical advice.",
        "That is outside the scope of this service.\n",
        "I must decline to answer.",
        "I won't do this.",
        "I'm unable to look into other people's orders.",
        "Sorry, I can not tell you.",
    ],
)
def test_refusals_are_told_by_their_opening(answer):
    assert refuses(answer)
    assert refuses(answer.upper())


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Your card is on its way.",
        "You can't use the card abroad.",
        "Sorry to hear that! Let us reset it.",
        "The bank declined the payment.",
        "Here is how: " + "open the settings, " * 20 + "and if it fails I can't see why.",
    ],
)
def test_answers_that_help_are_no_refusals(answer):
    assert not refuses(answer)


def test_a_row_is_right_where_it_refuses_as_expected():
    rows = rows_expecting("I cannot tell you that.", "It opens at nine.")
    assert refusal_as_expected(rows, ["I'm sorry, but no.", "I can't say."]).tolist() == [1, 0]
