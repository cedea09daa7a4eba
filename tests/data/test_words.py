from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.words import folded, shingles, words


def test_case_spacing_and_width_make_no_other_prompt():
    assert folded("  Lamp\n\tbroken Ａ ") == folded("LAMP broken a") == "lamp broken a"


def test_words_leave_out_punctuation_and_split_scripts_without_spaces():
    assert words("My lamp's DARK, (again)!") == ["my", "lamp", "s", "dark", "again"]
    assert words("接続が切れます") == list("接続が切れます")
    assert words("ｆｕｌｌ Ｗidth") == ["full", "width"]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 4))
def test_shingles_are_every_run_each_once(text, size):
    found = shingles(text, size)
    runs = {" ".join(text[start : start + size]) for start in range(len(text) - size + 1)} or {" ".join(text)}
    assert len(found) == len(set(found))
    assert set(found) == runs
