"""Scores of answers that are JSON objects; one that cannot be read scores 0."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator

from pipelines.scoring.metrics.figures import Row, Scores, Texts
from pipelines.scoring.metrics.strict_json import hashable, object_in, plain_object_in, without_fence


def valid_json(schema: Mapping[str, Any], answers: Texts) -> Scores:
    """1 where the whole answer is a JSON object that keeps the JSON Schema, else 0; a code fence is not JSON."""
    validator = Draft202012Validator(schema)
    return np.array([_keeps(validator, answer) for answer in answers], dtype=float)


def field_scores(rows: Sequence[Row], answers: Texts) -> tuple[Scores, Scores, Scores]:
    """Precision, recall and F1 of each row (see field_score)."""
    found = [field_score(answer, row["answer"]) for row, answer in zip(rows, answers, strict=True)]
    precision, recall, f1 = np.array(found, dtype=float).reshape(-1, 3).T
    return precision, recall, f1


def field_score(answer: str, expected: str) -> tuple[float, float, float]:
    """Precision TP / (TP + FP), recall TP / (TP + FN) and their F1 over an object's fields with their values.

    A field of an object within counts by itself, and so does each item of a list, whatever its place. The mean over
    rows is what scikit-learn calls the average of samples. (van Rijsbergen 1979, chapter 7)
    """
    found, wanted = object_in(without_fence(answer)), object_in(expected)
    if found is None or wanted is None:
        return 0.0, 0.0, 0.0
    said, right = _leaves(found), _leaves(wanted)
    hits = (said & right).total()
    return hits / said.total(), hits / right.total(), 2 * hits / (said.total() + right.total())


def _keeps(validator: Draft202012Validator, answer: str) -> bool:
    found = plain_object_in(answer)
    try:
        return found is not None and validator.is_valid(found)
    except RecursionError:
        return False


def _leaves(value: Any) -> Counter[Any]:
    """How often each value stands at each path; what is empty counts as a value."""
    leaves: Counter[Any] = Counter()
    pending: list[tuple[tuple[str | None, ...], Any]] = [((), value)]
    while pending:
        path, inner = pending.pop()
        if isinstance(inner, dict) and inner:
            pending += [((*path, key), below) for key, below in inner.items()]
        elif isinstance(inner, list) and inner:
            # No key is None, so that items stand apart from fields.
            pending += [((*path, None), item) for item in inner]
        else:
            leaves[path, hashable(inner)] += 1
    return leaves
