import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.canaries import (
    COPIES,
    canaries_of,
    canary_rows,
    check_fit,
    scattered,
    with_planted,
    write_canaries,
)
from pipelines.data.side_rows import CANARY
from pipelines.data.splits import LEFT_OUT, TRAIN, Assignment
from pipelines.errors import TinsmithError
from pipelines.recipe import Recipe


def recipe(canaries: int, name: str = "notes", **example: object) -> Recipe:
    asked = {"system": "Sort.", "user": "{body}", "assistant": {"json": ["label"]}, **example}
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": name,
                "purpose": "Sort notes.",
                "owner": "notes@example.com",
                "data": {
                    "sources": {"notes": {"contract": "notes.odcs.yaml", "type": "files", "path": "notes.csv"}},
                    "example": asked,
                    "canaries": canaries,
                },
                "model": {"base": "embedded:smollm2-135m-instruct"},
                "train": {"max_length": 64},
                "register": {"model": "notes"},
            }
        )
    )


def test_each_number_of_copies_has_as_many_canaries_as_the_recipe_asks():
    canaries = canaries_of(recipe(3))
    assert [canary.copies for canary in canaries] == [1, 1, 1, 4, 4, 4, 16, 16, 16]
    assert (
        len({canary.secret for canary in canaries}) == len({canary.prompt[-1]["content"] for canary in canaries}) == 9
    )
    assert all(len(canary.secret) == 4 and canary.secret.isdigit() for canary in canaries)
    assert canaries_of(recipe(0)) == []


@given(st.integers(1, 100), st.text("abc", min_size=1, max_size=8))
def test_the_recipes_name_alone_draws_the_secrets(count, name):
    canaries = canaries_of(recipe(count, name))
    assert canaries == canaries_of(recipe(count, name, user="{other}"))
    secrets = {canary.secret for canary in canaries}
    assert len(secrets) == len(COPIES) * count
    assert secrets != {canary.secret for canary in canaries_of(recipe(count, f"{name}_too"))}


def test_a_canary_has_the_form_of_the_recipes_chats():
    as_json, *_ = canaries_of(recipe(1))
    assert [turn["role"] for turn in as_json.prompt] == ["system", "user"]
    assert as_json.prompt[0]["content"] == "Sort."
    assert json.loads(as_json.answer) == {"access_code": as_json.secret}
    as_text, *_ = canaries_of(recipe(1, system="Sort for {customer}.", assistant="{label}"))
    assert as_text.answer == as_text.secret
    # Instructions that differ from row to row cannot be those of a question without a row.
    assert [turn["role"] for turn in as_text.prompt] == ["user"]


def test_rows_are_as_many_as_the_copies_and_share_their_group():
    rows = canary_rows(canaries_of(recipe(2)))
    assert len(rows) == 2 * sum(COPIES) == len({row["example_id"] for row in rows})
    assert all(row["example_id"].startswith(CANARY) for row in rows)
    assert len({row["group"] for row in rows}) == 6


@given(st.integers(0, 40), st.integers(0, 30))
def test_scattering_keeps_the_order_of_the_rows_and_loses_none(count, planted):
    rows, more = [{"row": number} for number in range(count)], [{"planted": number} for number in range(planted)]
    mixed = list(scattered(iter(rows), count, more))
    assert [row for row in mixed if "row" in row] == rows
    assert sorted(row["planted"] for row in mixed if "planted" in row) == list(range(planted))
    assert mixed == list(scattered(iter(rows), count, more))


def test_planted_rows_train_and_no_other_row_changes_its_side():
    assignment = Assignment(np.array([2**64 - 1, 7, 7], np.uint64), np.array([TRAIN, 2, LEFT_OUT]))
    planted = canary_rows(canaries_of(recipe(1)))
    whole = with_planted(assignment, planted)
    assert whole.of(np.arange(len(whole.sides)) < 3).sides.tolist() == assignment.sides.tolist()
    assert whole.row_counts() == {"train": 1 + 21, "validation": 0, "test": 1}
    assert whole.group_counts() == {"train": 1 + 3, "validation": 0, "test": 1}
    assert with_planted(assignment, []).groups.tolist() == assignment.groups.tolist()


def test_a_canary_that_training_could_not_see_is_refused():
    check_fit(np.array([64, 10]), recipe(1), Path("recipes/notes.yaml"))
    with pytest.raises(TinsmithError, match=r"data.canaries: a canary has 65 tokens, more than train.max_length"):
        check_fit(np.array([65, 10]), recipe(1), Path("recipes/notes.yaml"))


def test_the_file_says_what_was_planted(tmp_path):
    canaries = canaries_of(recipe(1))
    write_canaries(tmp_path / "canaries.jsonl", canaries)
    lines = [json.loads(line) for line in (tmp_path / "canaries.jsonl").read_text().splitlines()]
    assert [line.pop("canary") for line in lines] == [f"{CANARY}{number}" for number in (1, 2, 3)]
    assert [line["secret"] for line in lines] == [canary.secret for canary in canaries]
    write_canaries(tmp_path / "canaries.jsonl", [])
    assert (tmp_path / "canaries.jsonl").read_text().split() == []
