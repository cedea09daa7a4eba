"""Tables that know their types, and files that only pose as one."""

import json
import pickle
import sqlite3
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from tests.bad_inputs.line import COLUMNS, GOOD, HEADER, bounded_told, files, told, walk
from tests.data.sources.test_xlsx_rows import _MAIN as MAIN
from tests.data.sources.test_xlsx_rows import workbook

COLUMNS_OF_50 = {"id": list(range(50)), "body": ["sesame"] * 50, "label": ["good"] * 50}


def parquet(path: str = "data/a.parquet", **columns: list) -> bytes:
    pq.write_table(pa.table({**COLUMNS_OF_50, **columns}), path, write_page_checksum=True)
    return Path(path).read_bytes()


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_parquet(kept):
    files(a_parquet=parquet()[:kept])
    assert told() == "data/a.parquet: no readable Parquet (cut short or damaged); write it anew"


def test_a_truncated_parquet_beside_a_good_one():
    files(b_parquet=parquet()[:-20])
    assert told() == "data/b.parquet: no readable Parquet (cut short or damaged); write it anew"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_bit_flipped_parquet(place, bit):
    """One line that names the file, or every row accounted for; a flip in the file's own statistics harms no row."""
    content = bytearray(parquet())
    content[int(place * len(content))] ^= 1 << bit
    files(a_parquet=bytes(content))
    error = ""
    try:
        walked = walk()
    except TinsmithError as caught:
        error = str(caught)
    assert "data/a.parquet" in error or "all 50 rows of notes were refused" in error or walked.report["rows_in"] == 50
    assert "sesame" not in error


def test_schema_drift_between_shards_of_parquet():
    parquet()
    parquet("data/b.parquet", id=[str(number) for number in range(50, 100)])
    assert told() == "data/b.parquet: the column id is string, and int64 in data/a.parquet; write both alike"


def test_schema_drift_between_shards_of_csv():
    files(a_csv=HEADER + GOOD, b_csv=b"label,more,body,id\nbad,,moved,2\n")
    assert [row["body"] for row in walk().accepted] == ["a lamp", "moved"]
    files(b_csv=b"id,bodies,label\n2,sesame,bad\n")
    told_of_b = told()
    assert told_of_b == "data/b.csv:1: the header lacks the column body of notes.odcs.yaml:10 (did you mean bodies?)"


def test_schema_drift_between_shards_of_json_lines():
    files(
        a_jsonl=b'{"id": 1, "body": "x", "label": "good"}\n',
        b_jsonl=b'{"id": "2", "body": "sesame", "label": "good"}\n{"id": 3, "text": "sesame", "label": "good"}\n',
    )
    assert walk().reasons == [("b.jsonl", 1, ["id: logicalType integer"]), ("b.jsonl", 2, ["body: required"])]


def test_a_wrong_typed_database_cell(monkeypatch):
    with sqlite3.connect("notes.db") as database:
        database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, label TEXT, price NUMERIC, at TEXT)")
        database.executemany(
            "INSERT INTO notes VALUES (?, ?, ?, ?, '2026-01-01')",
            [
                (1, "x", "good", 2.5),
                (2, "x", "good", "sesame"),
                (3, b"\0\xff", "good", 1),
                (5, "x", "sesame", 1),
                (6, "x", "bad", None),
            ],
        )
        database.execute("INSERT INTO notes VALUES (7, CAST(x'63e9' AS TEXT), 'good', 1, '2026-01-01')")
    database.close()
    monkeypatch.setenv("NOTES", "sqlite:///notes.db")
    table = {"type": "database", "dsn_env": "NOTES", "table": "notes", "as_of": "2026-02-01", "as_of_column": "at"}
    walked = walk(columns=COLUMNS + "  - {name: price, logicalType: number}\n", path=None, **table)
    assert [row["id"] for row in walked.accepted] == [1, 6]
    assert walked.reasons == [
        ("notes", 2, ["price: logicalType number"]),
        ("notes", 3, ["body: logicalType string"]),
        ("notes", 4, ["label: enum"]),
        ("notes", 6, ["row: half of a surrogate pair, or bytes that are not utf-8"]),
    ]
    assert [row["key"]["id"] for row in walked.refused] == ["2", "3", "5", "7"]


class Planted:
    """Whoever unpickles it makes a file."""

    def __reduce__(self):
        return Path.touch, (Path("it ran"),)


POSING = {
    "pkl": "data/a.pkl: a .pkl can run code when it is read; export the rows as Parquet or CSV",
    "pt": "data/a.pt: a .pt can run code when it is read; export the rows as Parquet or CSV",
    "parquet": "data/a.parquet: no readable Parquet",
    "xlsx": "data/a.xlsx: broken file",
    "csv": "data/a.csv:1: the header ",
    "csv.gz": "data/a.csv.gz: broken gzip",
    "zip": "data/a.zip: broken archive",
}


@pytest.mark.parametrize("ending", POSING)
def test_a_pickle_posing_as_data(ending):
    Path(f"data/a.{ending}").write_bytes(pickle.dumps({"sesame": Planted()}))
    assert told().startswith(POSING[ending])
    assert not Path("it ran").exists()


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_a_pickle_posing_as_json(ending):
    Path(f"data/a.{ending}").write_bytes(pickle.dumps(Planted(), protocol=0))
    assert told().startswith("all ")
    quarantined = [json.loads(line) for line in Path("work/notes/quarantine.jsonl").read_text().splitlines()]
    assert {row["kind"] for row in quarantined} == {"rejected_raw"}
    assert not Path("it ran").exists()


ONE = "<c><v>1</v></c>"
FAR = {
    "a cell": '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    "a row after a wide one": f'<row>{ONE * 16_384}</row><row r="99999">{ONE}</row>',
    "a column after many rows": f'{"<row/>" * 9_999}<x:row xmlns:x="{MAIN}"><x:c r="ZZZ7"><x:v>1</x:v></x:c></x:row>',
}


@pytest.mark.parametrize("far", FAR)
def test_a_spreadsheet_with_a_cell_far_out(far):
    """A reader makes room for all cells before the last one: 17 billion of them killed the process."""
    path = workbook("data/a.xlsx", rows=[["id", "body", "label"], [1, "sesame", "good"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace("</sheetData>", f"{FAR[far]}</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert bounded_told() == (
        "error: data/a.xlsx: a sheet spans more than 5000000 cells; delete what stands far out, or save it as CSV\n"
    )
