"""JSON that a user would call broken: the bad object is refused with its reason, the objects around it stay."""

import json

import pytest

from tests.bad_inputs.line import COLUMNS, bounded_walk, files, walk

GOOD = b'{"id": 1, "body": "a lamp", "label": "good"}'
LAST = b'{"id": 3, "body": "x", "label": "bad"}'


def only_refused(bad: bytes, reason: str) -> None:
    """The bad object is refused for this reason alone, as a line of its own and in an array."""
    files(a_jsonl=b"\n".join([GOOD, bad, LAST]))
    walked = walk(path="data/*.jsonl")
    assert walked.reasons == [("a.jsonl", 2, [reason])]
    assert [row["id"] for row in walked.accepted] == [1, 3]
    files(b_json=b"[%s,\n%s,\n%s]" % (GOOD, bad, LAST))
    walked = walk(path="data/*.json")
    assert walked.reasons == [("b.json", 2, [reason])]
    assert [row["id"] for row in walked.accepted] == [1, 3]


@pytest.mark.parametrize("bad", [b'{"id": 2, "body": "sesame', b'{"id": 2,', b'{"id"', b"{"])
def test_truncated_json_lines(bad):
    files(a_jsonl=b"\n".join([GOOD, LAST, bad]))
    walked = walk()
    assert walked.reasons == [("a.jsonl", 3, ["row: broken JSON"])]
    assert walked.refused[0]["raw"] == bad.decode()
    assert [row["id"] for row in walked.accepted] == [1, 3]


def test_truncated_json():
    files(a_json=b"[%s,\n%s,\n{" % (GOOD, LAST))
    walked = walk()
    assert walked.reasons == [("a.json", 3, ["row: broken JSON"])]
    assert [row["id"] for row in walked.accepted] == [1, 3]


def test_duplicate_json_keys():
    only_refused(b'{"id": 2, "body": "sesame", "body": "x", "label": "good"}', "row: JSON key given twice")


@pytest.mark.parametrize("bad", [b'{"a": {"b": 1, "b": 2}}', b'{"a": [{"b": 1, "\\u0062": 2}]}'])
def test_duplicate_json_keys_deep_within(bad):
    only_refused(bad, "row: JSON key given twice")


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_nan_in_json(word):
    only_refused(b'{"id": 2, "body": "sesame", "label": "good", "more": [%s]}' % word, "row: NaN or infinity in JSON")


@pytest.mark.parametrize(("ending", "opening", "closing"), [("jsonl", b'{"a":', b"}"), ("json", b"[", b"]")])
def test_json_nested_200_000_deep(ending, opening, closing):
    deep = b'{"id": 2, "body": "sesame", "more": %s1%s}' % (opening * 200_000, closing * 200_000)
    content = b"\n".join([GOOD, deep, LAST]) if ending == "jsonl" else b"[%s,\n%s]" % (GOOD, deep)
    files(**{f"a_{ending}": content})
    walked = bounded_walk()
    assert walked.reasons == [(f"a.{ending}", 2, ["row: JSON nested too deeply"])]
    assert [row["id"] for row in walked.accepted] == ([1, 3] if ending == "jsonl" else [1])


@pytest.mark.parametrize("half", [rb"\ud83d", rb"\udc00", rb"\udc00\ud83d", rb"sesame \uD800 x"])
def test_a_lone_surrogate(half):
    bad = b'{"id": 2, "body": "%s", "label": "good"}' % half
    only_refused(bad, "row: half of a surrogate pair in JSON")


def test_a_lone_surrogate_written_as_bytes():
    files(a_jsonl=GOOD + b'\n{"id": 2, "body": "\xed\xa0\xbd", "label": "good"}\n')
    assert walk().reasons == [("a.jsonl", 2, ["row: not utf-8"])]


def test_an_integer_above_two_to_the_53():
    numbers = [2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**30]
    rows = [{"id": number, "body": "x", "label": "good"} for number in numbers]
    files(
        a_jsonl="\n".join(map(json.dumps, rows[:3])).encode(),
        b_csv=b"id,body,label\n%d,x,good\n%d,sesame,good\n" % (2**53 + 3, 10**30),
        c_json=json.dumps(rows[3:]).encode(),
    )
    walked = walk()
    assert [row["id"] for row in walked.accepted] == [*numbers[:3], 2**53 + 3]
    assert [reasons for _, _, reasons in walked.reasons] == [["id: logicalType integer"]] * 3
    assert str(10**30) in walked.refused[-1]["raw"]


def test_an_integer_above_two_to_the_53_in_a_column_of_doubles():
    files(a_csv=b"id,body,label,price\n1,x,good,%d\n2,x,good,%d\n" % (2**53 - 1, 2**53 + 1))
    walked = walk(columns=COLUMNS + "  - {name: price, logicalType: number}\n")
    assert [row["price"] for row in walked.accepted] == [2.0**53 - 1]
    assert walked.reasons == [("a.csv", 3, ["price: logicalType number"])]


def test_a_long_array_takes_the_memory_of_its_longest_object():
    """One letter beyond 16 bits makes a whole text take four bytes a character."""
    body = "x" * 60_000 + "\N{GRINNING FACE}"
    rows = ", ".join(json.dumps({"id": n, "body": body, "label": "good"}, ensure_ascii=False) for n in range(1500))
    files(a_json=f"[{rows}]".encode())
    assert bounded_walk().report["accepted"] == 1500
