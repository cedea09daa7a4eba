"""GSM8K: word problems of grade-school arithmetic, worked out in steps (Cobbe et al. 2021, arXiv:2110.14168)."""

import re
from itertools import islice
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.scoring.ability.questions import Form, Measure, Question, Scores, Task, files, read

_EXAMPLES = 5
# The solution's own last line; and, for answers in another form, whatever number stands last.
_STRICT = re.compile(r"#### (-?[0-9.,]+)")
_NUMBER = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")


class _Row(Form):
    question: str
    answer: str


def _questions(data: Path) -> list[Question]:
    folder = data / "gsm8k"
    (test, *_) = files(folder, "test.jsonl*")
    (train, *_) = files(folder, "train.jsonl*")
    # lm-eval draws other examples for every question; the first five for all let a slot keep them between questions.
    examples = [row for _, row in islice(read(train, _Row), _EXAMPLES)]
    if len(examples) < _EXAMPLES:
        raise TinsmithError(f"{train}: holds fewer than the {_EXAMPLES} examples that are put before every question")
    before = "".join(f"{_asked(row)} {row.answer}\n\n" for row in examples)
    return [
        Question(place, before + _asked(row), (), {"answer": _plain(row.answer)}) for place, row in read(test, _Row)
    ]


def _asked(row: _Row) -> str:
    return f"Question: {row.question}\nAnswer:"


def _score(question: Question, text: str) -> Scores:
    strict, numbers = _STRICT.search(text), _NUMBER.findall(text)
    truth = question.truth["answer"]
    return {
        "strict": float(strict is not None and _plain(strict[1]) == truth),
        "flexible": float(bool(numbers) and _plain(numbers[-1]) == truth),
    }


def _plain(answer: str) -> str:
    """A number as it is compared: what stands behind the last ####, without commas, dollars and a full stop."""
    return re.sub(r"[,$]", "", answer).rpartition("#### ")[2].removesuffix(".").strip().lower()


GSM8K = Task(
    "gsm8k",
    "lm-eval 0.4.13 gsm8k 3.0, the first five examples of train",
    _questions,
    _score,
    (Measure("", ("strict",)), Measure("flexible", ("flexible",))),
    max_tokens=256,
    stop=("Question:", "</s>", "<|im_end|>"),
)
