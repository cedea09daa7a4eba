"""Bad files and bad rows: each gets a clear error or a clear fault, and no row behind it is lost."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.data.sources.text_lines import LONGEST_ROW
from pipelines.errors import TinsmithError
from tests.data.sources.reads import read, refused, rows_of


def test_quoted_fields_keep_delimiters_quotes_and_line_ends(tmp_path):
    rows = rows_of(tmp_path / "a.csv", b'body,more,id\r\n"a, ""b""\nc",x,1\r\n\r\n,x,2\r\n')
    assert read(rows) == [("1", 'a, "b"\nc'), ("2", None)]
    assert [row.line for row in rows] == [2, 5]
    assert rows[0].raw == '"a, ""b""\nc",x,1'


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (b"2", "row: too few columns"),
        (b"2,b,c", "row: too many columns"),
        (b"2,b\0c", "row: NUL character"),
        (b"2,caf\xe9", "row: not utf-8"),
        (b'2,"open', "row: broken quote"),
        (b'2,"a" b', "row: broken quote"),
        (b'2,5" pipe', "row: broken quote"),
        (b"2,a\rb", "row: carriage return outside quotes"),
    ],
)
def test_a_broken_csv_row_is_refused_alone(tmp_path, bad, fault):
    rows = rows_of(tmp_path / "a.csv", b'id,body\n1,good\n%s\n3,"also\ngood"\n4,good\n' % bad)
    assert read(rows) == [("1", "good"), ("3", "also\ngood"), ("4", "good")]
    assert refused(rows) == [(3, (fault,))]


def test_an_open_quote_at_the_end_does_not_swallow_the_rows_behind_it(tmp_path):
    rows = rows_of(tmp_path / "a.csv", b'id,body\n1,"open\n2,good\n3,good\n')
    assert read(rows) == [("2", "good"), ("3", "good")]
    assert refused(rows) == [(2, ("row: broken quote",))]


def test_bytes_that_are_not_text_are_kept_as_escapes(tmp_path):
    (row,) = rows_of(tmp_path / "a.csv", b"id,body\n1,caf\xe9 \xf0\x9f\n")
    assert row.raw == r"1,caf\xe9 \xf0\x9f"
    assert rows_of(tmp_path / "b.csv", b"id,body\n1,caf\xe9\n", encoding="latin-1")[0].texts == ["1", "café"]


def test_utf_16_and_byte_order_marks_are_read(tmp_path):
    text = "id,body\r\n1,\u0a0a\u010a\u0d0a\r\n2,x\r\n"
    expected = [("1", "\u0a0a\u010a\u0d0a"), ("2", "x")]
    assert read(rows_of(tmp_path / "a.csv", text.encode("utf-8-sig"))) == expected
    assert read(rows_of(tmp_path / "b.csv", text.encode("utf-16"), encoding="utf-16")) == expected
    big_endian = b"\xfe\xff" + text.encode("utf-16-be")
    assert read(rows_of(tmp_path / "c.csv", big_endian, encoding="utf-16")) == expected
    cut = rows_of(tmp_path / "d.csv", text.encode("utf-16")[:-3], encoding="utf-16")
    assert refused(cut) == [(3, ("row: not utf-16",))]
    with pytest.raises(TinsmithError, match="no byte order mark"):
        rows_of(tmp_path / "e.csv", text.encode("utf-16-le"), encoding="utf-16")


def test_a_row_of_three_megabytes_is_read_and_one_beyond_the_limit_is_refused(tmp_path):
    long, longer = b"x" * 3_000_000, b"x" * (LONGEST_ROW + 1)
    rows = rows_of(tmp_path / "a.csv", b"id,body\n1,%s\n2,%s\n3,c\n" % (long, longer))
    assert [(row.line, len(row.texts)) for row in rows] == [(2, 2), (3, 0), (4, 2)]
    assert rows[1].faults == (f"row: longer than {LONGEST_ROW} characters",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty; it needs a header"),
        (b"id;body\n1;a\n", "one column only; is the source's delimiter right?"),
        (b"id,bdy\n1,a\n", "a.csv:1: the header lacks the column body of c.odcs.yaml:10 (did you mean bdy?)"),
        (b"id,body,more,more\n", "holds the column 'more' twice"),
        ("id,body\n".encode("utf-16"), "the header cannot be read (row: not utf-8, row: NUL character)"),
        (b'id,"body\n', "the header cannot be read (row: broken quote)"),
    ],
)
def test_a_wrong_header_stops_the_file(tmp_path, content, told):
    with pytest.raises(TinsmithError) as caught:
        rows_of(tmp_path / "a.csv", content)
    assert told in str(caught.value)


def test_a_file_without_a_header_does_not_leak_its_first_row(tmp_path):
    with pytest.raises(TinsmithError) as caught:
        rows_of(tmp_path / "a.csv", b"17,secret words\n")
    assert "secret" not in str(caught.value)


messy = st.lists(st.sampled_from([b"a", b",", b'"', b'""', b"\n", b"\r\n", b"\0", b"\xe9", b"{", b"}"]), max_size=40)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=messy.map(b"".join) | st.binary(max_size=40), ending=st.sampled_from(["csv", "jsonl"]))
def test_every_line_of_any_bytes_belongs_to_one_row_or_is_blank(tmp_path, content, ending):
    header = b"id,body\n"
    lines = (header + content).split(b"\n")
    covered = [1]
    for row in rows_of(tmp_path / f"a.{ending}", header + content):
        if row.line > 1:
            covered += range(row.line, row.line + row.raw.count("\n") + 1)
    assert len(covered) == len(set(covered))
    assert all(not lines[number - 1].strip(b" \t\r") for number in set(range(1, len(lines) + 1)) - set(covered))


@pytest.mark.parametrize(
    ("name", "head", "rows"),
    [
        ("a.csv", b"id,body\n", [b'1,"two\nlines"', b"2,caf\xe9", b"\xc3\xa9,x", b'3,"open', b"4,"]),
        ("a.jsonl", b"", [b'{"id": "1"}', b"\xff", b'{"id": "\xc3\xa9"}', b"{", b'{"id": 2}']),
    ],
)
def test_every_row_knows_its_byte_and_keeps_its_bytes(tmp_path, name, head, rows):
    content = head + b"\n".join(rows) + b"\n"
    read_back = rows_of(tmp_path / name, content)
    assert [row.offset for row in read_back] == [
        len(head) + len(b"\n".join([*rows[:place], b""])) for place in range(len(rows))
    ]
    assert [row.raw_bytes or row.raw.encode() for row in read_back] == rows


def test_the_empty_cells_that_excel_leaves_behind_a_header_are_no_columns(tmp_path):
    assert read(rows_of(tmp_path / "a.csv", b"id,body,,\n1,x,,\n")) == [("1", "x")]
