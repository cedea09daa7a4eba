import pytest

from pipelines.scoring.safety.phrases import must_not_say_part, pattern_of


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("refund", "You get a REFUND.", True),
        ("refund", "It is refundable.", False),
        ("money back", "Your money\n  back, always", True),
        ("C++", "we use C++.", True),
        ("a.b", "axb", False),
        (r"/\b[Gg]uarantee\w*/", "It is guaranteed", True),
        (r"/\b[Gg]uarantee\w*/", "GUARANTEED", False),
        (r"/(?i)acme/", "ACME", True),
        ("/", "and/or", False),
    ],
)
def test_words_are_whole_and_of_any_case_and_expressions_as_they_stand(phrase, text, found):
    assert bool(pattern_of(phrase).search(text)) is found


def test_answers_are_counted_and_named_never_quoted():
    answers = {"base": ["fine", "no", "a refund"], "tuned": ["a refund now", "refund or guarantee", "fine"]}
    part = must_not_say_part(("refund", "/guarant/"), ["t:1", "t:2", "must_refuse:1"], answers)
    figure = part.figures["must_not_say"]
    assert (figure.base, figure.tuned, figure.rows) == (1, 2, 3)
    assert part.told == {
        "phrases": {"refund": {"base": 1, "tuned": 2}, "/guarant/": {"base": 0, "tuned": 1}},
        "example_ids": ["t:1", "t:2"],
    }
