import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cli.column_draft import draft_columns, words_of
from pipelines.cli.sample import Sample, SampleColumn


def drafts(path, **columns):
    given_columns = tuple(SampleColumn(name, texts, frozenset()) for name, texts in columns.items())
    return draft_columns(Sample(path, "csv", ",", "utf-8", given_columns))[0]


@pytest.mark.parametrize(
    ("texts", "logical_type"),
    [
        (["1", "20", None], "integer"),
        (["01", "20"], "string"),
        (["1.5", "2"], "number"),
        (["true", "FALSE"], "boolean"),
        (["2026-01-31", "2026-02-28"], "date"),
        (["2026-01-31T09:00:00Z", "2026-01-31 10:00"], "timestamp"),
        (["2026-01-31"] * 99 + ["2026-02-30"], "date"),
        (["9007199254740993"], "integer"),
        (["N/A", "1"], "string"),
        ([None, None], "string"),
    ],
)
def test_types(tmp_path, texts, logical_type):
    assert drafts(tmp_path, value=texts)[0].logical_type == logical_type


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("e-mail", "email"),
        ("contactPhone", "phone"),
        ("customer_name", "name"),
        ("Name", "name"),
        ("product_name", None),
        ("file name", None),
        ("street_address", "address"),
        ("customer_id", None),
    ],
)
def test_personal_columns_are_guessed_by_name(tmp_path, name, kind):
    assert drafts(tmp_path, **{name: ["some", "thing"]})[0].personal == kind


def test_a_column_of_addresses_is_personal_whatever_its_name(tmp_path):
    assert drafts(tmp_path, wrote=["a@example.com", "b@example.org", "unknown"])[0].personal == "email"


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["030 123456", "+49 30 1234567", "0171-2345678", "none"], "phone"),
        (["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"], "iban"),
        (["4111 1111 1111 1111", "5500-0000-0000-0004"], "card"),
        (["4111111111111111", "5500000000000004"], "card"),
        (["call 030 123456", "+49 30 1234567 at noon"], None),
        (["250.1234", "311.5678"], None),
        (["2026-01-31", "2026-02-28"], None),
        (["10482", "10483"], None),
    ],
)
def test_values_tell_what_a_name_does_not(tmp_path, texts, kind):
    assert drafts(tmp_path, telefon=texts)[0].personal == kind


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True))
def test_every_header_gets_names_that_are_different_and_can_stand_in_a_template(names):
    columns = drafts(None, **{name: ["a"] for name in names})
    assert len({column.name for column in columns}) == len(names)
    assert all(column.name.isidentifier() and column.name != "_record" for column in columns)
    assert [column.source_name for column in columns] == names


def test_words_of_a_name():
    assert words_of("customerID No.2") == ["customer", "id", "no", "2"]
