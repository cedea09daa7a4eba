from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from pipelines.recipe_ability import AbilityTask
from pipelines.scoring.ability.questions import Question, sampled
from pipelines.scoring.ability.tasks import TASKS


def test_recipes_can_name_every_task_and_no_other():
    assert set(get_args(AbilityTask)) == set(TASKS)


def questions(prompts):
    return [Question(f"f:{line}", prompt, (" a", " b"), {"gold": 0}) for line, prompt in enumerate(prompts, 1)]


@given(st.lists(st.text(), unique=True, max_size=30), st.integers(1, 40), st.randoms())
def test_the_same_rows_are_taken_whatever_their_order_and_place(prompts, rows, random):
    chosen = {question.prompt for question in sampled(questions(prompts), rows)}
    assert len(chosen) == min(rows, len(prompts))
    random.shuffle(prompts)
    assert {question.prompt for question in sampled(questions(prompts), rows)} == chosen


@given(st.lists(st.text(), unique=True, min_size=1, max_size=30), st.integers(1, 30))
def test_more_rows_keep_those_of_fewer_in_the_order_of_the_file(prompts, rows):
    few, more = (sampled(questions(prompts), count) for count in (rows, rows + 1))
    assert {question.prompt for question in few} <= {question.prompt for question in more}
    lines = [int(question.place.removeprefix("f:")) for question in more]
    assert lines == sorted(lines)
