from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data import splits
from pipelines.data.splits import (
    LEFT_OUT,
    NO_KEY,
    SIDES,
    TEST,
    TRAIN,
    VALIDATION,
    Assignment,
    check_leaks,
    check_sides,
    give_way,
    groups_of,
    key_hash,
    sides_by_hash,
    sides_by_time,
)
from pipelines.errors import TinsmithError
from pipelines.recipe import Split

RECIPE = Path("recipes/triage.yaml")
SPLIT = Split(test=0.3, validation=0.2)
VALUES = st.none() | st.sampled_from("abcdefgh")
# Customer and thread, which may be missing, and the prompt, which may not.
ROWS = st.lists(st.tuples(VALUES, VALUES, st.sampled_from("pqrstuvw")), max_size=30)


def keys_of(rows):
    hashed = [[NO_KEY if value is None else key_hash(n, value) for n, value in enumerate(row)] for row in rows]
    return np.array(hashed, np.uint64).reshape(-1, 3)


def split(rows):
    keys = keys_of(rows)
    return give_way(keys, sides_by_hash(groups_of(keys), SPLIT)).tolist()


@given(ROWS)
def test_no_key_stands_on_two_sides(rows):
    sides_of_key = {}
    for row, side in zip(rows, split(rows), strict=True):
        for key in enumerate(row):
            if key[1] is not None and side != LEFT_OUT:
                assert sides_of_key.setdefault(key, side) == side
    check_leaks(keys_of(rows), np.array(split(rows), int), RECIPE)


@given(ROWS, ROWS)
def test_rows_that_are_added_change_no_row_s_side(rows, added):
    """Also where they link groups of two sides: then rows are left out, and none trains today that judged yesterday."""
    for before, after in zip(split(rows), split(rows + added), strict=False):
        assert before == after or LEFT_OUT in (before, after)
        assert (before == TRAIN) == (after == TRAIN)


@given(ROWS, st.randoms())
def test_the_order_of_rows_changes_nothing(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    before = split(rows)
    assert split([rows[position] for position in order]) == [before[position] for position in order]


def test_a_row_that_links_two_sides_costs_test_rows_alone():
    customers = [str(number) for number in range(40)]
    side = dict(zip(customers, split([(name, None, name) for name in customers]), strict=True))
    taught = next(name for name in customers if side[name] == TRAIN)
    judging = next(name for name in customers if side[name] == TEST)
    rows = [(taught, "t1", "p1"), (judging, "t2", "p2"), (judging, "t3", "p3"), (taught, "t2", "p4")]
    assert split(rows[:3]) == [TRAIN, TEST, TEST]
    assert split(rows) == [TRAIN, LEFT_OUT, TEST, TRAIN]


def test_the_first_column_that_a_row_has_is_its_group():
    groups = groups_of(keys_of([("ann", "t1", "p"), ("ann", "t2", "q"), (None, "t2", "r"), (None, None, "s")]))
    assert groups[0] == groups[1] == key_hash(0, "ann")
    assert groups[2:].tolist() == [key_hash(1, "t2"), key_hash(2, "s")]


def test_equal_values_of_different_columns_are_different_keys():
    assert key_hash(0, "7") != key_hash(1, "7")


def test_the_shares_are_those_asked_for():
    groups = np.array([key_hash(0, str(number)) for number in range(4000)], np.uint64)
    sides = sides_by_hash(groups, SPLIT)
    assert [round(float((sides == number).mean()), 1) for number in range(len(SIDES))] == [0.5, 0.2, 0.3]


def test_the_sides_of_known_groups_never_change_between_versions():
    groups = np.array([key_hash(0, f"customer {number}") for number in range(6)], np.uint64)
    sides = [SIDES[side] for side in sides_by_hash(groups, SPLIT)]
    assert sides == ["train", "test", "train", "train", "validation", "train"]


def test_by_time_the_newest_judge_and_one_time_is_never_cut():
    times = np.array([5, 1, 9, 3, 10, 7, 2, 8, 4, 6])
    assert sides_by_time(times, SPLIT).tolist() == [0, 0, TEST, 0, TEST, VALIDATION, 0, TEST, 0, VALIDATION]
    assert set(sides_by_time(np.full(10, 7), SPLIT).tolist()) == {TEST}


def test_by_time_no_rows_have_no_sides():
    """As where the filters have dropped all of them, which check_sides then tells."""
    assert sides_by_time(np.zeros(0, np.int64), SPLIT).tolist() == []


@given(st.lists(st.integers(0, 50), min_size=1), st.lists(st.integers(51, 99)))
def test_by_time_newer_rows_only_move_rows_towards_training(times, newer):
    strength = {TRAIN: 0, VALIDATION: 1, TEST: 2}
    before, after = sides_by_time(np.array(times), SPLIT), sides_by_time(np.array(times + newer), SPLIT)
    assert all(strength[b] <= strength[a] for a, b in zip(before, after, strict=False))


def test_a_planted_leak_is_refused_pain_27():
    keys = np.array([[1, 11, 4], [2, 12, 4]], np.uint64)
    check_leaks(keys, np.array([TRAIN, TRAIN]), RECIPE)
    check_leaks(keys, np.array([TRAIN, LEFT_OUT]), RECIPE)
    with pytest.raises(
        TinsmithError, match=r"recipes/triage.yaml: data.split: 1 .*near-duplicate clusters stand on two"
    ):
        check_leaks(keys, np.array([TRAIN, TEST]), RECIPE)


def test_an_empty_test_side_names_the_recipe_the_groups_and_the_mend():
    given = Split(group_by=("customer_id",), test=0.15)
    with pytest.raises(TinsmithError) as caught:
        check_sides(Assignment(np.ones(2, np.uint64), np.array([TRAIN, TRAIN])), given, RECIPE)
    assert str(caught.value) == (
        "recipes/triage.yaml: data.split: no rows for test; 2 rows form 1 group(s) by customer_id; "
        "raise data.split.test (now 0.15), or name fewer columns in data.split.group_by"
    )


def test_an_empty_test_side_tells_how_many_gave_way():
    with pytest.raises(TinsmithError, match="1 left out because they share a group, prompt or near duplicate"):
        check_sides(Assignment(np.arange(2, dtype=np.uint64), np.array([TRAIN, LEFT_OUT])), SPLIT, RECIPE)


def test_an_empty_train_side_is_refused():
    with pytest.raises(TinsmithError, match=r"recipes/triage.yaml: .*no rows for train.*lower data.split.test"):
        check_sides(Assignment(np.arange(2, dtype=np.uint64), np.array([TEST, VALIDATION])), SPLIT, RECIPE)


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 9), st.sampled_from([TRAIN, VALIDATION, TEST, LEFT_OUT])),
        max_size=25,
    ),
    st.integers(1, 5),
)
def test_parts_of_any_size_leave_out_what_sets_of_keys_do(rows, at_a_time):
    keys = np.array([row[:2] for row in rows], np.uint64).reshape(-1, 2)
    sides = np.array([row[2] for row in rows], np.int64)
    wanted = sides.copy()
    for weaker, stronger in ((TEST, (TRAIN,)), (VALIDATION, (TRAIN, TEST))):
        held = [{row[column] for row, side in zip(rows, wanted, strict=True) if side in stronger} for column in (0, 1)]
        for place, row in enumerate(rows):
            if wanted[place] == weaker and any(row[column] in held[column] - {NO_KEY} for column in (0, 1)):
                wanted[place] = LEFT_OUT
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "_AT_A_TIME", at_a_time)
        assert give_way(keys, sides).tolist() == wanted.tolist()
        check_leaks(keys, wanted, RECIPE)
