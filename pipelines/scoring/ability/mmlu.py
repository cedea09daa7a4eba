"""MMLU: questions of 57 subjects with four choices (Hendrycks et al. 2021, arXiv:2009.03300)."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pipelines.scoring.ability.multiple_choice import ACCURACY, accuracy
from pipelines.scoring.ability.questions import Form, Question, Task, files, read

_LETTERS = ("A", "B", "C", "D")


def _index(answer: Any) -> Any:
    """Some copies give the right choice's letter, others its index."""
    return _LETTERS.index(answer) if answer in _LETTERS else answer


class _Row(Form):
    subject: str
    question: str
    choices: Annotated[tuple[str, ...], Field(min_length=4, max_length=4)]
    answer: Annotated[int, Field(ge=0, le=3), BeforeValidator(_index)]


def _questions(data: Path) -> list[Question]:
    (path, *_) = files(data / "mmlu", "test.jsonl*", "validation.jsonl*")
    return [
        Question(place, _prompt(row), tuple(f" {letter}" for letter in _LETTERS), {"gold": row.answer})
        for place, row in read(path, _Row)
    ]


def _prompt(row: _Row) -> str:
    subject = row.subject.replace("_", " ")
    choices = "\n".join(f"{letter}. {choice}" for letter, choice in zip(_LETTERS, row.choices, strict=True))
    return (
        f"The following are multiple choice questions (with answers) about {subject}.\n\n"
        f"{row.question.strip()}\n{choices}\nAnswer:"
    )


MMLU = Task("mmlu", "lm-eval 0.4.13 mmlu 1.0, no examples", _questions, accuracy, (ACCURACY,))
