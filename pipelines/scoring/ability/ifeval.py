"""IFEval: whether instructions that a program can check were followed (Zhou et al. 2023, arXiv:2311.07911).

A prompt counts where all of its instructions were followed; loose also takes an answer whose first or last line, or
whose asterisks, were in the way.
"""

import inspect
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import AliasChoices, Field, model_validator

from pipelines.scoring.ability.instructions import CHECKS, LEFT_OUT
from pipelines.scoring.ability.questions import Form, Measure, Question, Scores, Task, Values, files, read


class _Row(Form):
    prompt: str
    instruction_id_list: tuple[str, ...]
    # The file calls it kwargs, which as a field would hide the constructor's own.
    arguments: tuple[dict[str, Any], ...] = Field(validation_alias=AliasChoices("kwargs"))

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        if len(self.arguments) != len(self.instruction_id_list) or not self.arguments:
            raise ValueError("instruction_id_list and kwargs are not of one length")
        for name, arguments in self.instructions:
            if name in LEFT_OUT:
                continue
            if name not in CHECKS:
                raise ValueError("has an instruction that IFEval does not know")
            try:
                inspect.signature(CHECKS[name]).bind("", **arguments)
            except TypeError:
                raise ValueError(f"kwargs do not fit the instruction {name}") from None
        return self

    @property
    def instructions(self) -> list[tuple[str, dict[str, Any]]]:
        """Each with its arguments; the hub's copy gives those of all other instructions as null."""
        given = zip(self.instruction_id_list, self.arguments, strict=True)
        return [
            (name, {key: value for key, value in arguments.items() if value is not None}) for name, arguments in given
        ]


def _questions(data: Path) -> list[Question]:
    (path, *_) = files(data / "ifeval", "input_data.jsonl*", "train.jsonl*")
    return [
        Question(place, row.prompt, (), {"instructions": row.instructions})
        for place, row in read(path, _Row)
        if LEFT_OUT.isdisjoint(row.instruction_id_list)
    ]


def _score(question: Question, text: str) -> Scores:
    instructions = question.truth["instructions"]
    variants = _loosened(text)
    strict = [_follows(text, name, arguments) for name, arguments in instructions]
    loose = [any(_follows(variant, name, arguments) for variant in variants) for name, arguments in instructions]
    return {
        "strict": float(all(strict)),
        "loose": float(all(loose)),
        "followed": float(sum(strict)),
        "followed_loose": float(sum(loose)),
        "instructions": float(len(instructions)),
    }


def _follows(text: str, name: str, arguments: dict[str, Any]) -> bool:
    return bool(text.strip()) and CHECKS[name](text, **arguments)


def _loosened(text: str) -> list[str]:
    lines = text.split("\n")
    parts = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*parts, *(part.replace("*", "") for part in parts)]


def _share(followed: Values, instructions: Values) -> Values:
    return np.asarray(followed.sum(axis=-1) / instructions.sum(axis=-1))


IFEVAL = Task(
    "ifeval",
    "lm-eval 0.4.13 ifeval 4.0 with the chat template, without rows that ask for a number of sentences",
    _questions,
    _score,
    (
        Measure("", ("strict",)),
        Measure("loose", ("loose",)),
        Measure("instructions", ("followed", "instructions"), statistic=_share),
        Measure("instructions_loose", ("followed_loose", "instructions"), statistic=_share),
    ),
    max_tokens=1280,
    chat=True,
)
