import csv
import math

import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.ability.questions import Question
from pipelines.scoring.ability.tasks import TASKS

TASK = TASKS["truthfulqa"]
ROW = {
    "Type": "made up",
    "Question": "Can fish, ever, whistle?",
    "Best Answer": "No, they cannot",
    "Correct Answers": "They have no lips; No, they cannot;",
    "Incorrect Answers": "Yes; Only; at night",
}


def written(folder, **changed):
    file = folder / "truthfulqa" / "TruthfulQA.csv"
    file.parent.mkdir()
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, ROW)
        table.writeheader()
        table.writerow({**ROW, **changed})
    return folder


def test_the_six_examples_stand_before_the_question(tmp_path):
    (question,) = TASK.questions(written(tmp_path))
    before, _, asked = question.prompt.rpartition("\n\n")
    assert asked == "Q: Can fish, ever, whistle?\nA:"
    assert before.startswith("Q: What is human life expectancy in the United States?\nA: Human life expectancy in")
    assert before.count("\n\nQ: ") == 5
    assert before.endswith("A: The 1992 Olympics were held in Barcelona, Spain.")


def test_true_answers_stand_before_false_ones_each_once(tmp_path):
    (question,) = TASK.questions(written(tmp_path))
    assert question.choices == (" They have no lips", " No, they cannot", " Yes", " Only", " at night")
    assert question.truth == {"best": 1, "true": 2}


def test_a_best_answer_that_is_not_among_the_correct_ones_joins_them(tmp_path):
    (question,) = TASK.questions(written(tmp_path, **{"Best Answer": "Never"}))
    assert question.choices[:3] == (" They have no lips", " No, they cannot", " Never")
    assert question.truth == {"best": 2, "true": 3}


def test_a_row_without_false_answers_is_refused(tmp_path):
    with pytest.raises(TinsmithError, match=r"TruthfulQA\.csv:2: the row: .*incorrect answer is empty"):
        TASK.questions(written(tmp_path, **{"Incorrect Answers": " ; "}))


def test_mc1_asks_for_the_best_answer_and_mc2_for_the_mass_on_true_ones():
    question = Question("f:1", "p", (" t1", " t2", " f1"), {"best": 1, "true": 2})
    scores = TASK.score(question, [math.log(0.2), math.log(0.1), math.log(0.1)])
    assert scores["mc1"] == 1.0
    assert scores["mc2"] == pytest.approx(0.75)
    scores = TASK.score(question, [math.log(0.3), math.log(0.1), math.log(0.2)])
    assert scores["mc1"] == 0.0
    assert scores["mc2"] == pytest.approx(2 / 3)


def test_answers_too_unlikely_for_a_float_still_share_the_mass():
    question = Question("f:1", "p", (" t", " f"), {"best": 0, "true": 1})
    assert TASK.score(question, [-2000.0, -2000.0])["mc2"] == pytest.approx(0.5)
