import math

import numpy as np
import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.own_function import load_function, own_scores
from tests.scoring.metrics.strategies import rows_expecting

SECRET_WORD = "heliotrope"


def test_a_function_of_the_recipes_own_judges_each_row(tmp_path):
    file = tmp_path / "polite.py"
    file.write_text(
        "def polite(answer, expected, row):\n"
        "    row['answer'] = 'changed'\n"
        "    return ('please' in answer) * row['weight'] / len(expected)\n"
    )
    rows = rows_expecting("ab", "abcd", weight=1)
    function = load_function("polite", f"{file}:polite")
    assert own_scores("polite", function, rows, ["please", "no"]).tolist() == [0.5, 0]
    assert rows[0]["answer"] == "ab"


def test_its_file_may_hold_a_dataclass(tmp_path):
    file = tmp_path / "weighed.py"
    file.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Weight:\n"
        "    of: float\n"
        "def weighed(answer, expected, row):\n"
        "    return Weight(0.5).of\n"
    )
    function = load_function("weighed", f"{file}:weighed")
    assert own_scores("weighed", function, rows_expecting("a"), ["a"]).tolist() == [0.5]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (None, "there is no such file"),
        ("def other(): pass", "has no function polite"),
        ("polite = 3", "has no function polite"),
        ("def polite(:", "SyntaxError while it was imported"),
        (f"raise ValueError('{SECRET_WORD}')", "ValueError while it was imported"),
    ],
)
def test_a_function_that_is_not_there_is_told_in_one_line(tmp_path, text, wrong):
    file = tmp_path / "polite.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(TinsmithError, match=wrong) as told:
        load_function("polite", f"{file}:polite")
    assert str(told.value).startswith("evaluate.functions.polite: ")
    assert SECRET_WORD not in str(told.value)


@pytest.mark.parametrize("score", [math.nan, math.inf, 7, -0.1, "1", None, [1]])
def test_what_is_no_score_is_a_counted_failure_and_no_zero(score):
    rows = rows_expecting(*"abcd")
    wrong = r"evaluate.functions.mine: gave no number from 0 to 1 in 2 of 4 rows \(first: row 1, row 2\)"
    with pytest.raises(TinsmithError, match=wrong):
        own_scores("mine", lambda answer, *_: score if answer in "bc" else 1.0, rows, list("abcd"))


def test_a_function_that_raises_is_counted_and_its_words_are_not_told():
    def raising(answer, _expected, _row):
        return 1 / len(answer.replace(SECRET_WORD, ""))

    with pytest.raises(TinsmithError, match=r"raised ZeroDivisionError in 2 of 3 rows \(first: row 0, row 2\)") as told:
        own_scores("mine", raising, rows_expecting("a", "b", "c"), [SECRET_WORD, "said", ""])
    assert SECRET_WORD not in str(told.value)


@pytest.mark.parametrize("score", [True, 1, 0.5, np.float64(0.5), np.float32(1), np.bool_(False)])
def test_numbers_of_every_kind_are_scores(score):
    assert own_scores("mine", lambda *_: score, rows_expecting("a"), ["b"]).tolist() == [float(score)]
