"""The sample tickets on their way to the splits: all that was planted is caught, and no clean row is."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.model.base import folder_digest
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest
from pipelines.stages.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
PATHS = Paths("support_triage")
# The reason that each kind of planted fault must be refused for.
REASONS = {
    "malformed_id": "ticket_id: pattern",
    "missing_id": "ticket_id: required",
    "duplicate_key": "ticket_id: (primaryKey|unique)",
    "missing_customer": "customer_id: required",
    "missing_thread": "thread_id: required",
    "missing_body": "body: required",
    "missing_label": "{column}: required",
    "unknown_product": "product: enum",
    "unknown_intent": "intent: enum",
    "bad_date": "created_at: (logicalType timestamp|required)",
    "not_an_integer": "satisfaction: logicalType integer",
    "out_of_range": "satisfaction: m(in|ax)imum [15]",
    "too_long": "body: maxLength 4000",
    "broken_encoding": "row: not utf-8",
    "too_few_columns": "row: too few columns",
    "too_many_columns": "row: too many columns",
}


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((ROOT / "tests/fixtures/support_tickets_truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def _prepared(tmp_path_factory, chatml_base):
    """The sample recipe, walked to its splits."""
    folder = tmp_path_factory.mktemp("sample")
    for name in ("data", "data_contracts"):
        (folder / name).symlink_to(ROOT / name)
    recipe = (ROOT / PATHS.recipe).read_text(encoding="utf-8")
    base = f"model: {{base: {chatml_base}, sha256: {folder_digest(chatml_base)}}}"
    (folder / "recipes").mkdir()
    # The test's tokenizer knows bytes alone, so that tickets are longer than the model's own would have them.
    recipe = re.sub("model: {base: embedded.*", base, recipe).replace("max_length: 512", "max_length: 8192")
    (folder / PATHS.recipe).write_text(recipe, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        read = read_recipe(PATHS.recipe)
        collect(read, PATHS)
        ingest(read, PATHS)
        prepare(read, PATHS)
        yield


@pytest.fixture(scope="module")
def refused() -> dict[str, tuple[str, list[str]]]:
    rows = [json.loads(line) for line in (PATHS.work / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()]
    return {f"{Path(row['source']).name}:{row['line']}": (row["kind"], row["reasons"]) for row in rows}


@pytest.fixture(scope="module")
def examples() -> dict[str, str]:
    """What a model would see of each row of the three splits, by `file:line`."""
    return {
        row["example_id"].partition("/")[2]: "\n".join([*(said["content"] for said in row["prompt"]), row["answer"]])
        for side in ("train", "validation", "test")
        for row in pq.read_table(PATHS.work / f"{side}.parquet").to_pylist()
    }


def test_every_planted_fault_is_refused_for_the_right_reason_and_no_clean_row_is(refused, truth):
    assert {record: kind for record, (kind, _) in refused.items()} == {
        fault["record"]: fault["outcome"] for fault in truth["faults"]
    }
    assert {fault["kind"] for fault in truth["faults"]} == set(REASONS)
    for fault in truth["faults"]:
        reasons = refused[fault["record"]][1]
        right = REASONS[fault["kind"]].format(**fault)
        assert any(re.fullmatch(right, why) for why in reasons), (fault["kind"], reasons)
        assert {why.partition(":")[0] for why in reasons} == {fault["column"] or "row"}


def test_no_planted_personal_data_is_left(examples, truth):
    assert len(examples) > 1_500
    seen = [item for item in truth["personal"] if item["record"] in examples]
    assert {item["kind"] for item in seen} == {"NAME", "PHONE", "EMAIL", "CARD"}
    assert not [item for item in seen if _holds(examples[item["record"]], item["value"])]


def test_no_planted_secret_is_left(examples, truth):
    assert truth["secrets"]
    assert not [item["record"] for item in truth["secrets"] if item["record"] in examples]
    everything = "\n".join(examples.values())
    assert not [item["kind"] for item in truth["secrets"] if item["value"] in everything]


def test_nobody_of_the_personal_columns_is_left(examples):
    accepted = pq.read_table(PATHS.work / "accepted.parquet").to_pylist()
    for row in accepted:
        text = examples.get(row["_record"].partition("/")[2], "")
        for column in ("customer_name", "customer_email", "customer_phone"):
            assert row[column] is None or not _holds(text, row[column]), (row["_record"], column)


def test_order_numbers_stay(examples, truth):
    kept = [item for item in truth["order_numbers"] if item["record"] in examples]
    assert len(kept) > 150
    assert all(item["value"] in examples[item["record"]] for item in kept)


def test_every_row_is_accounted_for(refused, examples, truth):
    report = json.loads((PATHS.reports / "ingest.json").read_text())
    assert report["rows_in"] == sum(truth["rows"].values()) == report["accepted"] + len(refused)
    counts = json.loads((PATHS.reports / "datasheet.json").read_text())["rows"]
    assert counts["accepted"] == report["accepted"] == sum(counts.values()) - counts["accepted"]
    assert len(examples) == sum(counts[side] for side in ("train", "validation", "test"))


def _holds(text: str, value: str) -> bool:
    """Whether a value stands in a text as words of its own."""
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None
