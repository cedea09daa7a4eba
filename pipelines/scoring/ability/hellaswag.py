"""HellaSwag: how a described scene goes on, four endings (Zellers et al. 2019, arXiv:1905.07830)."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipelines.scoring.ability.multiple_choice import ACCURACY, NORMALISED, accuracy
from pipelines.scoring.ability.questions import Form, Question, Task, files, read

_Four = Annotated[tuple[str, ...], Field(min_length=4, max_length=4)]


class _Row(Form):
    activity_label: str
    ctx_a: str
    ctx_b: str
    endings: _Four
    label: Annotated[int, Field(ge=0, le=3)]


def _questions(data: Path) -> list[Question]:
    # The test split's labels are not public.
    (path, *_) = files(data / "hellaswag", "validation.jsonl*", "hellaswag_val.jsonl*")
    return [
        Question(
            place,
            _clean(f"{row.activity_label}: {row.ctx_a} {row.ctx_b.capitalize()}"),
            tuple(f" {_clean(ending)}" for ending in row.endings),
            {"gold": row.label},
        )
        for place, row in read(path, _Row)
    ]


def _clean(text: str) -> str:
    """Without the marks that WikiHow's pages left in the texts: a title becomes a sentence, other brackets go."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


HELLASWAG = Task("hellaswag", "lm-eval 0.4.13 hellaswag 1.0, no examples", _questions, accuracy, (ACCURACY, NORMALISED))
