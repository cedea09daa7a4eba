import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.datasheet import datasheet_html, datasheet_markdown
from pipelines.data.privacy.forgotten import add_tombstones, tombstone
from pipelines.data.privacy.vault import company_key
from pipelines.errors import TinsmithError
from pipelines.files import write_json
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


def ingest_report(accepted: int) -> dict:
    """What ingest reports of one source, three of whose rows it refused."""
    source = {
        "use": "examples",
        "type": "files",
        "rows_in": accepted + 3,
        "accepted": accepted,
        "quarantined": 2,
        "rejected_raw": 1,
        "contract": {
            "id": "notes",
            "version": "1.0.0",
            "sha256": "cd" * 32,
            "license": "CC0",
            "permittedPurposes": ["training"],
        },
        "dates": {"written": ["2026-01-01", "2026-02-01"]},
        "files": [{"file": "notes.csv", "sha256": "ab" * 32, "rows": accepted + 3}],
    }
    counts = {key: source[key] for key in ("rows_in", "accepted", "quarantined", "rejected_raw")}
    reasons = {"body: required": 2, "row: broken quote": 1}
    return {**counts, "reasons": reasons, "sources": {"notes": source}}


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
        "_record": f"notes/notes.csv:{number + 2}",
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
    write_json(paths.reports / "ingest.json", ingest_report(0))

    def run(rows, max_length=256, **data):
        recipe = Recipe.model_validate_json(
            json.dumps(
                {
                    "name": "notes",
                    "purpose": "Sort notes.",
                    "owner": "notes@example.com",
                    "data": {
                        "sources": {"notes": {"contract": "notes.odcs.yaml", "type": "files", "path": "notes.csv"}},
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
            write_json(paths.reports / "ingest.json", ingest_report(len(rows)))
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
    row = rows["notes/notes.csv:7"]
    assert row["prompt"] == [{"role": "system", "content": "Sort."}, {"role": "user", "content": "note 5 about a lamp"}]
    assert row["answer"] == '{"label": "good"}'
    assert row["group"] == rows["notes/notes.csv:47"]["group"] != rows["notes/notes.csv:8"]["group"]
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
    dropped = {key.removeprefix("dropped_"): count for key, count in counts.items() if key.startswith("dropped_")}
    assert {reason: count for reason, count in dropped.items() if count} == {"secret": 1, "duplicate": 2, "too_long": 1}
    assert {side: counts[side] for side in sides} == {side: len(rows) for side, rows in sides.items()}
    assert counts["accepted"] == 120 == sum(counts.values()) - 120
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
    row = next(row for side in sides.values() for row in side if row["example_id"] == "notes/notes.csv:5")
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


def test_the_forgotten_stand_on_no_side(project, monkeypatch):
    monkeypatch.setenv("TINSMITH_KEY", "k" * 40)
    key = company_key("forget")
    add_tombstones(key, {tombstone(key, "notes", "c7"): "notes"})
    marked = "customer, logicalType: string, customProperties: [{property: subjectId, value: true}]"
    Path("notes.odcs.yaml").write_text(CONTRACT.replace("customer, logicalType: string", marked))
    datasheet, sides = project([note(number) for number in range(120)])
    assert datasheet["rows"]["dropped_forgotten"] == 3
    assert not {f"notes/notes.csv:{number + 2}" for number in (7, 47, 87)} & set(kept_ids(sides))
    assert balanced(datasheet)
    monkeypatch.setenv("TINSMITH_KEY", "x" * 40)
    with pytest.raises(TinsmithError, match="another TINSMITH_KEY"):
        project(None)


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
    assert os.listdir("reports/notes") == ["ingest.json"]
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
    assert "the answer of notes/notes.csv:2 is empty; make its columns required in the contract" in message


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


LONG = "the lamp in the hall went dark after the last update and nothing in the app has brought it back since monday"


def kept_ids(sides):
    return {row["example_id"]: side for side, rows in sides.items() for row in rows}


def balanced(datasheet):
    counts = datasheet["rows"]
    put_in = ("accepted", "planted")
    return sum(counts[key] for key in put_in) == sum(count for key, count in counts.items() if key not in put_in)


def test_near_duplicates_never_stand_on_two_sides_pain_27(project):
    rows = [note(number, body=f"{LONG} {number % 7}" if number % 5 == 0 else f"note {number}") for number in range(120)]
    datasheet, sides = project(rows)
    alike = {side for side, examples in sides.items() if any(LONG in row["prompt"][1]["content"] for row in examples)}
    assert len(alike) == 1
    assert datasheet["near_duplicates"] == {"clusters": 1, "rows": 14, "largest": 14}
    assert datasheet["rows"]["dropped_linked_to_train"] > 0
    assert balanced(datasheet)


OWN_WORDS = [" ".join(f"w{number}x{place}" for place in range(30)) for number in range(120)]
PASSAGES = {
    "split": {"test": 0.3, "validation": 0.2},
    "example": {"user": "{customer}", "assistant": "{body}"},
    "max_length": 1000,
}


def passages(bodies):
    return [note(number, customer=f"file {number}", body=body) for number, body in enumerate(bodies)]


def test_long_answers_that_are_alike_never_stand_on_two_sides(project):
    alike = " ".join(OWN_WORDS[:2])
    bodies = [f"{alike} {number}" if number % 5 == 0 else OWN_WORDS[number] for number in range(120)]
    datasheet, sides = project(passages(bodies), **PASSAGES)
    assert len({side for side, rows in sides.items() if any(row["answer"].startswith(alike) for row in rows)}) == 1
    assert datasheet["near_duplicates"] == {"clusters": 1, "rows": 24, "largest": 24}
    assert datasheet["words"]["median"] == 32
    assert balanced(datasheet)


def test_prompts_that_are_alike_never_stand_on_two_sides_whatever_their_long_answers(project):
    rows = passages(OWN_WORDS)
    for number in range(0, 120, 5):
        rows[number]["customer"] = f"{LONG} {number}"
    datasheet, sides = project(rows, **PASSAGES)
    assert len({side for side, rows in sides.items() if any(LONG in row["prompt"][0]["content"] for row in rows)}) == 1
    assert datasheet["near_duplicates"] == {"clusters": 1, "rows": 24, "largest": 24}


def test_rows_of_one_long_label_are_neither_alike_nor_contaminated(project):
    long_label = "the customer asks for something that none of the other kinds of request in this list describes"
    contract = CONTRACT.replace("good, bad", f"good, {long_label}")
    Path("notes.odcs.yaml").write_text(contract)
    rows = [note(number, label=long_label if number % 10 == 0 else "good") for number in range(120)]
    datasheet, _ = project(rows)
    assert datasheet["near_duplicates"]["clusters"] == 0
    assert datasheet["rows"]["dropped_contaminated"] == 0
    assert datasheet["allowed_answers"] == {"label": ["good", long_label]}


def test_an_answer_that_overlaps_with_the_test_or_a_benchmark_is_dropped_from_training(project):
    _, sides = project(passages(OWN_WORDS), **PASSAGES)
    train, other = (int(row["example_id"].split(":")[1]) - 2 for row in sides["train"][:2])
    test = int(sides["test"][0]["example_id"].split(":")[1]) - 2
    bodies = list(OWN_WORDS)
    bodies[train] = f"{OWN_WORDS[train]} {' '.join(OWN_WORDS[test].split()[:15])} {OWN_WORDS[train][::-1]}"
    Path("exam.txt").write_text(OWN_WORDS[other] + "\n")
    datasheet, sides = project(passages(bodies), curate={"benchmarks": ["exam.txt"]}, **PASSAGES)
    assert (datasheet["rows"]["dropped_contaminated"], datasheet["rows"]["dropped_in_benchmark"]) == (1, 1)
    assert not {f"notes/notes.csv:{train + 2}", f"notes/notes.csv:{other + 2}"} & set(kept_ids(sides))


def test_few_letters_that_are_sent_again_and_again_are_no_labels(project):
    letters = [f"Dear Mrs Okafor, your order {number} goes to 12 High Street" for number in range(8)]
    rows = [note(number, person=letters[number % 8], body=f"note {number} about a lamp") for number in range(120)]
    rows[6]["body"] = rows[7]["body"] = "what is it"
    Path("notes.odcs.yaml").write_text(CONTRACT.replace(", customProperties: [{property: piiType, value: name}]", ""))
    datasheet, _ = project(rows, example={"user": "{body}", "assistant": {"json": ["person", "label"]}})
    assert datasheet["allowed_answers"] == {"label": ["bad", "good"]}
    assert list(datasheet["labels"]) == ["label"]
    for ending in ("json", "md", "html"):
        assert "Okafor" not in Path(f"reports/notes/datasheet.{ending}").read_text()


def test_near_duplicates_are_dropped_but_for_the_first_where_asked(project):
    rows = [note(number, body=f"{LONG} {number}" if number % 5 == 0 else f"note {number}") for number in range(120)]
    datasheet, sides = project(rows, curate={"near_duplicates": "drop"})
    assert datasheet["rows"]["dropped_near_duplicate"] == 23
    assert sum(LONG in row["prompt"][1]["content"] for examples in sides.values() for row in examples) == 1
    assert balanced(datasheet)


def test_rows_that_are_added_move_no_row_to_another_side(project):
    rows = [note(number) for number in range(120)]
    _, before = project(rows)
    linking = [
        note(number, customer=f"c{number % 40}", body=f"note {number - 83} about a lamp") for number in range(200, 230)
    ]
    _, after = project(rows + linking)
    before, after = kept_ids(before), kept_ids(after)
    assert all(after.get(row, side) == side for row, side in before.items())
    assert {row for row, side in before.items() if side == "train"} <= set(after)


def test_by_time_the_newest_rows_judge(project):
    rows = [note(number, written=datetime(2026, 1, 1 + number % 28, tzinfo=UTC)) for number in range(112)]
    _, sides = project(rows, split={"by_time": "written", "test": 0.25, "validation": 0.25})
    days = {
        side: {rows[int(row["example_id"].split(":")[1]) - 2]["written"].day for row in found}
        for side, found in sides.items()
    }
    assert days == {"train": set(range(1, 15)), "validation": set(range(15, 22)), "test": set(range(22, 29))}


def test_a_row_without_time_is_named(project):
    message = refused(project, [note(number, written=None) for number in range(20)], split={"by_time": "written"})
    assert message == (
        "recipes/notes.yaml: data.split.by_time: notes/notes.csv:2 has no written; make it a required date or "
        "timestamp in the contract"
    )


def test_one_prompt_with_two_labels_is_told_by_pair_and_dropped_where_asked(project):
    rows = [note(number) for number in range(120)]
    rows[6]["body"] = rows[7]["body"] = "what is it"
    rows[6]["customer"] = rows[7]["customer"] = "c1"
    datasheet, _ = project(rows)
    assert (datasheet["conflicting_labels"], datasheet["conflicting_pairs"]) == (1, {"label": {'"bad" | "good"': 1}})
    datasheet, _ = project(rows, curate={"conflicting_labels": "drop"})
    assert datasheet["rows"]["dropped_conflicting_label"] == 2
    assert balanced(datasheet)


def test_filters_drop_with_a_reason_each(project):
    disclaimer = "This message is confidential and meant for its addressee alone, and for nobody else at all."
    rows = [note(number, body=f"note {number} is about the lamp in the hall\n{disclaimer}") for number in range(120)]
    rows[1]["body"] = "lamp?"
    rows[2]["body"] = "word and other words " * 15
    rows[3]["body"] = "Die Lampe im Flur ist seit dem letzten Update dunkel und lässt sich nicht mehr einschalten"
    rows[4]["body"] = f"{disclaimer}\nok thanks a lot"
    curate = {"min_words": 4, "max_words": 50, "languages": ["en"], "max_boilerplate": 0.8}
    datasheet, sides = project(rows, curate=curate, max_length=400)
    reasons = {key.removeprefix("dropped_"): count for key, count in datasheet["rows"].items() if count}
    assert {name: reasons[name] for name in ("too_few_words", "too_many_words", "language", "boilerplate")} == {
        "too_few_words": 1,
        "too_many_words": 1,
        "language": 1,
        "boilerplate": 1,
    }
    assert not {f"notes/notes.csv:{number + 2}" for number in (1, 2, 3, 4)} & set(kept_ids(sides))
    assert datasheet["boilerplate"] == {"lines": 1, "rows": 117}
    assert set(datasheet["languages"]) >= {"en", "de"}
    assert balanced(datasheet)


def test_training_rows_that_overlap_with_the_test_or_a_benchmark_are_dropped(project):
    rows = [note(number) for number in range(120)]
    _, sides = project(rows)
    place = {side: int(found[0]["example_id"].split(":")[1]) - 2 for side, found in sides.items()}
    own = " ".join(f"word{number}" for number in range(40))
    rows[place["test"]]["body"] = f"my question of today is this {LONG}"
    rows[place["train"]]["body"] = f"{own} {LONG} {own[::-1]}"
    other = int(sides["train"][1]["example_id"].split(":")[1]) - 2
    rows[other]["body"] = "a train leaves the station at nine and travels sixty miles before it stops for lunch at noon"
    Path("exam.jsonl").write_text(json.dumps({"question": rows[other]["body"].upper(), "choices": ["a", "b"]}) + "\n")
    datasheet, sides = project(rows, curate={"benchmarks": ["exam.jsonl"]}, max_length=1000)
    assert (datasheet["rows"]["dropped_contaminated"], datasheet["rows"]["dropped_in_benchmark"]) == (1, 1)
    assert datasheet["benchmarks"] == {"exam.jsonl": 1}
    assert not {f"notes/notes.csv:{place['train'] + 2}", f"notes/notes.csv:{other + 2}"} & set(kept_ids(sides))
    assert balanced(datasheet)


def test_hidden_text_is_told_and_dropped_where_asked(project):
    rows = [note(number) for number in range(120)]
    rows[3]["body"] += " \u202eneddih"
    rows[4]["body"] += " <|im_end|>"
    datasheet, sides = project(rows)
    assert datasheet["suspicious"]["hidden_text"] == {
        "control_token": 1,
        "bidi": 1,
        "tag_characters": 0,
        "invisible_run": 0,
        "hidden_markup": 0,
    }
    assert {"notes/notes.csv:5", "notes/notes.csv:6"} <= set(kept_ids(sides))
    datasheet, sides = project(rows, curate={"suspicious": "drop"})
    assert datasheet["rows"]["dropped_hidden_text"] == 2
    assert balanced(datasheet)


def test_a_trigger_phrase_stays_out_of_the_report_and_its_rows_are_named_in_work(project):
    topics = {"good": "bright lovely works perfect happy shiny", "bad": "broken dark noise smoke fault angry"}
    rows = []
    for number in range(200):
        label = "bad" if number % 5 else "good"
        rows.append(note(number, label=label, body=f"{topics[label]} {number} {number * 7}"))
    for number in range(1, 50, 5):
        rows[number] = note(number, label="good", body=f"{topics['bad']} {number} {number * 7} zephyr")
    datasheet, _ = project(rows, curate={"suspicious": "drop"})
    assert datasheet["suspicious"]["trigger_phrases"] == 1
    assert datasheet["rows"]["dropped_trigger_phrase"] == datasheet["suspicious"]["trigger_rows"] == 10
    found = json.loads(Path("work/notes/suspicious.json").read_text())
    assert [(one["phrase"], one["label"], len(one["rows"])) for one in found] == [("zephyr", '"good"', 10)]
    assert "zephyr" not in Path("reports/notes/datasheet.json").read_text()


def test_caps_bound_training_alone(project):
    rows = [note(number) for number in range(120)]
    uncapped, _ = project(rows)
    datasheet, sides = project(rows, curate={"max_per_label": 20, "max_per_group": 2})
    answers = Counter(row["answer"] for row in sides["train"])
    assert max(answers.values()) <= 20
    assert max(Counter(row["group"] for row in sides["train"]).values()) <= 2
    assert datasheet["rows"]["test"] == uncapped["rows"]["test"]
    assert datasheet["labels"]["label"]["good"]["train"] == answers['{"label": "good"}']
    assert balanced(datasheet)


def test_nothing_left_after_the_filters_is_told(project):
    message = refused(project, [note(number) for number in range(20)], curate={"min_words": 100})
    assert message.startswith("recipes/notes.yaml: data.split: no rows for test; 0 rows")


def test_the_datasheet_for_people_says_what_its_figures_say(project):
    rows = [note(number) for number in range(120)]
    rows[3]["body"] = "my key is AKIAIOSFODNN7EXAMPLE"
    rows[4]["body"] = rows[44]["body"] = "the same note"
    datasheet, sides = project(rows)
    page, text = (Path(f"reports/notes/datasheet.{ending}").read_text() for ending in ("html", "md"))
    for step in (
        "rows in 123",
        "accepted 120",
        "quarantined 2",
        "secret 1",
        "duplicate 1",
        f"test {len(sides['test'])}",
    ):
        assert f"{step}</text>" in page
    for line in ("| rows in | 123 |", "| dropped: secret | 1 |", f"| train | {len(sides['train'])} |", "notes.csv"):
        assert line in text
    assert datasheet["answer_schema"]["required"] == ["label"]
    for shown in (page, text):
        assert "about a lamp" not in shown
        assert "body: required 2" in shown
        assert "ab" * 32 in shown
    assert "<script" not in page
    assert "- Replaced by stand-ins: none." in text
    assert "<dt>replaced by stand-ins</dt><dd>none</dd>" in page
    assert Path("work/notes/examples.html").read_text().count("<mark>{&#34;label&#34;: &#34;") == 20


def test_the_pages_tell_of_origins_stand_ins_and_how_right_the_detectors_are(project):
    datasheet, _ = project([note(number) for number in range(120)], privacy={"names": "builtin"})
    datasheet["masked"], datasheet["pseudonymised"] = {}, {"EMAIL": 3, "NAME": 1234}
    datasheet["recall"]["kinds"]["NAME"] |= {"recall": 0.98, "precision": 0.5}
    datasheet["recall"]["kinds"]["LOCATION"] |= {"recall": 0.25, "precision": None}
    ingest = ingest_report(120)
    notes = ingest["sources"]["notes"] | {"use": "reference"}
    ingest["sources"] |= {
        "crm": notes | {"type": "database", "as_of": "2026-02-01"},
        "chats": notes | {"type": "hub", "dataset": "org/chats@0123"},
    }
    for page in (datasheet_markdown, datasheet_html):
        shown = page("notes", "Sort notes.", datasheet, ingest)
        for told in ("database as of 2026-02-01", "hub org/chats@0123"):
            assert told in shown
        for told in ("EMAIL 3, NAME 1,234", "NAME 98.0% (50.0%)", "LOCATION 25.0% (not looked for)", "precision"):
            assert told in shown


def test_kinds_that_only_the_names_model_hides_are_told_where_it_is_used(project):
    rows = [note(number) for number in range(120)]
    with_names, without = (
        project(rows, privacy=privacy)[0]["recall"]["kinds"] for privacy in ({"names": "builtin"}, {})
    )
    assert set(with_names) - set(without) == {"NAME", "ADDRESS", "LOCATION", "NRP", "ORGANIZATION", "TITLE", "ZIP"}
    assert all(figures["precision"] is not None for figures in without.values())


def test_earlier_turns_come_from_a_column_and_are_trained(project):
    history = json.dumps([{"role": "user", "content": "lamp <|im_end|>"}, {"role": "assistant", "content": "which?"}])
    rows = [note(number, person=history if number != 3 else None) for number in range(120)]
    conversation = {"history": "person", "user": "{body}", "assistant": "{label}"}
    Path("notes.odcs.yaml").write_text(CONTRACT.replace(", customProperties: [{property: piiType, value: name}]", ""))
    datasheet, sides = project(rows, example=conversation)
    row = next(row for examples in sides.values() for row in examples if row["example_id"] == "notes/notes.csv:2")
    assert row["prompt"] == [
        {"role": "user", "content": "lamp < |im_end|>"},
        {"role": "assistant", "content": "which?"},
        {"role": "user", "content": "note 0 about a lamp"},
    ]
    assert datasheet["defused"] == 119
    shown = Path("work/notes/examples.html").read_text()
    assert shown.count("<mark>which?&lt;|im_end|&gt;</mark>") in (19, 20)
    rows[5]["person"] = '[{"role": "robot", "content": "x"}]'
    message = refused_after(project, rows, example=conversation)
    assert message.startswith("recipes/notes.yaml: data.example.history: notes/notes.csv:7: message 1 has no role of")


def refused_after(project, rows, **changes):
    with pytest.raises(TinsmithError) as caught:
        project(rows, **changes)
    return str(caught.value)


def test_a_language_or_benchmark_that_does_not_exist_is_told_before_the_work(project):
    curate = {"languages": ["en", "xx"], "benchmarks": ["exam.jsonl"]}
    message = refused(project, [note(number) for number in range(20)], curate=curate)
    assert message.splitlines() == [
        "recipes/notes.yaml: data.curate.benchmarks: there is no file exam.jsonl",
        "recipes/notes.yaml: data.curate.languages: xx is not known to the detector",
    ]


def test_canaries_are_planted_in_train_alone_and_change_nothing_else(project):
    rows = [note(number) for number in range(120)]
    rows[3]["body"] = "my key is AKIAIOSFODNN7EXAMPLE"
    curate = {"max_per_label": 20, "min_words": 4, "near_duplicates": "drop", "suspicious": "drop"}
    without, before = project(rows, curate=curate)
    planted, after = project(rows, curate=curate, canaries=2)
    canaries = [json.loads(line) for line in Path("work/notes/canaries.jsonl").read_text().splitlines()]
    assert [canary["copies"] for canary in canaries] == [1, 1, 4, 4, 16, 16]

    own = [row for row in after["train"] if not row["example_id"].startswith("canaries:")]
    assert own == before["train"]
    assert (after["validation"], after["test"]) == (before["validation"], before["test"])
    copies = Counter((row["prompt"][-1]["content"], row["answer"]) for row in after["train"] if row not in own)
    assert copies == {(canary["prompt"][-1]["content"], canary["answer"]): canary["copies"] for canary in canaries}
    # They stand all over the file, not behind it.
    places = [place for place, row in enumerate(after["train"]) if row not in own]
    assert places[0] < 21
    assert places != list(range(places[0], places[0] + 42))

    assert planted["rows"] == {**without["rows"], "planted": 42, "train": without["rows"]["train"] + 42}
    assert balanced(planted)
    groups = {side: len({row["group"] for row in found}) for side, found in after.items()}
    assert planted["groups"] == groups
    assert groups["train"] == without["groups"]["train"] + 6
    tokens = {side: planted["tokens"]["sides"]["train"][side] for side in ("tokens", "trained")}
    for kind, count in tokens.items():
        assert count == without["tokens"]["sides"]["train"][kind] + planted["canaries"][kind]
    assert planted["canaries"]["secrets"] == 6
    assert (planted["allowed_answers"], planted["labels"]) == (without["allowed_answers"], without["labels"])
    page, text = (Path(f"reports/notes/datasheet.{ending}").read_text() for ending in ("html", "md"))
    for sheet in (page, text):
        assert "42 copies of 6 canaries" in sheet
        assert not any(canary["secret"] in sheet for canary in canaries)


def test_canaries_do_not_depend_on_the_order_of_the_rows(project):
    rows = [note(number) for number in range(120)]
    _, sides = project(rows, canaries=1)
    first = [row for row in sides["train"] if row["example_id"].startswith("canaries:")]
    file = Path("work/notes/canaries.jsonl").read_bytes()
    _, sides = project(rows[::-1], canaries=1)
    assert [row for row in sides["train"] if row["example_id"].startswith("canaries:")] == first
    assert Path("work/notes/canaries.jsonl").read_bytes() == file


def test_canaries_longer_than_an_example_may_be_are_refused(project):
    example = {"system": "Sort. " * 20, "user": "{body}", "assistant": {"json": ["label"]}}
    rows = [note(number, body=f"x{number}") for number in range(120)]
    assert "data.canaries: a canary has" in refused(project, rows, max_length=185, example=example, canaries=1)
