"""The ingest stage on small folders: what is written, what adds up, and what stops it."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest

CONTRACT = """\
version: 1.0.0
apiVersion: v3.2.0
kind: DataContract
id: tickets
status: active
schema:
- name: tickets
  properties:
  - {name: ticket_id, logicalType: integer, primaryKey: true}
  - {name: created_at, logicalType: timestamp}
  - {name: body, logicalType: string, required: true}
  - {name: product, logicalType: string, enum: [{value: app}, {value: router}]}
"""
RECIPE = """\
name: triage
purpose: p
owner: o
data:
  sources:
    tickets: {contract: tickets.odcs.yaml, type: files, path: "data/*"}
  example: {user: "{body}", assistant: "{product}"}
model: {base: "embedded:x"}
register: {model: triage}
"""
HEADER = b"ticket_id,created_at,body,product\n"
PATHS = Paths("triage")
ACCEPTED, QUARANTINE = Path("work/triage/accepted.parquet"), Path("work/triage/quarantine.jsonl")
REPORT = Path("reports/triage/ingest.json")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("recipes").mkdir()
    Path("data").mkdir()
    PATHS.recipe.write_text(RECIPE)
    Path("tickets.odcs.yaml").write_text(CONTRACT)


def run_ingest(**files: bytes) -> dict:
    for path in Path("data").iterdir():
        path.unlink()
    for name, content in files.items():
        Path("data", name.replace("_", ".")).write_bytes(content)
    walk()
    return json.loads(REPORT.read_text())


def walk() -> None:
    recipe = read_recipe(PATHS.recipe)
    collect(recipe, PATHS)
    ingest(recipe, PATHS)


def quarantine() -> list[dict]:
    return [json.loads(line) for line in QUARANTINE.read_text().splitlines()]


def test_rows_of_several_files_are_sorted_into_accepted_and_refused():
    report = run_ingest(
        a_csv=HEADER
        + b'1,2026-01-31 10:00,"two\nlines",app\n2,2026-02-30 10:00,x,fridge\n1,,again,app\n3,,caf\xe9,app\n',
        b_jsonl=b'{"ticket_id": 4, "body": "x", "product": null}\n{"ticket_id": 5}\n{"ticket_id":\n',
    )
    accepted = pq.read_table(ACCEPTED)
    assert [str(kind) for kind in accepted.schema.types] == ["int64", "timestamp[us, tz=UTC]", *["string"] * 3]
    assert accepted.column("_record").to_pylist() == ["tickets/a.csv:2", "tickets/b.jsonl:1"]
    assert accepted.column("body").to_pylist() == ["two\nlines", "x"]
    assert [(row["source"], row["line"], row["kind"], row["reasons"]) for row in quarantine()] == [
        ("tickets/a.csv", 4, "quarantined", ["created_at: logicalType timestamp", "product: enum"]),
        ("tickets/a.csv", 5, "quarantined", ["ticket_id: primaryKey"]),
        ("tickets/a.csv", 6, "rejected_raw", ["row: not utf-8"]),
        ("tickets/b.jsonl", 2, "quarantined", ["body: required"]),
        ("tickets/b.jsonl", 3, "rejected_raw", ["row: broken JSON"]),
    ]
    assert quarantine()[2]["raw"] == r"3,,caf\xe9,app"
    assert [report[key] for key in ("rows_in", "accepted", "quarantined", "rejected_raw")] == [7, 2, 3, 2]
    files = report["sources"]["tickets"]["files"]
    assert [(file["file"], file["rows"]) for file in files] == [("a.csv", 4), ("b.jsonl", 3)]
    assert report["reasons"]["product: enum"] == 1
    assert report["sources"]["tickets"]["contract"]["id"] == "tickets"


def test_the_report_says_of_which_kind_and_state_each_source_is(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("TICKETS", f"sqlite:///{tmp_path}/sesame.db")
    dataset = f"org/tickets@{'0123456789' * 4}"
    folder = tmp_path / "cache/datasets--org--tickets/snapshots" / ("0123456789" * 4)
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(HEADER + b"1,,hub,app\n")
    with closing(sqlite3.connect("sesame.db")) as database, database:
        database.execute("CREATE TABLE sold (ticket_id INTEGER, created_at TEXT, body TEXT, product TEXT)")
        database.execute("INSERT INTO sold VALUES (2, '2026-01-31 10:00', 'table', 'app')")
    table = "table: sold, as_of: 2026-02-01, as_of_column: created_at"
    sources = f"""
    hub: {{contract: tickets.odcs.yaml, type: hub, dataset: {dataset}, path: "*.csv"}}
    crm: {{contract: tickets.odcs.yaml, type: database, dsn_env: TICKETS, {table}}}"""
    PATHS.recipe.write_text(RECIPE.replace("  sources:", f"  sources:{sources}"))
    report = run_ingest(a_csv=HEADER + b"3,,file,app\n")
    told = {
        name: {key: source[key] for key in ("type", "dataset", "as_of") if key in source}
        for name, source in report["sources"].items()
    }
    assert told == {
        "hub": {"type": "hub", "dataset": dataset},
        "crm": {"type": "database", "as_of": "2026-02-01"},
        "tickets": {"type": "files"},
    }
    assert "sesame" not in REPORT.read_text()


KINDS = {
    "good": (None, "%d,2026-01-31 10:00,fine,app"),
    "good in quotes": (None, '%d,2026-01-31 10:00,"a ""b""\n, c",router'),
    "bad date": ("quarantined", "%d,2026-01-32 10:00,x,app"),
    "missing body": ("quarantined", "%d,,,app"),
    "unknown product": ("quarantined", "%d,,x,fridge"),
    "short": ("rejected_raw", "%d,,x"),
    "long": ("rejected_raw", "%d,,x,app,y"),
    "open quote": ("rejected_raw", '%d,,"x,app'),
    "stray quote": ("rejected_raw", '%d,,x "y",app'),
    "not text": ("rejected_raw", "%d,,\udce9,app"),
    "nul": ("rejected_raw", "%d,,\0,app"),
}


@settings(max_examples=20, deadline=None)
@given(kinds=st.lists(st.sampled_from(sorted(KINDS)), max_size=30))
def test_the_balance_is_exact_and_each_refused_row_is_kept_once(kinds):
    text, refused, line = "0,,anchor,app\n", [], 3
    for number, kind in enumerate(kinds, 1):
        verdict, row = KINDS[kind]
        text += row % number + "\n"
        if verdict:
            refused.append((line, verdict))
        line += row.count("\n") + 1
    report = run_ingest(a_csv=HEADER + text.encode("utf-8", "surrogateescape"))
    counts = Counter(verdict for _, verdict in refused)
    assert (
        report["rows_in"] == 1 + len(kinds) == sum(report[key] for key in ("accepted", "quarantined", "rejected_raw"))
    )
    assert report["accepted"] == 1 + len(kinds) - len(refused) == pq.read_metadata(ACCEPTED).num_rows
    assert (report["quarantined"], report["rejected_raw"]) == (counts["quarantined"], counts["rejected_raw"])
    assert [(row["line"], row["kind"]) for row in quarantine()] == refused


def test_the_same_input_gives_the_same_bytes():
    files = {"a_csv": HEADER + b"1,,x,app\n1,,y,app\n", "b_csv": HEADER + b"2,,x,app\n3,,,app\n"}
    written = []
    for _ in range(2):
        run_ingest(**files)
        written.append([path.read_bytes() for path in (ACCEPTED, QUARANTINE, REPORT)])
    assert written[0] == written[1]
    assert not PATHS.scratch.joinpath("ingest").exists()


def test_a_source_in_which_every_row_is_refused_says_why_and_keeps_the_rows():
    with pytest.raises(TinsmithError) as caught:
        run_ingest(a_csv=HEADER + b"1,,private words,fridge\n2,,,fridge\n")
    told = str(caught.value)
    assert told.startswith("all 2 rows of tickets were refused: product: enum (2), body: required (1);")
    assert str(QUARANTINE) in told
    assert "private" not in told
    assert len(quarantine()) == 2
    assert not ACCEPTED.exists()
    assert not REPORT.exists()


@pytest.mark.parametrize("name", ["a_csv", "a_jsonl"])
def test_a_source_without_rows_is_an_error_and_writes_nothing(name):
    with pytest.raises(TinsmithError, match=r"data\.sources\.tickets: data/\* holds no rows"):
        run_ingest(**{name: HEADER if name == "a_csv" else b"\n"})
    assert not QUARANTINE.exists()


def test_the_same_file_twice_is_an_error():
    content = HEADER + b"1,,x,app\n"
    with pytest.raises(TinsmithError, match=r"tickets/b\.csv: the same file as tickets/a\.csv"):
        run_ingest(a_csv=content, b_csv=content)


def documents_recipe() -> None:
    recipe = RECIPE.replace("type: files", "type: documents").replace("{body}", "{path}").replace("{product}", "{text}")
    PATHS.recipe.write_text(recipe)
    columns = "  - {name: path, logicalType: string}\n  - {name: text, logicalType: string}\n"
    Path("tickets.odcs.yaml").write_text(CONTRACT[: CONTRACT.index("  - {name: ticket_id")] + columns)


def test_a_copy_among_documents_is_refused_and_the_others_go_on():
    manual = b"# Returns\n\nGoods may come back within 30 days.\n"
    documents_recipe()
    report = run_ingest(a_md=manual, b_md=manual)
    assert (report["accepted"], report["rejected_raw"]) == (1, 1)
    assert [line["reasons"] for line in quarantine()] == [["document: a copy of an earlier one, byte for byte"]]
    first, copy = report["sources"]["tickets"]["files"]
    assert copy["copy_of"] == first["file"] == first["sha256"][:16]


def test_a_document_is_called_by_its_digest_where_git_keeps_it():
    """Documents are named after people: of their names only the quarantine and the column `path` tell."""
    documents_recipe()
    report = run_ingest(**{"Anna Okafor_md": b"# Leave\n\nFrom May on.\n", "Bea Lind_pdf": b"no PDF"})
    assert "Okafor" not in REPORT.read_text()
    assert "Lind" not in REPORT.read_text()
    records = pq.read_table(ACCEPTED)["_record"].to_pylist()
    digest = report["sources"]["tickets"]["files"][0]["sha256"]
    assert records == [f"tickets/{digest[:16]}:1"]
    assert pq.read_table(ACCEPTED)["path"].to_pylist() == ["Anna Okafor.md"]
    assert [row["source"] for row in quarantine()] == ["tickets/Bea Lind.pdf"]


def test_files_without_rows_may_be_alike_beside_one_that_has_some():
    report = run_ingest(a_csv=HEADER, b_csv=HEADER, c_csv=HEADER + b"1,,x,app\n")
    assert [file["rows"] for file in report["sources"]["tickets"]["files"]] == [0, 0, 1]


PEOPLE = CONTRACT.replace("id: tickets", "id: people").replace("- name: tickets", "- name: people")
TWO_SOURCES = RECIPE.replace(
    "  example:", "    people: {contract: people.odcs.yaml, type: files, path: people.csv, use: reference}\n  example:"
)


def test_a_reference_is_judged_and_kept_apart_from_the_examples():
    PATHS.recipe.write_text(TWO_SOURCES)
    Path("people.odcs.yaml").write_text(PEOPLE)
    Path("people.csv").write_bytes(HEADER + b"7,,kept,app\n8,,,app\n")
    report = run_ingest(a_csv=HEADER + b"1,,x,app\n2,,y,fridge\n")
    assert (report["rows_in"], report["accepted"], report["quarantined"]) == (4, 2, 2)
    assert pq.read_table(ACCEPTED).column("ticket_id").to_pylist() == [1]
    people = pq.read_table("work/triage/reference/people.parquet")
    assert people.select(["ticket_id", "_record"]).to_pylist() == [{"ticket_id": 7, "_record": "people/people.csv:2"}]
    assert [(row["source"], row["reasons"]) for row in quarantine()] == [
        ("tickets/a.csv", ["product: enum"]),
        ("people/people.csv", ["body: required"]),
    ]


def test_rows_of_two_sources_become_examples_side_by_side():
    PATHS.recipe.write_text(TWO_SOURCES.replace(", use: reference", ""))
    less = PEOPLE.replace("  - {name: created_at, logicalType: timestamp}\n", "")
    Path("people.odcs.yaml").write_text(less + "  - {name: age, logicalType: integer}\n")
    Path("people.csv").write_text("age,product,body,ticket_id\n30,app,z,1\n")
    run_ingest(a_csv=HEADER + b"1,,x,app\n")
    rows = pq.read_table(ACCEPTED).select(["ticket_id", "body", "age", "_record"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (1, "x", None, "tickets/a.csv:2"),
        (1, "z", 30, "people/people.csv:2"),
    ]


def test_two_contracts_that_give_a_column_two_types_are_told():
    PATHS.recipe.write_text(TWO_SOURCES.replace(", use: reference", ""))
    Path("people.odcs.yaml").write_text(
        PEOPLE.replace("created_at, logicalType: timestamp", "created_at, logicalType: date")
    )
    with pytest.raises(
        TinsmithError, match=r"^people\.odcs\.yaml:10: created_at: is of logicalType date, and in tickets"
    ):
        run_ingest(a_csv=HEADER + b"1,,x,app\n")


def test_a_source_that_the_recipe_lacks_is_told():
    recipe = read_recipe(PATHS.recipe)
    with pytest.raises(TinsmithError, match=r"data\.sources: there is no tockets; it has tickets"):
        collect(recipe, PATHS, "tockets")
    with pytest.raises(TinsmithError, match=r"run `python -m pipelines\.stages\.collect triage` first"):
        ingest(recipe, PATHS)


def test_a_column_that_the_contract_lacks_is_told_at_the_recipes_line():
    PATHS.recipe.write_text(RECIPE.replace("{product}", "{prodct}"))
    with pytest.raises(TinsmithError, match=r"recipes/triage.yaml:7: .*prodct \(did you mean product\?"):
        run_ingest(a_csv=HEADER + b"1,,x,app\n")


def test_a_missing_contract_is_told_at_the_recipes_line():
    Path("tickets.odcs.yaml").unlink()
    with pytest.raises(
        TinsmithError, match=r"recipes/triage\.yaml:6: data\.sources\.tickets\.contract: there is no file"
    ):
        run_ingest(a_csv=HEADER + b"1,,x,app\n")


def add_to_contract(text: str) -> None:
    Path("tickets.odcs.yaml").write_text(CONTRACT + text)


def test_what_a_contract_says_of_the_whole_data_set_stands_in_the_report():
    add_to_contract(
        "  quality:\n"
        "  - {metric: rowCount, mustBeGreaterThan: 1}\n"
        "  - {type: sql, query: 'SELECT count(*) FROM {object} WHERE product IS NULL', mustBe: 0, severity: warning}\n"
        "customProperties: [{property: license, value: CC-BY-4.0}]\n"
    )
    source = run_ingest(a_csv=HEADER + b"1,,x,app\n2,,y,\n3,,,app\n")["sources"]["tickets"]
    assert [(rule["rule"], rule["measured"], rule["holds"]) for rule in source["rules"]] == [
        ("rowCount mustBeGreaterThan 1", 2, True),
        ("sql mustBe 0", 1, False),
    ]
    assert source["contract"]["license"] == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("addition", "told"),
    [
        ("  quality: [{metric: rowCount, mustBe: 3}]\n", r"^tickets\.odcs\.yaml:13: rowCount mustBe 3, and it is 2$"),
        ("customProperties: [{property: onViolation, value: stop}]\n", r"onViolation: stop, and 1 of 3 rows are"),
        ("customProperties: [{property: maxBadShare, value: 0.3}]\n", r"1 of 3 rows are refused, above maxBadShare"),
    ],
)
def test_a_contract_stops_the_line_after_the_quarantine_was_written(addition, told):
    add_to_contract(addition)
    with pytest.raises(TinsmithError, match=told):
        run_ingest(a_csv=HEADER + b"1,,x,app\n2,,y,app\n3,,,app\n")
    assert [row["line"] for row in quarantine()] == [4]
    assert not ACCEPTED.exists()
    assert not REPORT.exists()


@pytest.mark.parametrize("use", ["", ", use: reference"])
def test_rows_whose_key_another_source_lacks_are_refused_whatever_the_order_of_sources(use):
    recipe = TWO_SOURCES.replace(", use: reference", use)
    PATHS.recipe.write_text(recipe)
    Path("people.odcs.yaml").write_text(PEOPLE)
    Path("people.csv").write_bytes(HEADER + b"7,,kept,app\n8,,,app\n")
    add_to_contract("  relationships: [{from: [tickets.ticket_id], to: [people.ticket_id]}]\n")
    report = run_ingest(a_csv=HEADER + b"7,,x,app\n8,,y,app\n9,,z,app\n")
    assert report["reasons"] == {"ticket_id: no such people.ticket_id": 2, "body: required": 1}
    assert [(row["source"], row["line"]) for row in quarantine()] == [
        ("people/people.csv", 3),
        ("tickets/a.csv", 3),
        ("tickets/a.csv", 4),
    ]
    assert not PATHS.scratch.joinpath("accepted").exists()
