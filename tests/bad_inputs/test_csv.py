"""CSV that a user would call broken: the bad row is refused with its reason, the rows around it stay."""

import base64

import pytest

from pipelines.data.sources.text_lines import LONGEST_ROW
from tests.bad_inputs.line import COLUMNS, GOOD, HEADER, bounded_walk, files, told, walk


def ids(walked) -> list[int]:
    return [row["id"] for row in walked.accepted]


@pytest.mark.parametrize("bad", [b'2,"sesame,good', b'2,"sesame" more,good', b'2,5" sesame,good'])
def test_an_unterminated_quote(bad):
    files(a_csv=HEADER + GOOD + bad + b'\n3,"two\nlines",good\n4,x,bad\n')
    walked = walk()
    assert walked.reasons == [("a.csv", 3, ["row: broken quote"])]
    assert walked.refused[0]["raw"] == bad.decode()
    assert ids(walked) == [1, 3, 4]


def test_an_unterminated_quote_in_the_last_row():
    files(a_csv=HEADER + GOOD + b'2,"sesame')
    assert walk().reasons == [("a.csv", 3, ["row: broken quote"])]


def test_too_few_or_too_many_columns():
    files(a_csv=HEADER + GOOD + b"2,sesame\n3,sesame,good,more\n4,x,bad\n")
    walked = walk()
    assert walked.reasons == [("a.csv", 3, ["row: too few columns"]), ("a.csv", 4, ["row: too many columns"])]
    assert ids(walked) == [1, 4]


@pytest.mark.parametrize("name", [b"body", b"more"])
def test_a_duplicate_header(name):
    files(a_csv=b"id,body,label,more,%s\n1,x,good,,sesame\n" % name)
    assert told() == f"data/a.csv:1: the header holds the column '{name.decode()}' twice; keep one"


def test_a_nul_byte():
    files(
        a_csv=HEADER + GOOD + b"2,ses\0ame,good\n4,x,bad\n",
        b_jsonl=b'{"id": 5, "body": "ses\0ame", "label": "good"}\n{"id": 6, "body": "\\u0000", "label": "good"}\n',
    )
    walked = walk()
    nul = ["row: NUL character"]
    assert walked.reasons == [("a.csv", 3, nul), ("b.jsonl", 1, [*nul, "row: broken JSON"]), ("b.jsonl", 2, nul)]
    assert ids(walked) == [1, 4]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_line_of_three_megabytes(ending):
    long, longer = b"x" * 3_000_000, b"y" * (LONGEST_ROW + 1)
    row = b"%d,%s,good\n" if ending == "csv" else b'{"id": %d, "body": "%s", "label": "good"}\n'
    head = HEADER if ending == "csv" else b""
    files(**{f"a_{ending}": head + row % (1, long) + row % (2, longer) + row % (3, b"z")})
    walked = bounded_walk()
    assert [(row["id"], len(row["body"])) for row in walked.accepted] == [(1, 3_000_000), (3, 1)]
    assert [reasons[0] for _, _, reasons in walked.reasons] == [f"row: longer than {LONGEST_ROW} characters"]


def test_latin_1_declared_utf_8():
    files(a_csv=HEADER + GOOD + b"2,sesam\xe9 caf\xe9,good\n4,caf\xc3\xa9,bad\n")
    walked = walk()
    assert walked.reasons == [("a.csv", 3, ["row: not utf-8"])]
    assert walked.refused[0]["raw"] == r"2,sesam\xe9 caf\xe9,good"
    assert base64.b64decode(walked.refused[0]["raw_base64"]) == b"2,sesam\xe9 caf\xe9,good"
    assert [row["body"] for row in walked.accepted] == ["a lamp", "café"]


def test_latin_1_declared_latin_1_is_read():
    files(a_csv=HEADER + b"2,caf\xe9,good\n")
    assert walk(encoding="latin-1").accepted[0]["body"] == "café"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_a_byte_order_mark(codec):
    text = "\ufeffid,body,label\n1,\u0a0a\u010a,good\n2,sesame\n"
    files(a_csv=text.encode(codec))
    assert "data/a.csv:1: the header cannot be read (row: not utf-8" in told()
    walked = walk(encoding="utf-16")
    assert [row["body"] for row in walked.accepted] == ["\u0a0a\u010a"]
    assert walked.reasons == [("a.csv", 3, ["row: too few columns"])]


def test_utf_16_without_a_byte_order_mark():
    files(a_csv=(HEADER + GOOD).decode().encode("utf-16-le"))
    assert told(encoding="utf-16").startswith("data/a.csv: not UTF-16, since it has no byte order mark")


def test_an_empty_file():
    files(a_csv=b"")
    assert told().startswith("data/a.csv: the file is empty; it needs a header")
    files(a_csv=HEADER + GOOD, b_csv=b"")
    assert told().startswith("data/b.csv: the file is empty; it needs a header")


def test_a_file_of_a_header_alone():
    files(a_csv=HEADER)
    assert told() == "data.sources.notes: data/* holds no rows; nothing can be learned from it"
    files(b_csv=HEADER + GOOD)
    assert ids(walk()) == [1]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"[]"])
def test_an_empty_json_file(content):
    files(**{"a_json" if content == b"[]" else "a_jsonl": content})
    assert told() == "data.sources.notes: data/* holds no rows; nothing can be learned from it"


def test_impossible_dates():
    days = ["2026-02-30", "2025-02-29", "2026-13-01", "0000-01-01", "31.01.2026", "2026-01-31T25:00:00", "sesame"]
    rows = "".join(f"{number},x,good,{day}\n" for number, day in enumerate(["2024-02-29", *days], 1))
    files(a_csv=b"id,body,label,day\n" + rows.encode())
    walked = walk(columns=COLUMNS + "  - {name: day, logicalType: date}\n")
    assert ids(walked) == [1]
    assert [reasons for _, _, reasons in walked.reasons] == [["day: logicalType date"]] * len(days)


def test_impossible_times():
    times = ["2026-02-30 10:00", "2026-01-31 24:00", "2026-01-31 10:60", "2026-01-31T10:00:00+25:00", "1706695200"]
    rows = "".join(f"{number},x,good,{time}\n" for number, time in enumerate(["2026-01-31 10:00", *times], 1))
    files(a_csv=b"id,body,label,at\n" + rows.encode())
    walked = walk(columns=COLUMNS + "  - {name: at, logicalType: timestamp}\n")
    assert ids(walked) == [1]
    assert [reasons for _, _, reasons in walked.reasons] == [["at: logicalType timestamp"]] * len(times)
