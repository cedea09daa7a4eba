"""Reading a CSV's bytes a block at a time gives what reading it record by record gives."""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.data.sources import csv_records, csv_rows
from pipelines.data.sources.files import PlainFile
from pipelines.data.sources.rows import Row
from pipelines.data.sources.text_lines import codec_of, read_lines
from tests.data.sources.reads import CONTRACT, rows_of

HEADER = "id,more,body\n"
FIELDS = st.sampled_from(
    ["", "1", "a b", " ", '""', '"x"', '"a, ""b"""', '"two\nlines"', '"\r"', "é👍", "\ufeff", "NaN"]
)
LINES = st.lists(FIELDS, min_size=3, max_size=3).map(",".join)
BROKEN = st.sampled_from(
    ["1", "1,2", "1,2,3,4", "", '"open', 'a"b,c,d', '"a"b,c,d', "a\rb,c,d", "\0,b,c", '"",,"', "é,"]
)
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r\r\n"])
MIXED = st.one_of(LINES, LINES, LINES, BROKEN)
TEXTS = st.lists(st.tuples(MIXED, ENDS).map("".join), max_size=12).map("".join)
WILD = st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\0"]), max_size=9)


def one_by_one(path, encoding: str) -> list[Row]:
    """The rows of a file by csv's own parser, a record at a time."""
    header, *records = csv_records.read_records(read_lines(path, encoding), ",")
    file = PlainFile(path, path.name, path.name, path.name)
    layout = csv_rows._layout(header, file, ",", encoding, CONTRACT)
    return [csv_rows._row(record, layout, codec_of(path, encoding)) for record in records]


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=TEXTS,
    wild=WILD.map(b"".join),
    last=st.sampled_from(["", "1,2,3", "1,2,3\r", '1,2,"', '1,2,"x"']),
    encoding=st.sampled_from(["utf-8", "utf-8", "latin-1", "cp1252", "utf-16"]),
    sizes=st.tuples(st.integers(1, 120), st.integers(0, 20)),
)
@example(text="1,2,3\n" * 8, wild=b"", last="", encoding="utf-8", sizes=(12, 0))
@example(text="1\n,,\n,,\n,,\n1\n\ufeff,,\n", wild=b"", last="", encoding="utf-8", sizes=(11, 0))
def test_rows_do_not_depend_on_how_much_is_read_at_once(tmp_path, monkeypatch, text, wild, last, encoding, sizes):
    monkeypatch.setattr(csv_rows, "_BLOCK", sizes[0])
    monkeypatch.setattr(csv_records, "_WINDOW", sizes[1])
    content = (HEADER + text).encode(encoding, "replace") + wild + last.encode(encoding)[2 * (encoding == "utf-16") :]
    rows = rows_of(tmp_path / "a.csv", content, encoding=encoding)
    expected = one_by_one(tmp_path / "a.csv", encoding)
    assert [row._replace(texts=tuple(row.texts)) for row in rows] == [
        row._replace(texts=tuple(row.texts)) for row in expected
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_long_file_is_read_the_same_with_bad_rows_between_good_ones(tmp_path, encoding):
    chance = random.Random(3)
    good = ["1,2,plain", 'é,"a, ""b""",c', '3,4,"two\nlines"', ",,"]
    bad = ["5,6", "7,8,9,10", "\0,b,c"]
    lines = [chance.choice(bad if chance.random() < 0.01 else good) for _ in range(200_000)]
    content = (HEADER + "\n".join(lines)).encode(encoding).replace(b",8,", b",\xff8,")
    rows = rows_of(tmp_path / "a.csv", content, encoding=encoding)
    assert len(rows) == len(lines)
    assert sum(bool(row.faults) for row in rows) == sum(line in bad for line in lines)
    assert [tuple(row) for row in rows] == [tuple(row) for row in one_by_one(tmp_path / "a.csv", encoding)]
