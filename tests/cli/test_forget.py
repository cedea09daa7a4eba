import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.privacy.forgotten import FORGOTTEN, read_tombstones


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TINSMITH_KEY", "k" * 40)


@pytest.fixture
def built(good_recipe):
    """The small recipe after a build, in which ticket 2's customer stands once in train."""
    contract = good_recipe.parents[1] / "data_contracts/tickets.odcs.yaml"
    marked = "logicalType: string, customProperties: [{property: subjectId, value: true}]}"
    contract.write_text(contract.read_text().replace("ticket_id, logicalType: string}", f"ticket_id, {marked}"))
    work = Path("work/tickets")
    work.mkdir(parents=True)
    records = ["tickets/tickets.csv:2", "tickets/tickets.csv:3"]
    pq.write_table(pa.table({"_record": records, "ticket_id": ["1", "2"]}), work / "accepted.parquet")
    for side, examples in {"train": records[1:], "validation": [], "test": records[:1]}.items():
        pq.write_table(pa.table({"example_id": pa.array(examples, pa.string())}), work / f"{side}.parquet")
    Path("reports/tickets").mkdir(parents=True)
    Path("reports/tickets/registry.json").write_text(
        json.dumps({"model": "tickets", "version": 3, "fingerprint": "abc123"})
    )


@pytest.mark.usefixtures("built")
def test_it_tells_what_holds_the_person_and_lists_her_without_her_id(tinsmith):
    code, said, _ = tinsmith("forget", "--subject", "2")
    assert code == 0
    assert "tickets: 1 rows of tickets 1.0.0; examples: 1 in train, 0 in validation, 0 in test" in said
    assert "trained into: tickets version 3, fingerprint abc123" in said
    (line,) = read_tombstones()
    assert len(line) == 64
    assert "left out of tickets from the next" in said
    tinsmith("forget", "--subject", "2")
    assert read_tombstones() == {line}


@pytest.mark.usefixtures("built")
def test_a_person_only_in_test_is_in_no_model(tinsmith):
    said = tinsmith("forget", "--subject", "1")[1]
    assert "1 in test" in said
    assert "trained into" not in said


@pytest.mark.usefixtures("built")
def test_somebody_unknown_is_listed_all_the_same_for_rows_that_come_later(tinsmith):
    assert "tickets: 0 rows" in tinsmith("forget", "--subject", "99")[1]
    assert len(read_tombstones()) == 1


@pytest.mark.usefixtures("good_recipe")
def test_without_a_marked_column_it_says_how_to_mark_one(tinsmith):
    code, _, error = tinsmith("forget", "--subject", "2")
    assert code == 2
    assert "property: subjectId" in error
    assert not FORGOTTEN.exists()


@pytest.mark.usefixtures("built")
def test_without_a_key_nothing_is_written(tinsmith, monkeypatch):
    monkeypatch.delenv("TINSMITH_KEY")
    code, _, error = tinsmith("forget", "--subject", "2")
    assert code == 2
    assert "TINSMITH_KEY is not set" in error
    assert not FORGOTTEN.exists()
