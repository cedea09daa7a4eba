"""Scores of answers that are one of few labels: a text, or fields of a JSON object that have few values."""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.figures import OfRows, Row, Scores, Texts
from pipelines.scoring.metrics.strict_json import EXACT, hashable, object_in, without_fence

Codes = NDArray[np.intp]

# Where a text stands among an answer's fields, here and in the datasheet's `allowed_answers`.
WHOLE = "answer"
# What no answer holds: a field that is not there is not null.
_MISSING = ("missing",)


@dataclass(frozen=True)
class Choice:
    """A field of few values, or the whole text, with its labels and what each judged row expects, as their places."""

    field: str
    labels: tuple[str, ...]
    codes: Mapping[Hashable, int]
    folded: Mapping[str, int]
    expected: Codes

    @property
    def other(self) -> int:
        """The code of an answer that is none of the labels."""
        return len(self.labels)

    def code(self, value: Any) -> int:
        """The label that a value means: the same, or of texts the only one that is so but for capitals and marks."""
        try:
            code = self.codes.get(hashable(value))
        except RecursionError:
            return self.other
        if code is None and isinstance(value, str):
            code = self.codes.get(hashable(value.strip()), self.folded.get(_folded(value)))
        return self.other if code is None else code


def choices(rows: Sequence[Row], allowed: Mapping[str, Sequence[Any]], is_json: bool) -> list[Choice]:
    """The fields that are a choice, none where the answers are free; `allowed` as in the datasheet.

    Raises:
        TinsmithError: a row expects a label that the datasheet does not know.
    """
    return [_choice(field, values, rows, is_json) for field, values in allowed.items()]


def check_labels(found: Sequence[Choice], metric: str) -> None:
    """Raise TinsmithError where there are no labels to judge, or only one."""
    if not found:
        raise TinsmithError(
            f"evaluate.metrics: {metric} judges labels, but no field of the answer has few enough values for that (at "
            "most 100, each met twice on average, and of at most 5 words where the contract lists none); list them in "
            "the contract, or take it out"
        )
    if all(len(np.unique(choice.expected)) < 2 for choice in found):
        raise TinsmithError(
            f"evaluate.metrics: {metric}: the judged rows expect one label only, so that it would say nothing; add "
            "rows of other labels, raise data.split.test, or take it out"
        )


def answered_codes(choice: Choice, answers: Texts, is_json: bool) -> Codes:
    """Each answer's label, as its place."""
    fields = (_fields(answer, is_json) for answer in answers)
    return np.array([choice.code(found.get(choice.field, _MISSING)) for found in fields], dtype=np.intp)


def accuracy(expected: Sequence[Codes], answered: Sequence[Codes]) -> Scores:
    """1 where the label is right, else 0; of an object's fields the mean."""
    hits = [right == said for right, said in zip(expected, answered, strict=True)]
    return np.asarray(np.mean(hits, axis=0), dtype=float)


def macro_f1(expected: Sequence[Codes], answered: Sequence[Codes], labels: Sequence[int]) -> OfRows:
    """The mean F1 of the labels that some of the rows expect or answer, as scikit-learn's f1_score with average macro,
    zero_division NaN and the known labels; of an object's fields the mean. `labels` is each field's number of labels.

    An answer that is no label is a miss for the one expected, and no label of its own. scikit-learn takes 2 ms for
    1,000 rows of 77 labels and this, from counts alone, a hundredth of that: resampling asks for thousands of figures.
    """
    fields = list(zip(expected, answered, labels, strict=True))

    def figure(places: NDArray[np.intp]) -> float:
        return float(np.mean([_macro_f1(right[places], said[places], count) for right, said, count in fields]))

    return figure


def confusion(choice: Choice, answered: Codes) -> dict[str, Any]:
    """How often each label (the rows of `counts`) was answered by each (its columns), and by `other`, which is none.

    Only labels that were expected or answered are shown.
    """
    # A second of importing, only where there are labels.
    from sklearn.metrics import confusion_matrix

    shown = np.union1d(choice.expected, answered[answered != choice.other])
    counts = confusion_matrix(choice.expected, answered, labels=[*shown, choice.other])
    return {
        "labels": [choice.labels[code] for code in shown],
        "counts": counts[:-1, :-1].tolist(),
        "other": counts[:-1, -1].tolist(),
    }


def _macro_f1(expected: Codes, answered: Codes, labels: int) -> float:
    right = np.bincount(expected[expected == answered], minlength=labels)
    met = np.bincount(expected, minlength=labels) + np.bincount(answered, minlength=labels + 1)[:labels]
    return float(np.mean(2 * right[met > 0] / met[met > 0]))


def _choice(field: str, values: Sequence[Any], rows: Sequence[Row], is_json: bool) -> Choice:
    labels = tuple(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)
    codes = {hashable(_exact(value)): code for code, value in enumerate(values)}
    folds = [_folded(value) if isinstance(value, str) else None for value in values]
    folded = {fold: code for code, fold in enumerate(folds) if fold and folds.count(fold) == 1}
    choice = Choice(field, labels, codes, folded, np.zeros(0, dtype=np.intp))
    expected = answered_codes(choice, [row["answer"] for row in rows], is_json)
    if (expected == choice.other).any():
        raise TinsmithError(
            f"evaluate.metrics: some judged rows expect a label of `{field}` that the datasheet does not know; run the "
            "prepare stage again"
        )
    return replace(choice, expected=expected)


def _fields(answer: str, is_json: bool) -> Mapping[str, Any]:
    return (object_in(without_fence(answer)) or {}) if is_json else {WHOLE: answer}


def _exact(value: Any) -> Any:
    """A value of the datasheet as strict_json reads it out of an answer."""
    return EXACT.decode(json.dumps(value))


def _folded(text: str) -> str:
    return " ".join(text.casefold().strip(" \t\r\n\"'`.").split())
