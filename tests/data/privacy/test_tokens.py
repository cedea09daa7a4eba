from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.privacy.tokens import located, words_of


def test_quotes_around_a_word_are_no_part_of_it():
    assert words_of("'John' and the O'Neills' dog").texts == ["'", "John", "'", "and", "the", "O'Neills", "'", "dog"]


@given(st.text("ab'1_ ,\n", max_size=20))
def test_a_letter_beyond_ascii_changes_no_other_word(text):
    assert words_of(text).texts == words_of(f"{text} é").texts[:-1]


@given(st.text("ab'’é1_ ,\n", max_size=20))
def test_each_word_is_located_where_it_stands(text):
    assert all(text[token.start : token.end] == token.text for token in located(text, words_of(text)))
