"""From JSON Lines to splits: conversations with tools, objects as answers, and what is trained of them."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import tokenize_row
from pipelines.errors import TinsmithError
from pipelines.files import read_json
from pipelines.model.base import folder_digest
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest
from pipelines.stages.prepare import prepare
from tests.data.test_tokenizing import TEMPLATE, trained_texts

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: chats
version: 1.0.0
status: active
schema:
  - name: chats
    properties:
"""
CHATS = """\
      - {name: messages, logicalType: string, required: true}
      - {name: tools, logicalType: array}
"""
RECEIPTS = """\
      - {name: text, logicalType: string, required: true}
      - name: label
        logicalType: object
        properties:
          - {name: company, logicalType: string}
          - {name: total, logicalType: number, required: true}
          - {name: items, logicalType: array, items: {logicalType: string}}
"""
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
SIDES = ("train", "validation", "test")


@pytest.fixture(scope="session")
def tool_base(chatml_base, tmp_path_factory) -> Path:
    """The base with a chat template that takes tools and their calls."""
    folder = tmp_path_factory.mktemp("tools") / "base"
    shutil.copytree(chatml_base, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE.replace("<file_sep>", "call ")
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def walked(tmp_path, monkeypatch, tool_base):
    """Gives a function that walks rows from a file of JSON Lines to the splits and returns datasheet and rows."""
    monkeypatch.chdir(tmp_path)
    paths = Paths("chats")

    def run(columns, rows, example, base=tool_base, train=None, **source):
        Path("chats.odcs.yaml").write_text(CONTRACT + columns)
        Path("chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        fields = {
            "name": "chats",
            "purpose": "p",
            "owner": "o",
            "data": {
                "sources": {"chats": {"contract": "chats.odcs.yaml", "type": "files", "path": "chats.jsonl", **source}},
                "split": {"test": 0.3, "validation": 0.2},
                "example": example,
            },
            "model": {"base": str(base), "sha256": folder_digest(base)},
            "train": {"max_length": 4096, **(train or {})},
            "register": {"model": "chats"},
        }
        paths.recipe.parent.mkdir(exist_ok=True)
        paths.recipe.write_text(json.dumps(fields))
        recipe = read_recipe(paths.recipe)
        collect(recipe, paths)
        ingest(recipe, paths)
        prepare(recipe, paths)
        found = [row for side in SIDES for row in SideRows(paths.work / f"{side}.parquet")]
        return read_json(paths.reports / "datasheet.json"), {row["example_id"]: row for row in found}

    return run


def tool_chat(number, city="Oslo"):
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": json.dumps({"city": city})}}
    return [
        {"role": "user", "content": f"Is it raining at stop {number}?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": f"rain {number}"},
        {"role": "assistant", "content": f"Yes, {number}."},
    ]


def test_a_conversation_with_calls_is_trained_turn_by_turn(walked, tool_base):
    rows = [{"messages": tool_chat(number), "tools": [TOOL]} for number in range(60)]
    datasheet, found = walked(
        CHATS, rows, {"system": "Help.", "messages": "messages", "tools": "tools"}, shape="messages"
    )
    row = found["chats/chats.jsonl:3"]
    assert [turn["role"] for turn in row["prompt"]] == ["system", "user", "assistant", "tool"]
    assert row["prompt"][2]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert (row["answer"], row["tools"]) == ("Yes, 2.", [TOOL])
    tokenizer = AutoTokenizer.from_pretrained(tool_base)
    assert trained_texts(tokenizer, tokenize_row(tokenizer, row)) == [
        "call weather(Oslo)<|im_end|>",
        "Yes, 2.<|im_end|>",
    ]
    assert datasheet["tokens"]["longest_answer"] == len("Yes, 59.") + 1
    assert Path("work/chats/examples.html").read_text().count("<mark>call weather(Oslo)&lt;|im_end|&gt;</mark>") == 20


def test_the_answer_may_be_a_call_and_is_expected_as_the_model_writes_it(walked):
    rows = [{"messages": tool_chat(number, f"Town {number}")[:2], "tools": [TOOL]} for number in range(60)]
    _, found = walked(CHATS, rows, {"messages": "messages", "tools": "tools"}, shape="messages")
    row = found["chats/chats.jsonl:3"]
    assert (row["answer"], len(row["prompt"])) == ("call weather(Town 2)", 1)


def test_the_last_answer_alone_is_trained_where_asked(walked):
    rows = [{"messages": tool_chat(number), "tools": [TOOL]} for number in range(60)]
    example = {"messages": "messages", "tools": "tools"}
    every, _ = walked(CHATS, rows, example, shape="messages")
    last, _ = walked(CHATS, rows, example, train={"loss_on": "completion"}, shape="messages")
    assert last["tokens"]["sides"]["train"]["tokens"] == every["tokens"]["sides"]["train"]["tokens"]
    assert last["tokens"]["sides"]["train"]["trained"] < every["tokens"]["sides"]["train"]["trained"]
    assert "<mark>call" not in Path("work/chats/examples.html").read_text()


def test_answers_that_were_voted_down_are_nobodys_example(walked):
    votes = [
        {"prompt": f"What of stop {number}?", "completion": f"Stop {number} is open.", "label": number % 5 != 0}
        for number in range(60)
    ]
    columns = "".join(f"      - {{name: {name}, logicalType: string}}\n" for name in ("user", "assistant"))
    columns += "      - {name: desirable, logicalType: boolean, required: true}\n"
    datasheet, found = walked(columns, votes, {"user": "{user}", "assistant": "{assistant}"}, shape="thumbs")
    assert datasheet["rows"]["dropped_undesirable"] == 12
    assert sorted(row["answer"] for row in found.values()) == sorted(
        vote["completion"] for vote in votes if vote["label"]
    )


def test_personal_data_in_a_conversation_is_masked_and_it_stays_one(walked):
    rows = [{"messages": tool_chat(number), "tools": [TOOL]} for number in range(60)]
    rows[1]["messages"][0]["content"] = "Hello,\nada@x.example"
    rows[1]["messages"][1]["tool_calls"][0]["function"]["arguments"] = {"city": 4111111111111111}
    _, found = walked(CHATS, rows, {"messages": "messages", "tools": "tools"}, shape="messages")
    asked, called, _ = found["chats/chats.jsonl:2"]["prompt"]
    assert asked["content"] == "Hello,\n[EMAIL]"
    assert called["tool_calls"][0]["function"]["arguments"] == {"city": "[CARD]"}


def test_a_base_without_tools_is_refused_with_the_mend(walked, chatml_base):
    rows = [{"messages": tool_chat(number), "tools": [TOOL]} for number in range(60)]
    with pytest.raises(TinsmithError, match="leaves out 1 of 1 tools; choose a base whose template takes tools"):
        walked(CHATS, rows, {"messages": "messages", "tools": "tools"}, base=chatml_base, shape="messages")


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"tools": [{"name": 5}]}, "data.example.tools: chats/chats.jsonl:4: tool 1 has no function with a name"),
        (
            {"messages": json.dumps(tool_chat(0)[:1])},
            "data.example.messages: chats/chats.jsonl:4: the last turn is not",
        ),
        ({"messages": "secret"}, "data.example.messages: chats/chats.jsonl:4: the conversation is no JSON"),
    ],
)
def test_a_row_that_is_no_conversation_is_named(walked, changed, wrong):
    rows = [{"messages": json.dumps(tool_chat(number)), "tools": [TOOL]} for number in range(60)]
    rows[3] |= changed
    with pytest.raises(TinsmithError) as caught:
        walked(CHATS, rows, {"messages": "messages", "tools": "tools"})
    assert wrong in str(caught.value)
    assert "secret" not in str(caught.value)


def receipt(number):
    return {"text": f"Receipt {number}", "label": {"company": f"M {number}", "total": number / 4, "items": ["é", "b"]}}


def test_an_object_is_the_answer_whole_or_by_its_fields(walked):
    rows = [receipt(number) for number in range(60)]
    datasheet, found = walked(RECEIPTS, rows, {"user": "{text}", "assistant": {"json": ["label"]}})
    answer = '{"label": {"company": "M 2", "total": 0.5, "items": ["é", "b"]}}'
    assert found["chats/chats.jsonl:3"]["answer"] == answer
    assert datasheet["answer_schema"]["properties"]["label"]["required"] == ["company", "total", "items"]
    fields = {"json": ["label.total", "label.company"]}
    _, found = walked(RECEIPTS, rows, {"user": "{text} {label.items}", "assistant": fields})
    row = found["chats/chats.jsonl:3"]
    assert row["answer"] == '{"total": 0.5, "company": "M 2"}'
    assert row["prompt"] == [{"role": "user", "content": 'Receipt 2 ["é", "b"]'}]


def test_fields_that_break_their_contract_are_quarantined(walked):
    rows = [receipt(number) for number in range(60)]
    rows[3]["label"]["total"] = "much"
    rows[4]["label"]["items"] = ["a", 1]
    rows[5]["label"] = None
    walked(RECEIPTS, rows, {"user": "{text}", "assistant": {"json": ["label"]}})
    assert read_json(Path("reports/chats/ingest.json"))["reasons"] == {
        "label.items: items string": 1,
        "label.total: logicalType number": 1,
        "label.total: required": 1,
    }


def test_a_personal_field_is_masked_in_the_object(walked):
    columns = RECEIPTS.replace("company, logicalType: string", "company, logicalType: string, classification: pii")
    _, found = walked(columns, [receipt(number) for number in range(60)], {"user": "{text}", "assistant": "{label}"})
    row = found["chats/chats.jsonl:3"]
    assert row["answer"] == '{"company": "[PERSONAL]", "total": 0.5, "items": ["é", "b"]}'


def test_a_masked_number_no_longer_keeps_the_answers_schema(walked):
    columns = RECEIPTS.replace("total, logicalType: number", "total, logicalType: number, classification: pii")
    with pytest.raises(TinsmithError) as caught:
        walked(columns, [receipt(number) for number in range(60)], {"user": "{text}", "assistant": {"json": ["label"]}})
    assert "data.example.assistant: chats/chats.jsonl:1: `label.total` breaks the contract once its" in str(
        caught.value
    )


def test_how_long_the_examples_are_is_told_by_side_and_before_any_is_dropped(walked):
    rows = [
        {"text": f"{number} " + "word " * (60 if number < 3 else 10), "label": {"total": 1}} for number in range(60)
    ]
    example = {"user": "{text}", "assistant": "{label.total}"}
    datasheet, found = walked(RECEIPTS, rows, example, train={"max_length": 250})
    tokens = datasheet["tokens"]
    assert tokens["max_length"] == 250
    assert (datasheet["rows"]["dropped_too_long"], tokens["too_long"]["rows"]) == (3, 3)
    assert tokens["too_long"]["longest"] > 300 > 250 >= tokens["longest"]
    assert list(tokens["histogram"]) == ["64", "128", "256", "512"]
    assert (sum(tokens["histogram"].values()), tokens["histogram"]["512"]) == (60, 3)
    for side in SIDES:
        lengths = pq.read_table(f"work/chats/{side}.parquet").num_rows
        assert lengths * 64 < tokens["sides"][side]["tokens"] < lengths * 128
        assert tokens["sides"][side]["trained"] == lengths * len("1.0|")
    assert len(found) == 57
