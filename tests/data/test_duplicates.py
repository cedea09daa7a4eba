from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.duplicates import find_duplicates, folded


def test_the_first_of_each_is_kept():
    found = find_duplicates([("lamp broken", "a"), ("other", "a"), ("lamp broken", "a")])
    assert (found.kept, found.dropped) == ([0, 1], 1)


def test_one_prompt_with_two_answers_is_kept_and_counted():
    found = find_duplicates([("lamp broken", "a"), ("lamp broken", "b"), ("lamp broken", "b"), ("other", "a")])
    assert (found.kept, found.dropped, found.conflicting_labels) == ([0, 1, 3], 1, 1)


def test_case_spacing_and_width_make_no_other_prompt():
    assert folded("  Lamp\n\tbroken Ａ ") == folded("LAMP broken a") == "lamp broken a"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"))))
def test_no_pair_is_lost_or_left_twice(pairs):
    found = find_duplicates(pairs)
    kept = [pairs[position] for position in found.kept]
    assert len(kept) == len(set(kept))
    assert set(kept) == set(pairs)
    assert found.dropped == len(pairs) - len(kept)
