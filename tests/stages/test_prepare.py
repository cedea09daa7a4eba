import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TinsmithError
from pipelines.model.base import folder_digest
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.stages.prepare import prepare

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: notes
version: 1.0.0
status: active
schema:
  - name: notes
    properties:
      - {name: customer, logicalType: string}
      - {name: person, logicalType: string, customProperties: [{property: piiType, value: name}]}
      - {name: body, logicalType: string, required: true}
      - {name: written, logicalType: timestamp}
      - name: label
        logicalType: string
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: [good, bad]}, mustBe: 0}
"""
SCHEMA = pa.schema(
    [
        ("_record", pa.string()),
        ("customer", pa.string()),
        ("person", pa.string()),
        ("body", pa.string()),
        ("written", pa.timestamp("us", tz="UTC")),
        ("label", pa.string()),
    ]
)


def note(number, **changed):
    return {
        "_record": f"notes.csv:{number + 2}",
        "customer": f"c{number % 40}",
        "person": "Good Okafor",
        "body": f"note {number} about a lamp",
        "written": datetime(2026, 1, 1, tzinfo=UTC),
        "label": "good" if number % 2 else "bad",
        **changed,
    }


@pytest.fixture
def project(tmp_path, monkeypatch, chatml_base):
    """A project folder with a contract; gives a function that prepares rows and returns datasheet and splits."""
    monkeypatch.chdir(tmp_path)
    Path("notes.odcs.yaml").write_text(CONTRACT)
    digest = folder_digest(chatml_base)
    paths = Paths("notes")
    paths.work.mkdir(parents=True)

    def run(rows, max_length=256, **data):
        recipe = Recipe.model_validate_json(
            json.dumps(
                {
                    "name": "notes",
                    "purpose": "Sort notes.",
                    "owner": "notes@example.com",
                    "data": {
                        "contract": "notes.odcs.yaml",
                        "source": {"type": "files", "path": "notes.csv"},
                        "split": {"group_by": ["customer"], "test": 0.3, "validation": 0.2},
                        "example": {"system": "Sort.", "user": "{body}", "assistant": {"json": ["label"]}},
                        **data,
                    },
                    "model": {"base": str(chatml_base), "sha256": digest},
                    "train": {"max_length": max_length},
                    "register": {"model": "notes"},
                }
            )
        )
        if rows is not None:
            pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), paths.work / "accepted.parquet")
        prepare(recipe, paths)
        sides = {
            side: pq.read_table(paths.work / f"{side}.parquet").to_pylist() for side in ("train", "validation", "test")
        }
        return json.loads((paths.reports / "datasheet.json").read_text()), sides

    return run


def test_a_row_becomes_a_chat_with_its_group(project):
    datasheet, sides = project([note(number) for number in range(120)])
    rows = {row["example_id"]: row for side in sides.values() for row in side}
    row = rows["notes.csv:7"]
    assert row["prompt"] == [{"role": "system", "content": "Sort."}, {"role": "user", "content": "note 5 about a lamp"}]
    assert row["answer"] == '{"label": "good"}'
    assert row["group"] == rows["notes.csv:47"]["group"] != rows["notes.csv:8"]["group"]
    assert datasheet["allowed_answers"] == {"label": ["bad", "good"]}
    assert 0 < datasheet["tokens"]["trained_share"] < 1
    assert datasheet["tokens"]["longest_answer"] == len('{"label": "good"}') + 1


def test_every_accepted_row_is_kept_or_counted_as_dropped(project):
    rows = [note(number) for number in range(120)]
    rows[3]["body"] = "my key is AKIAIOSFODNN7EXAMPLE"
    rows[4]["body"] = rows[44]["body"] = "the same  NOTE"
    rows[84]["body"] = "The same note"
    rows[5]["body"] = "word " * 200
    datasheet, sides = project(rows)
    counts = datasheet["rows"]
    assert counts == {
        "accepted": 120,
        "dropped_forgotten": 0,
        "dropped_secret": 1,
        "dropped_personal": 0,
        "dropped_duplicate": 2,
        "dropped_too_long": 1,
        **{side: len(rows) for side, rows in sides.items()},
    }
    assert sum(counts.values()) == 240
    assert datasheet["secrets"] == {"aws_access_key": 1}
    assert all(datasheet["groups"].values())


def test_no_group_stands_on_two_sides_pain_27(project):
    rows = [note(number) for number in range(120)]
    for number in range(0, 120, 7):
        # The same words with another answer, from another customer.
        rows[number]["body"] = "Lamp  is dark" if number % 2 else "lamp is DARK"
    _, sides = project(rows)
    for what in ("group", "prompt"):
        seen = Counter(
            text for side in sides.values() for text in {" ".join(str(row[what]).casefold().split()) for row in side}
        )
        assert max(seen.values()) == 1


def test_personal_data_is_masked_but_not_in_a_closed_list(project):
    rows = [note(number) for number in range(120)]
    rows[3]["body"] = "okafor here, call 555-0147"
    datasheet, sides = project(rows)
    row = next(row for side in sides.values() for row in side if row["example_id"] == "notes.csv:5")
    assert row["prompt"][1]["content"] == "[NAME] here, call [PHONE]"
    assert row["answer"] == '{"label": "good"}'
    assert datasheet["masked"] == {"NAME": 1, "PHONE": 1}


def test_rows_are_dropped_or_masked_as_the_recipe_says(project):
    rows = [note(number) for number in range(120)]
    rows[3]["body"] = "call 555-0147"
    rows[4]["body"] = "pin: 4821"
    datasheet, sides = project(rows, privacy={"personal": "drop_row", "secrets": "mask"})
    assert (datasheet["rows"]["dropped_secret"], datasheet["rows"]["dropped_personal"]) == (0, 1)
    assert "pin: [SECRET]" in {row["prompt"][1]["content"] for side in sides.values() for row in side}


def test_two_runs_give_the_same_bytes(project):
    rows = [note(number) for number in range(120)]
    files = ["work/notes/train.parquet", "work/notes/test.parquet", "reports/notes/datasheet.json"]
    project(rows)
    first = [Path(file).read_bytes() for file in files]
    project(rows)
    assert [Path(file).read_bytes() for file in files] == first


def refused(project, rows, **changes):
    with pytest.raises(TinsmithError) as caught:
        project(rows, **changes)
    assert os.listdir("work/notes") == ["accepted.parquet"]
    assert not Path("reports").exists()
    return str(caught.value)


def test_too_many_long_rows_stop_the_line_pain_3(project):
    rows = [note(number, body=f"{number} " + "word " * 10 * (number % 4)) for number in range(120)]
    message = refused(project, rows, max_length=150)
    assert message.startswith("recipes/notes.yaml: train.max_length: 60 of 120 examples are longer than 150 tokens")
    longest = int(message.split("raise train.max_length to ")[1].split()[0])
    datasheet, _ = project(rows, max_length=longest)
    assert datasheet["rows"]["dropped_too_long"] <= 6


def test_one_group_leaves_no_test_rows(project):
    message = refused(project, [note(number, customer="only") for number in range(20)])
    assert "recipes/notes.yaml: data.split: no rows for" in message
    assert "1 group(s) by customer" in message


def test_an_empty_answer_names_its_row(project):
    example = {"user": "{body}", "assistant": "{label}"}
    message = refused(project, [note(number, label=None) for number in range(20)], example=example)
    assert "the answer of notes.csv:2 is empty; make its columns required in notes.odcs.yaml" in message


def test_nothing_left_after_the_privacy_rules_is_told(project):
    message = refused(project, [note(number, body="pin: 4821") for number in range(20)])
    assert "none of 20 rows is left; 20 dropped for secrets, 0 for personal data" in message


def test_a_label_only_in_test_is_told(project):
    rows = [note(number) for number in range(120)]
    _, sides = project(rows)
    tested = {row["example_id"] for row in sides["test"]}
    for row in rows:
        row["label"] = "rare" if row["_record"] in tested else "good"
    with pytest.raises(TinsmithError, match=r"recipes/notes.yaml: .*1 label\(s\) of `label` occur in test"):
        project(rows)


def test_ingest_must_have_run(project):
    project([note(number) for number in range(120)])
    Path("work/notes/accepted.parquet").unlink()
    with pytest.raises(TinsmithError, match=r"stages\.ingest notes` first"):
        project(None)
