"""JSON Lines and JSON: what an object's values become, and which objects are refused."""

import codecs

import pytest

from tests.data.sources.reads import contract_of, read, refused, rows_of


def test_json_values_keep_their_digits_and_their_types(tmp_path):
    rows = rows_of(tmp_path / "a.jsonl", b'{"id": 9007199254740993, "body": "x"}\n\n{"body": [1], "more": true}\n')
    assert read(rows) == [("9007199254740993", "x"), (None, "[1]")]
    assert [(row.line, row.kinds) for row in rows] == [(1, "ns"), (3, "-o")]


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (b'{"id": "1', "row: broken JSON"),
        (b'{"id": 1} {"id": 2}', "row: broken JSON"),
        (b'{"id": 1, "id": 2}', "row: JSON key given twice"),
        (b'{"id": NaN}', "row: NaN or infinity in JSON"),
        (b'{"id": -Infinity}', "row: NaN or infinity in JSON"),
        (b"[1, 2]", "row: not a JSON object"),
        (b'{"id": %s}' % (b"[" * 200_000), "row: JSON nested too deeply"),
        (b'{"id": "\\ud83d"}', "row: half of a surrogate pair in JSON"),
        (b'{"id": "\\u0000"}', "row: NUL character"),
        (b'{"id": "caf\xe9"}', "row: not utf-8"),
    ],
)
def test_a_broken_json_line_is_refused_alone(tmp_path, bad, fault):
    rows = rows_of(tmp_path / "a.jsonl", b'{"id": "1"}\n%s\n{"id": "3"}' % bad)
    assert read(rows) == [("1", None), ("3", None)]
    assert refused(rows) == [(2, (fault,))]


EVERY_FAULT = [
    (b'{"id": NaN, "id": 2}', ("row: NaN or infinity in JSON", "row: JSON key given twice")),
    (b'{"id": NaN, "body": "caf\xe9"}', ("row: not utf-8", "row: NaN or infinity in JSON")),
    (
        b'[NaN, {"a": 1, "a": 2}]',
        ("row: NaN or infinity in JSON", "row: JSON key given twice", "row: not a JSON object"),
    ),
    (b'{"id": "\\ud83d", "body": "\\u0000"}', ("row: half of a surrogate pair in JSON", "row: NUL character")),
    (b'{"id": "caf\xe9", "body": "\\u0000"}', ("row: not utf-8", "row: NUL character")),
]


@pytest.mark.parametrize(("bad", "faults"), EVERY_FAULT)
@pytest.mark.parametrize(("ending", "around"), [("jsonl", b"%s"), ("json", b"[%s]")])
def test_a_refused_object_has_every_fault(tmp_path, bad, faults, ending, around):
    assert refused(rows_of(tmp_path / f"a.{ending}", around % bad)) == [(1, faults)]


def test_a_number_too_long_to_be_one_is_no_fault_of_its_own(tmp_path):
    rows = rows_of(tmp_path / "a.jsonl", b'{"id": NaN, "body": %s}' % (b"9" * 5000))
    assert refused(rows) == [(1, ("row: NaN or infinity in JSON",))]


ARRAY = b'[\n {"id": "1", "body": "a"},\n\n {"id": "2", "body": {"x": [1]}, "more": 1},  {"id": 3}\n]\n'


def test_an_array_of_objects_is_read_object_by_object(tmp_path):
    rows = rows_of(tmp_path / "a.json", ARRAY)
    assert read(rows) == [("1", "a"), ("2", '{"x": [1]}'), ("3", None)]
    assert [(row.line, row.kinds) for row in rows] == [(2, "ss"), (4, "so"), (4, "n-")]
    assert [ARRAY[row.offset :].startswith(row.raw.encode()) for row in rows] == [True] * 3


def test_one_object_is_one_row_and_nothing_is_none(tmp_path):
    assert read(rows_of(tmp_path / "a.json", b'\n{"id": "1",\n"body": "a"}\n')) == [("1", "a")]
    assert rows_of(tmp_path / "b.json", b" [ ]\n") == rows_of(tmp_path / "c.json", b"\n") == []


@pytest.mark.parametrize(
    ("content", "line", "fault"),
    [
        (b'[{"id": "1"},\n{"id": "2', 2, "row: broken JSON"),
        (b'[{"id": "1"}', 1, "row: broken JSON"),
        (b'[{"id": "1"},\n', 2, "row: broken JSON"),
        (b'[{"id": "1"}\n{"id": "2"}]', 2, "row: broken JSON"),
        (b'{"id": "1"}\n{"id": "2"}', 2, "row: broken JSON"),
        (b'[{"id": "1"}]\nmore', 1, "row: broken JSON"),
        (b'[{"id": "1"},\n{"id": %s}]' % (b"[" * 200_000), 2, "row: JSON nested too deeply"),
    ],
)
def test_what_stands_behind_broken_json_is_kept_as_one_row(tmp_path, content, line, fault):
    rows = rows_of(tmp_path / "a.json", content)
    assert read(rows) == [("1", None)]
    assert refused(rows) == [(line, (fault,))]


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (b'{"id": 1, "id": 2}', "row: JSON key given twice"),
        (b'{"id": NaN}', "row: NaN or infinity in JSON"),
        (b"17", "row: not a JSON object"),
        (b'{"id": "caf\xe9"}', "row: not utf-8"),
        (b'{"id": "\\ud83d"}', "row: half of a surrogate pair in JSON"),
    ],
)
def test_a_bad_object_in_an_array_is_refused_alone(tmp_path, bad, fault):
    rows = rows_of(tmp_path / "a.json", b'[{"id": "1"}, %s, {"id": "3"}]' % bad)
    assert read(rows) == [("1", None), ("3", None)]
    assert [row.faults for row in rows if row.faults] == [(fault,)]


def test_digits_beyond_a_double_are_kept(tmp_path):
    assert read(rows_of(tmp_path / "a.json", b'[{"id": 9007199254740993}]')) == [("9007199254740993", None)]
    assert read(rows_of(tmp_path / "b.json", b'[{"id": %s}]' % (b"9" * 5000))) == [("9" * 5000, None)]


def test_fields_of_objects_and_whole_lists_are_read(tmp_path):
    contract = contract_of(**{"label.total": "number", "label.shop.name": "string", "tags": "array"})
    lines = b"""\
{"label": {"total": 15.40, "shop": {"name": "M"}}, "tags": ["a", {"n": 9007199254740993}]}
{"label": null, "tags": []}
{"label": {"total": "5"}, "tags": [1e999]}
"""
    rows = rows_of(tmp_path / "a.jsonl", lines, contract)
    assert read(rows) == [("15.40", "M", '["a", {"n": 9007199254740993}]'), (None, None, "[]")]
    assert [row.kinds for row in rows] == ["nso", "--o", None]
    assert refused(rows) == [(3, ("row: a number or a nesting is beyond all measure",))]


def test_an_array_on_one_long_line_is_read_to_its_end(tmp_path):
    objects = b",".join(b'{"id": "%d", "body": "%s"}' % (number, b"x" * 6_000_000) for number in range(4))
    found = read(rows_of(tmp_path / "a.json", b"[%s]" % objects))
    assert [(name, len(body)) for name, body in found] == [(str(number), 6_000_000) for number in range(4)]


@pytest.mark.parametrize(("encoding", "mark"), [("cp1252", b""), ("utf-8", b""), ("utf-8", codecs.BOM_UTF8)])
def test_neither_a_mark_nor_a_byte_that_is_no_text_moves_a_place(tmp_path, encoding, mark):
    content = mark + b'[{"id": "x\x81"},{"id": "y"}]'
    rows = rows_of(tmp_path / "a.json", content, encoding=encoding)
    assert refused(rows) == [(1, (f"row: not {encoding}",))]
    assert [content[row.offset :][:6] for row in rows] == [b'{"id":'] * 2
