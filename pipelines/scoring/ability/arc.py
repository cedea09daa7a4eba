"""ARC, easy and challenge: grade-school science with three to five choices (Clark et al. 2018, arXiv:1803.05457)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pipelines.scoring.ability.multiple_choice import ACCURACY, NORMALISED, accuracy
from pipelines.scoring.ability.questions import Form, Question, Task, files, read

_Text = Annotated[str, Field(min_length=1)]


class _Choice(Form):
    text: _Text
    label: str


class _Original(Form):
    """As AllenAI's archive has it: {question: {stem, choices: [{text, label}]}, answerKey}."""

    class Stem(Form):
        stem: str
        choices: tuple[_Choice, ...]

    question: Stem
    answerKey: str  # noqa: N815 (the file's own name)

    def asked(self) -> tuple[str, list[str], list[str], str]:
        choices = self.question.choices
        return self.question.stem, [one.text for one in choices], [one.label for one in choices], self.answerKey


class _Hub(Form):
    """As the Hugging Face hub has it: {question, choices: {text: [], label: []}, answerKey}."""

    class Choices(Form):
        text: tuple[_Text, ...]
        label: tuple[str, ...]

    question: str
    choices: Choices
    answerKey: str  # noqa: N815 (the file's own name)

    def asked(self) -> tuple[str, list[str], list[str], str]:
        return self.question, list(self.choices.text), list(self.choices.label), self.answerKey


class _Prompted(Form):
    """As evaluations have it, with the prompt made: {query, choices: [], gold: index}."""

    query: Annotated[str, Field(pattern=r"^Question: [\s\S]*\nAnswer:$")]
    choices: tuple[_Text, ...]
    gold: int

    def asked(self) -> tuple[str, list[str], list[str], str]:
        question = self.query.removeprefix("Question: ").removesuffix("\nAnswer:")
        return question, list(self.choices), [str(index) for index in range(len(self.choices))], str(self.gold)


def _kind(row: Any) -> str:
    if isinstance(row, dict) and "query" in row:
        return "query"
    return "stem" if isinstance(row, dict) and isinstance(row.get("question"), dict) else "hub"


class _Row(Form):
    row: Annotated[
        Annotated[_Original, Tag("stem")] | Annotated[_Hub, Tag("hub")] | Annotated[_Prompted, Tag("query")],
        Discriminator(_kind),
    ]

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, row: Any) -> Any:
        return {"row": row}

    @model_validator(mode="after")
    def _key_is_a_choice(self) -> Self:
        _, choices, labels, key = self.row.asked()
        if len(choices) != len(labels) or key not in labels:
            raise ValueError("the right answer is none of the choices")
        return self


def _questions(part: str, data: Path) -> list[Question]:
    # The test split, as lm-eval; the validation split where there is no other.
    patterns = [f"ARC-{part}{middle}.jsonl*" for middle in (".test", "-Test", ".validation", "-Dev")]
    (path, *_) = files(data / "arc", *patterns)
    return [_question(place, *found.row.asked()) for place, found in read(path, _Row)]


def _question(place: str, question: str, choices: list[str], labels: list[str], key: str) -> Question:
    prompt = f"Question: {question}\nAnswer:"
    return Question(place, prompt, tuple(f" {choice}" for choice in choices), {"gold": labels.index(key)})


def _task(name: str, part: str) -> Task:
    questions: Callable[[Path], list[Question]] = partial(_questions, part)
    return Task(name, f"lm-eval 0.4.13 {name} 1.0, no examples", questions, accuracy, (ACCURACY, NORMALISED))


ARC_EASY = _task("arc_easy", "Easy")
ARC_CHALLENGE = _task("arc_challenge", "Challenge")
