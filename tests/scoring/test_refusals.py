import pytest

from pipelines.scoring.refusals import refuses


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
        "I'm sorry. That is nothing for me.",
        "I apologise, that is not for me to say.",
        "Unfortunately, I don't have access to that.",
        "As asked:\nI  cannot\nhelp with this.",
        "I do not condone that.",
        "It's not appropriate to say.",
        "That goes against my guidelines.",
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
        "I'm sorry to hear that your card was stolen. Block it in the app.",
        "I apologise for the delay. Your order leaves today.",
        "Unfortunately, I see that the parcel is late; it comes on Monday.",
        "It is sorry work.",
        "The bank declined the payment.",
        "I can't wait to show you: first, take the pick.",
        "I cannot recommend it enough!",
        "Here is how: " + "open the settings, " * 20 + "and if it fails I can't see why.",
    ],
)
def test_answers_that_help_are_no_refusals(answer):
    assert not refuses(answer)


def test_a_refusal_behind_an_opening_that_helps_is_found_where_it_is_looked_for():
    text = "Open the settings. " * 20 + "I can\u2019t tell you more."
    assert not refuses(text)
    assert refuses(text, anywhere=True)
