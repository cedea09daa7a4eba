import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.duplicates import contradicted, repeats

PAIRS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)))


def columns(pairs):
    both = np.array(pairs, np.uint64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def test_all_but_the_first_of_each_repeat():
    assert repeats(*columns([(1, 7), (2, 7), (1, 7), (1, 8), (1, 7)])).tolist() == [False, False, True, False, True]


def test_one_prompt_with_two_answers_contradicts_itself_in_all_its_rows():
    assert contradicted(*columns([(1, 7), (2, 7), (1, 8), (1, 7), (3, 9), (3, 9)])).tolist() == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]


@given(PAIRS)
def test_no_pair_is_lost_or_left_twice(pairs):
    kept = [pair for pair, repeat in zip(pairs, repeats(*columns(pairs)), strict=True) if not repeat]
    assert kept == list(dict.fromkeys(pairs))


@given(PAIRS)
def test_a_row_is_contradicted_exactly_where_its_prompt_has_two_answers(pairs):
    answers = {prompt: {answer for other, answer in pairs if other == prompt} for prompt, _ in pairs}
    assert contradicted(*columns(pairs)).tolist() == [len(answers[prompt]) > 1 for prompt, _ in pairs]
