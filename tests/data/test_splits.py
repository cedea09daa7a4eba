from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.splits import (
    SIDES,
    Assignment,
    assign_sides,
    check_labels,
    check_sides,
    group_rows,
    labels,
    side_of,
)
from pipelines.errors import TinsmithError
from pipelines.recipe import Split

RECIPE = Path("recipes/triage.yaml")
SPLIT = Split(test=0.3, validation=0.2)
KEYS = st.tuples(st.integers(0, 2), st.sampled_from("abcdefgh"))
ROWS = st.lists(st.lists(KEYS, min_size=1, max_size=3), max_size=30)


def assigned(*sides):
    return Assignment([str(number) for number in range(len(sides))], list(sides))


@given(ROWS)
def test_no_key_stands_on_two_sides(rows):
    assignment = assign_sides(rows, SPLIT)
    sides_of_key = {}
    for keys, side in zip(rows, assignment.sides, strict=True):
        for key in keys:
            assert sides_of_key.setdefault(key, side) == side


@given(ROWS, st.randoms())
def test_the_order_of_rows_changes_nothing(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    groups = group_rows(rows)
    assert group_rows([rows[position] for position in order]) == [groups[position] for position in order]


@given(ROWS, ROWS)
def test_rows_of_other_groups_change_nothing(rows, others):
    others = [[(number + 3, value) for number, value in keys] for keys in others]
    assert group_rows(rows + others)[: len(rows)] == group_rows(rows)


def test_rows_joined_through_a_third_are_one_group():
    groups = group_rows([[(0, "ann"), (1, "t1")], [(0, "bob"), (1, "t2")], [(0, "ann"), (1, "t2")], [(0, "eve")]])
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_equal_values_of_different_columns_join_nothing():
    first, second = group_rows([[(0, "7")], [(1, "7")]])
    assert first != second


def test_the_shares_are_those_asked_for():
    sides = [side_of(group, SPLIT) for group in group_rows([[(0, str(number))] for number in range(4000)])]
    assert [round(sides.count(side) / 4000, 1) for side in SIDES] == [0.5, 0.2, 0.3]


def test_the_sides_of_known_groups_never_change_between_versions():
    groups = group_rows([[(0, f"customer {number}")] for number in range(6)])
    sides = [side_of(group, SPLIT) for group in groups]
    assert sides == ["train", "test", "train", "train", "validation", "train"]


def test_an_empty_test_side_names_the_recipe_the_groups_and_the_mend():
    split = Split(group_by=("customer_id",), test=0.15)
    with pytest.raises(TinsmithError) as caught:
        check_sides(Assignment(["g", "g"], ["train", "train"]), split, RECIPE)
    assert str(caught.value) == (
        "recipes/triage.yaml: data.split: no rows for test; 2 rows form 1 group(s) by customer_id; "
        "raise data.split.test (now 0.15), or name fewer columns in data.split.group_by"
    )


def test_an_empty_train_side_is_refused():
    with pytest.raises(TinsmithError, match=r"recipes/triage.yaml: .*no rows for train.*lower data.split.test"):
        check_sides(assigned("test", "validation"), SPLIT, RECIPE)


def test_labels_seen_only_in_test_are_refused_without_showing_them():
    fields = {"intent": ["a", "a", "secret", "secret"], "free": ["1", "2", "3", "4"]}
    with pytest.raises(TinsmithError) as caught:
        check_labels(
            fields, assigned("train", "train", "test", "test"), ["f.csv:2", "f.csv:3", "f.csv:4", "f.csv:5"], RECIPE
        )
    message = str(caught.value)
    assert message.startswith("recipes/triage.yaml: data.split: 1 label(s) of `intent` occur in test but not in train")
    assert "f.csv:4" in message
    assert "secret" not in message
    assert len(message.splitlines()) == 1


def test_labels_that_training_shows_pass():
    check_labels({"intent": ["a", "b", "a", "b"]}, assigned("train", "train", "test", "test"), ["r"] * 4, RECIPE)


def test_a_choice_has_few_values_that_repeat():
    assert labels(["b", "a", "b", "a"]) == ["a", "b"]
    assert labels([1, None, 1, None]) == [1, None]
    assert labels(["a", "b", "c", "d"]) is None
    assert labels([number % 101 for number in range(1000)]) is None
