"""Whether an answer is the expected one."""

from collections.abc import Sequence

import numpy as np

from pipelines.scoring.metrics.figures import Row, Scores, Texts
from pipelines.scoring.metrics.strict_json import object_in, without_fence


def exact_match(rows: Sequence[Row], answers: Texts, *, is_json: bool) -> Scores:
    """1 where the answer is the expected one, else 0."""
    same = same_json if is_json else same_text
    return np.array([same(answer, row["answer"]) for row, answer in zip(rows, answers, strict=True)], dtype=float)


def same_text(answer: str, expected: str) -> bool:
    """Whether both texts are equal but for white space around them; case counts."""
    return answer.strip() == expected.strip()


def same_json(answer: str, expected: str) -> bool:
    """Whether both are JSON objects with equal fields; the order of fields and a code fence do not count."""
    found = object_in(without_fence(answer))
    return found is not None and found == object_in(expected)
