"""Parquet: cells become the text that a contract reads, and damage or drift between shards is told."""

import datetime
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.data.sources.rows import batches_of
from pipelines.data.sources.tables import _rows, _texts, table_batches
from pipelines.errors import TinsmithError
from tests.data.sources.reads import CONTRACT, collected, contract_of, read, refused

DAY = datetime.date(2026, 1, 31)
MOMENT = datetime.datetime(2026, 1, 31, 10, 5, 0, 250_000)
CELLS = [
    (pa.int64(), 2**53 + 1, "9007199254740993", "n"),
    (pa.uint8(), 7, "7", "n"),
    (pa.float64(), 0.1, "0.1", "n"),
    (pa.decimal128(12, 2), decimal.Decimal("1234567.80"), "1234567.80", "n"),
    (pa.bool_(), True, "true", "b"),
    (pa.date32(), DAY, "2026-01-31", "s"),
    (pa.timestamp("us"), MOMENT, "2026-01-31 10:05:00.250000", "s"),
    (pa.timestamp("ns", "UTC"), MOMENT, "2026-01-31 10:05:00.250000Z", "s"),
    (pa.timestamp("ms", "Europe/Berlin"), MOMENT, "2026-01-31 11:05:00.250+0100", "s"),
    (pa.large_string(), "é\n", "é\n", "s"),
    (pa.string_view(), "longer than twelve bytes", "longer than twelve bytes", "s"),
    (pa.dictionary(pa.int8(), pa.string()), "app", "app", "s"),
    (pa.list_(pa.int8()), [1, 2], "[1, 2]", "o"),
    (pa.binary(), b"x", "\"b'x'\"", "o"),
    (pa.binary_view(), b"x", "\"b'x'\"", "o"),
    (pa.string(), None, None, "-"),
    (pa.null(), None, None, "-"),
]


def write(path, **columns) -> str:
    pq.write_table(pa.table(columns), path)
    return str(path)


@pytest.mark.parametrize(("kind", "value", "text", "letter"), CELLS, ids=lambda cell: str(cell))
def test_a_cell_becomes_the_text_that_a_contract_reads(tmp_path, kind, value, text, letter):
    path = write(tmp_path / "a.parquet", more=[0], body=pa.array([value], kind), id=["1"])
    (row,) = collected(path=path)
    assert (row.texts, row.kinds, row.line) == (["1", text], f"s{letter}", 1)
    assert json.loads(row.raw) == {"more": "0", "body": text, "id": "1"}


def test_rows_are_numbered_through_all_batches(tmp_path):
    path = write(tmp_path / "a.parquet", id=[str(number) for number in range(25_000)], body=["x"] * 25_000)
    assert [row.line for row in collected(path=path)] == list(range(1, 25_001))


def test_a_row_with_a_nul_character_is_refused_alone(tmp_path):
    rows = collected(path=write(tmp_path / "a.parquet", id=["1", "2", "3"], body=["a", "b\0", "c"]))
    assert read(rows) == [("1", "a"), ("3", "c")]
    assert refused(rows) == [(2, ("row: NUL character",))]


def test_a_column_that_is_not_there_is_told(tmp_path):
    path = write(tmp_path / "a.parquet", id=["1"], bdy=["a"])
    with pytest.raises(TinsmithError, match=r"lacks the column body of c\.odcs\.yaml:10 \(did you mean bdy\?\)"):
        collected(path=path)


def test_shards_whose_types_differ_are_told_with_both_names(tmp_path):
    write(tmp_path / "a.parquet", id=["1"], body=["a"], more=[1])
    write(tmp_path / "b.parquet", id=[2], body=["a"], more=["1"])
    with pytest.raises(TinsmithError) as caught:
        collected(path=str(tmp_path / "*.parquet"))
    assert str(caught.value) == (
        f"{tmp_path}/b.parquet: the column id is int64, and string in {tmp_path}/a.parquet; write both alike"
    )


@pytest.mark.parametrize("content", [b"", b"PAR1", b"id,body\n1,a\n", b"\x80\x04K\x01."])
def test_what_only_poses_as_parquet_is_told(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(TinsmithError, match=r"a\.parquet: no readable Parquet"):
        collected(path=str(tmp_path / "a.parquet"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cut_or_flipped_parquet_gives_all_rows_or_one_line(tmp_path, data):
    pq.write_table(
        pa.table({"id": [str(number) for number in range(50)], "body": ["text"] * 50}),
        tmp_path / "a.parquet",
        write_page_checksum=True,
    )
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "b.parquet").write_bytes(content)
    told, rows = "", []
    try:
        rows = collected(path=str(tmp_path / "b.parquet"))
    except TinsmithError as error:
        told = str(error)
    assert "b.parquet" in told or len(rows) == 50


def test_conversations_in_parquet(tmp_path):
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    path = write(tmp_path / "a.parquet", id=[1, 2], messages=[turns, turns[:1]])
    rows = collected(contract_of(id="integer", user="string", assistant="string"), path=path, shape="messages")
    assert read(rows) == [("1", "Hi", "Hello")]
    assert rows[0].kinds == "nss"
    assert refused(rows) == [(2, ("row: not of the shape messages: the last turn is not the assistant's",))]


def test_an_object_that_a_parquet_holds_twice_is_told_in_a_line(tmp_path):
    label = pa.array([{"total": "1"}])
    pq.write_table(pa.Table.from_arrays([label, label], names=["label", "label"]), tmp_path / "a.parquet")
    with pytest.raises(TinsmithError, match=r"lacks the column label\.total"):
        collected(contract_of(**{"label.total": "string"}), path=str(tmp_path / "a.parquet"))


def test_fields_of_objects_in_parquet(tmp_path):
    labels = [{"total": 5, "shop": {"name": "M"}}, {"total": None, "shop": None}, None]
    path = write(tmp_path / "a.parquet", id=[1, 2, 3], label=labels, tags=[["a"], [], None])
    contract = contract_of(**{"id": "integer", "label.total": "integer", "label.shop.name": "string", "tags": "array"})
    rows = collected(contract, path=path)
    assert read(rows) == [("1", "5", "M", '["a"]'), ("2", None, None, "[]"), ("3", None, None, None)]
    assert [row.kinds for row in rows] == ["nnso", "n--o", "n---"]
    # A person who looks at a refused row sees the row, not the columns that were made of it.
    assert (
        rows[0].raw
        == '{"id": "1", "label": "{\\"total\\": 5, \\"shop\\": {\\"name\\": \\"M\\"}}", "tags": "[\\"a\\"]"}'
    )
    with pytest.raises(TinsmithError, match=r"lacks the column label\.more"):
        collected(contract_of(**{"id": "integer", "label.more": "string"}), path=path)


TEXTS = st.none() | st.text(st.sampled_from('ab"\\\n\r\t\x01\x1f\x7f/é👍{'), max_size=6) | st.sampled_from(["", "a\0"])


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS, st.none() | st.integers(-9, 9)), min_size=1, max_size=5))
def test_a_batch_at_once_is_what_its_rows_are_one_by_one(rows):
    body, more, id_, number = zip(*rows, strict=True)
    given_types = {"body": pa.string(), 'a"b': pa.string(), "id": pa.string(), "n": pa.int64()}
    columns = [pa.array(one, kind) for one, kind in zip((body, more, id_, number), given_types.values(), strict=True)]
    batch = pa.record_batch(columns, names=list(given_types))
    (together,) = table_batches(batch, "a", 1, CONTRACT, "a")
    (one_by_one,) = batches_of(
        _rows(batch.schema.names, [_texts(column) for column in columns], [2, 0], "a", 1, CONTRACT), CONTRACT
    )
    assert together.to_pylist() == one_by_one.to_pylist()
