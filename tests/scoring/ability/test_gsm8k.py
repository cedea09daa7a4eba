import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.ability.tasks import TASKS

TASK = TASKS["gsm8k"]
SHOTS = [
    {"question": f"What is {n} plus 1?", "answer": f"It is <<{n}+1={n + 1}>>{n + 1}.\n#### {n + 1}"} for n in range(6)
]


def asked(write, answer):
    write("gsm8k/train.jsonl", SHOTS)
    (question,) = TASK.questions(write("gsm8k/test.jsonl", [{"question": "How many?", "answer": answer}]))
    return question


def test_the_first_five_examples_stand_before_the_question_as_lm_eval_writes_them(write):
    prompt = asked(write, "So many.\n#### 7").prompt
    assert prompt.startswith(
        "Question: What is 0 plus 1?\nAnswer: It is <<0+1=1>>1.\n#### 1\n\nQuestion: What is 1 plus 1?\nAnswer: It is"
    )
    assert prompt.endswith("\n#### 5\n\nQuestion: How many?\nAnswer:")
    assert prompt.count("Question: ") == 6


def test_too_few_examples_are_told(write):
    write("gsm8k/train.jsonl", SHOTS[:4])
    data = write("gsm8k/test.jsonl", SHOTS)
    with pytest.raises(TinsmithError, match="fewer than the 5 examples"):
        TASK.questions(data)


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        (" 2 and 3.\n#### 1,234", 1, 1),
        (" 2 and 3.\n#### 1234.", 1, 1),
        (" It costs $1,234.", 0, 1),
        (" It costs $1,234.\n\n#### 5", 0, 0),
        (" #### 1234 and then 9 more", 1, 0),
        ("####1234", 0, 1),
        (" no idea", 0, 0),
        ("", 0, 0),
    ],
)
def test_the_number_is_found_strictly_and_flexibly(write, text, strict, flexible):
    assert TASK.score(asked(write, "So many.\n#### 1,234"), text) == {"strict": strict, "flexible": flexible}
