"""JSON Lines and JSON: what an object's values become, and which objects are refused."""

import pytest

from tests.data.sources.reads import read, refused, rows_of


def test_json_values_keep_their_digits_and_their_types(tmp_path):
    rows = rows_of(tmp_path / "a.jsonl", b'{"id": 9007199254740993, "body": "x"}\n\n{"body": [1], "more": true}\n')
    assert read(rows) == [("9007199254740993", "x"), (None, "")]
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
