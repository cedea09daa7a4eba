"""IFEval's instructions: an answer that follows each, one that does not, and how they come to a prompt's score."""

import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.ability.instructions import CHECKS
from pipelines.scoring.ability.tasks import TASKS

TASK = TASKS["ifeval"]
ENGLISH = "the quick brown fox jumps over the lazy dog, and nobody in the village is surprised by it"
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf wundert sich darüber"
CASES = [
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"},
     "NOW we WELL-KNOWN go", "NOW we go"),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "less than"},
     "NOW we go", "NOW WE go"),
    ("change_case:english_capital", {}, ENGLISH.upper(), ENGLISH),
    ("change_case:english_lowercase", {}, ENGLISH, ENGLISH.capitalize()),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi. "}, "say HI. Hi!", "Hi! Say hi."),
    ("combination:two_responses", {}, "One.\n******\nTwo.", "One.\n******\nOne."),
    ("combination:two_responses", {}, "******One.******Two.******", "One.************Two."),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] of [place]", "[name] of place"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\np. s. Write!", "Bye.\nps Write!"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "Bye.\nP.P.S Write!", "Bye.\nP.S. Write!"),
    ("detectable_format:constrained_response", {}, "Well: My answer is maybe.", "maybe"),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "a: 1"),
    ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2},
     "Section 1\na\nSection 2\nb", "Section 1\na\nPart 2\nb"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", "* a\n** b **"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and **b**", "*a* and ****"),
    ("detectable_format:title", {}, "<<Ode>>\nO!", "<< >>\nO!"),
    ("keywords:existence", {"keywords": ["ice", "tea"]}, "Teapot of ICE", "only tea"),
    ("keywords:existence", {"keywords": ["C++"]}, "I like c++.", "I like c."),
    ("keywords:forbidden_words", {"forbidden_words": ["ice"]}, "twice", "No Ice."),
    ("keywords:frequency", {"keyword": "ha", "frequency": 3, "relation": "at least"}, "Haha ha", "haha"),
    ("keywords:frequency", {"keyword": "ha", "frequency": 3, "relation": "less than"}, "haha", "Haha ha"),
    ("keywords:letter_frequency", {"letter": "Z", "let_frequency": 2, "let_relation": "at least"}, "zZ", "z"),
    ("language:response_language", {"language": "de"}, GERMAN, ENGLISH),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"}, "First.\n\n'then, last.", "Then.\n\nlast."),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "a"}, "A.\n\nb\n\n", "a\n\nb\n\nc"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***\na\n***\nb\n***", "a\n***\n***\nb"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "a b-c", "a b"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "a b", "a b-c"),
    ("punctuation:no_comma", {}, "a; b", "a, b"),
    ("startend:end_checker", {"end_phrase": "The End. "}, '"So it was. the end."', "The End. Or not"),
    ("startend:quotation", {}, ' "a" ', '"'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "follows", "breaks"), CASES)
def test_an_answer_that_follows_passes_and_one_that_does_not_fails(name, arguments, follows, breaks):
    assert CHECKS[name](follows, **arguments)
    assert not CHECKS[name](breaks, **arguments)


def test_every_instruction_is_tried_here():
    assert {name for name, *_ in CASES} == set(CHECKS)


def asked(write, *instructions):
    row = {
        "key": 1,
        "prompt": "Sing.",
        "instruction_id_list": [name for name, _ in instructions],
        "kwargs": [arguments for _, arguments in instructions],
    }
    return TASK.questions(write("ifeval/input_data.jsonl", [row]))


NO_COMMA = ("punctuation:no_comma", {})
TWO_WORDS = ("length_constraints:number_words", {"num_words": 2, "relation": "at least"})


def test_a_prompt_counts_where_all_its_instructions_are_followed(write):
    (question,) = asked(write, NO_COMMA, TWO_WORDS)
    assert question.prompt == "Sing."
    right = {"strict": 1, "loose": 1, "followed": 2, "followed_loose": 2, "instructions": 2}
    assert TASK.score(question, "La la") == right
    assert TASK.score(question, "La, la") == {**right, "strict": 0, "loose": 0, "followed": 1, "followed_loose": 1}
    assert TASK.score(question, " ") == {**right, "strict": 0, "loose": 0, "followed": 0, "followed_loose": 0}


def test_loose_forgives_a_first_line(write):
    (question,) = asked(write, NO_COMMA, ("startend:quotation", {}))
    scores = TASK.score(question, 'Sure, here it is:\n"La la"')
    assert (scores["strict"], scores["loose"], scores["followed"], scores["followed_loose"]) == (0, 1, 0, 2)


def test_the_hubs_copy_with_every_argument_named_reads_the_same(write):
    name, arguments = TWO_WORDS
    (question,) = asked(write, (name, {"keywords": None, "num_bullets": None, **arguments}))
    assert question.truth == {"instructions": [TWO_WORDS]}


def test_rows_that_ask_for_a_number_of_sentences_are_left_out(write):
    assert asked(write, ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"})) == []


@pytest.mark.parametrize(
    ("instruction", "says"),
    [
        (("made:up", {}), "an instruction that IFEval does not know"),
        (("keywords:existence", {"words": ["a"]}), "kwargs do not fit the instruction keywords:existence"),
    ],
)
def test_an_odd_row_is_told_with_its_line(write, instruction, says):
    with pytest.raises(TinsmithError, match=rf"input_data\.jsonl:1: .*{says}"):
        asked(write, instruction)
