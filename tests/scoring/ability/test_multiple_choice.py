"""ARC, HellaSwag and MMLU: their public forms, lm-eval's prompts to the letter, accuracy."""

import gzip
import json

import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.ability.multiple_choice import accuracy
from pipelines.scoring.ability.questions import Question
from pipelines.scoring.ability.tasks import TASKS

HUB = {
    "id": "made_up",
    "question": "What melts in the sun?",
    "choices": {"text": ["a stone", "ice", "glass"], "label": ["1", "2", "3"]},
    "answerKey": "2",
}
ORIGINAL = {
    "id": "made_up",
    "question": {
        "stem": HUB["question"],
        "choices": [{"text": text, "label": label} for text, label in zip(HUB["choices"]["text"], "ABC", strict=True)],
    },
    "answerKey": "B",
}
PROMPTED = {"query": "Question: What melts in the sun?\nAnswer:", "choices": HUB["choices"]["text"], "gold": 1}


@pytest.mark.parametrize("row", [HUB, ORIGINAL, PROMPTED], ids=["hub", "original", "prompted"])
@pytest.mark.parametrize(("task", "part"), [("arc_easy", "Easy"), ("arc_challenge", "Challenge")])
def test_every_form_of_arc_gives_the_same_question(write, row, task, part):
    (question,) = TASKS[task].questions(write(f"arc/ARC-{part}.test.jsonl", [row]))
    assert question.prompt == "Question: What melts in the sun?\nAnswer:"
    assert question.choices == (" a stone", " ice", " glass")
    assert question.truth == {"gold": 1}
    assert question.place == f"ARC-{part}.test.jsonl:1"


def test_arc_takes_the_test_split_where_there_is_one(write):
    write("arc/ARC-Easy.validation.jsonl", [HUB])
    data = write("arc/ARC-Easy.test.jsonl", [{**HUB, "question": "Which is colder?"}])
    (question,) = TASKS["arc_easy"].questions(data)
    assert question.prompt == "Question: Which is colder?\nAnswer:"


@pytest.mark.parametrize("row", [{**HUB, "answerKey": "D"}, {**PROMPTED, "gold": 3}, {**ORIGINAL, "answerKey": "1"}])
def test_an_answer_that_is_no_choice_is_told_with_its_line_and_without_its_text(write, row):
    data = write("arc/ARC-Easy.test.jsonl", [HUB, row])
    with pytest.raises(TinsmithError, match=r"ARC-Easy\.test\.jsonl:2: .*the right answer is none of") as raised:
        TASKS["arc_easy"].questions(data)
    assert "melts" not in str(raised.value)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"question": "Q"}, "choices"),
        ({**HUB, "choices": "ice"}, "choices"),
        ({**PROMPTED, "query": "no prompt at all"}, "query"),
        ({**PROMPTED, "choices": ["", "b"]}, r"choices\.0"),
        ([1, 2], ""),
    ],
)
def test_another_form_is_one_clear_line(write, row, field):
    data = write("arc/ARC-Easy.test.jsonl", [row])
    with pytest.raises(TinsmithError, match=rf"ARC-Easy\.test\.jsonl:1: .*{field}.*; get the benchmark's public file"):
        TASKS["arc_easy"].questions(data)


HELLASWAG = {
    "activity_label": "Baking bread",
    "ctx_a": "A woman kneads  dough [step] on a table.",
    "ctx_b": "she",
    "endings": ["waits.", "[substeps] lets it rise.", "sings [title] Loudly.", "runs."],
    "label": "1",
}


@pytest.mark.parametrize("label", ["1", 1])
def test_hellaswag_is_cleaned_and_prompted_as_lm_eval_does(tmp_path, label):
    file = tmp_path / "hellaswag" / "validation.jsonl.gz"
    file.parent.mkdir()
    file.write_bytes(gzip.compress(json.dumps({**HELLASWAG, "label": label}).encode()))
    (question,) = TASKS["hellaswag"].questions(tmp_path)
    assert question.prompt == "Baking bread: A woman kneads dough on a table. She"
    assert question.choices == (" waits.", "  lets it rise.", " sings. Loudly.", " runs.")
    assert question.truth == {"gold": 1}


_ZIPPED = gzip.compress(json.dumps(HELLASWAG).encode(), mtime=0)


@pytest.mark.parametrize("broken", [_ZIPPED[:-9], _ZIPPED[:12] + b"\xff" * 9 + _ZIPPED[21:]], ids=["cut", "changed"])
def test_a_broken_gzip_file_is_one_clear_line(tmp_path, broken):
    file = tmp_path / "hellaswag" / "validation.jsonl.gz"
    file.parent.mkdir()
    file.write_bytes(broken)
    with pytest.raises(TinsmithError, match=r"validation\.jsonl\.gz: cannot be read as text"):
        TASKS["hellaswag"].questions(tmp_path)


@pytest.mark.parametrize("answer", ["C", 2])
def test_mmlu_names_the_subject_and_letters_the_choices(write, answer):
    row = {
        "subject": "made_up_studies",
        "question": " Which is a number? ",
        "choices": ["x", "y", "7", "z"],
        "answer": answer,
    }
    (question,) = TASKS["mmlu"].questions(write("mmlu/test.jsonl", [row]))
    assert question.prompt == (
        "The following are multiple choice questions (with answers) about made up studies.\n\n"
        "Which is a number?\nA. x\nB. y\nC. 7\nD. z\nAnswer:"
    )
    assert question.choices == (" A", " B", " C", " D")
    assert question.truth == {"gold": 2}


@pytest.mark.parametrize("answer", ["E", "", "AB", 4, -1, None])
def test_an_mmlu_answer_beyond_the_choices_is_refused(write, answer):
    row = {"subject": "s", "question": "q", "choices": ["a", "b", "c", "d"], "answer": answer}
    with pytest.raises(TinsmithError, match=r"test\.jsonl:1: answer"):
        TASKS["mmlu"].questions(write("mmlu/test.jsonl", [row]))


def test_a_missing_benchmark_is_told_with_its_folder(tmp_path):
    for task in TASKS.values():
        with pytest.raises(TinsmithError, match=r"holds no .*; put the benchmark there, or take its task out"):
            task.questions(tmp_path)


def test_broken_json_and_broken_text_are_told_with_their_place(tmp_path):
    file = tmp_path / "mmlu" / "test.jsonl"
    file.parent.mkdir()
    file.write_text('\n{"subject": ')
    with pytest.raises(TinsmithError, match=r"mmlu/test\.jsonl:2: is not JSON"):
        TASKS["mmlu"].questions(tmp_path)
    file.write_bytes(b'{"subject": "\xff"}')
    with pytest.raises(TinsmithError, match=r"mmlu/test\.jsonl: cannot be read as text"):
        TASKS["mmlu"].questions(tmp_path)


def test_the_likeliest_choice_is_taken_whole_and_by_its_length():
    question = Question("f:1", "p", (" short", " a much longer one"), {"gold": 1})
    # Two characters' worth of likelihood more for the short choice, but by length the long one wins.
    assert accuracy(question, [-5.0, -9.0]) == {"acc": 0.0, "acc_norm": 1.0}
    assert accuracy(question, [-9.0, -5.0]) == {"acc": 1.0, "acc_norm": 1.0}
    # -6/5 against -17/17: without counting the space before them.
    assert accuracy(question, [-5.0, -17.1]) == {"acc": 0.0, "acc_norm": 0.0}
