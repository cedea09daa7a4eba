"""Conversations in the forms of the field become the same columns, and what is none of them is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.sources.json_records import BrokenJsonError
from pipelines.data.sources.shapes import reshaped
from tests.data.sources.reads import contract_of, read, refused, rows_of

ASKED = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
RULES = {"role": "system", "content": "Be kind."}
GOOD = [
    ("messages", {"messages": [RULES, ASKED, ANSWER]}),
    ("messages", {"messages": [RULES, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}, ANSWER]}),
    (
        "sharegpt",
        {"system": "Be kind.", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
    ),
    ("alpaca", {"system": "Be kind.", "instruction": "Hi", "input": "", "output": "Hello"}),
    ("completion", {"system": "Be kind.", "prompt": "Hi", "completion": "Hello"}),
    ("completion", {"prompt": [RULES, ASKED], "completion": [ANSWER]}),
    ("thumbs", {"prompt": [RULES, ASKED], "completion": [ANSWER], "label": True}),
]


@pytest.mark.parametrize(("shape", "row"), GOOD)
def test_every_shape_gives_the_same_columns(shape, row):
    columns = reshaped(row, shape)
    assert json.loads(columns["messages"]) == [RULES, ASKED, ANSWER]
    assert (columns["system"], columns["user"], columns["assistant"]) == ("Be kind.", "Hi", "Hello")
    assert columns.get("desirable") is (True if shape == "thumbs" else None)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Hello", "rejected": "What?"},
        {"prompt": [ASKED], "chosen": [ANSWER], "rejected": [ANSWER | {"content": "What?"}]},
        {"chosen": [ASKED, ANSWER], "rejected": [ASKED, ANSWER | {"content": "What?"}]},
    ],
)
def test_a_preference_has_two_answers_to_one_question(row):
    columns = reshaped(row, "preference")
    assert (columns["user"], columns["chosen"], columns["rejected"]) == ("Hi", "Hello", "What?")
    assert json.loads(columns["messages"]) == [ASKED]


def test_turns_before_the_last_stay_in_the_messages():
    history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert json.loads(reshaped({"messages": [*history, ASKED, ANSWER]}, "messages")["messages"])[:2] == history
    row = {"instruction": "Hi", "output": "Hello", "history": [["a", "b"]]}
    assert json.loads(reshaped(row, "alpaca")["messages"]) == [*history, ASKED, ANSWER]


def test_tool_calls_stay_with_their_numbers(tmp_path):
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": {"n": 9007199254740993}}}
    turns = [ASKED, {"role": "assistant", "content": None, "tool_calls": [call]}]
    line = json.dumps({"id": 1, "messages": turns}).encode()
    (row,) = rows_of(tmp_path / "a.jsonl", line, contract_of(id="integer", messages="string"), shape="messages")
    assert json.loads(row.texts[1])[1] == {"role": "assistant", "content": "", "tool_calls": [call]}


BAD = [
    ("messages", {}, "messages is not a list of turns"),
    ("messages", {"messages": []}, "messages is not a list of turns"),
    ("messages", {"messages": ["Hi"]}, "a turn's role is not known"),
    ("messages", {"messages": [{"role": "robot", "content": "x"}]}, "a turn's role is not known"),
    ("messages", {"messages": [ASKED]}, "the last turn is not the assistant's"),
    ("messages", {"messages": [ANSWER]}, "nothing is asked"),
    ("messages", {"messages": [ASKED, ANSWER | {"content": ""}]}, "the last answer is empty"),
    ("messages", {"messages": [ASKED, ANSWER | {"content": 5}]}, "a turn's content is not text"),
    (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ANSWER]},
        "a turn holds more than text",
    ),
    ("sharegpt", {"conversations": [{"from": "robot", "value": "x"}]}, "a turn's `from` is not known"),
    ("alpaca", {"instruction": "Hi"}, "output is missing or is not text"),
    ("alpaca", {"instruction": "Hi", "output": "x", "history": ["a"]}, "history is not a list of [question, answer]"),
    ("completion", {"prompt": 5, "completion": "x"}, "prompt is missing or is not text"),
    ("preference", {"prompt": "Hi", "chosen": "x", "rejected": "x"}, "chosen and rejected are the same"),
    (
        "preference",
        {"chosen": [ASKED, ANSWER], "rejected": [RULES, ANSWER]},
        "chosen and rejected differ before their last turn",
    ),
    ("thumbs", {"prompt": "Hi", "completion": "x", "label": "good"}, "label is not true or false"),
]


@pytest.mark.parametrize(("shape", "row", "why"), BAD)
def test_a_row_of_another_shape_is_refused_with_the_reason(tmp_path, shape, row, why):
    content = b"%s\n%s\n" % (json.dumps(row).encode(), json.dumps(dict(GOOD_BY_SHAPE[shape])).encode())
    rows = rows_of(tmp_path / "a.jsonl", content, contract_of(user="string"), shape=shape)
    assert read(rows) == [("Hi",)]
    assert refused(rows) == [(1, (f"row: not of the shape {shape}: {why}",))]


GOOD_BY_SHAPE = dict(GOOD) | {"preference": {"prompt": "Hi", "chosen": "a", "rejected": "b"}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "text", "type"]), inner, max_size=3)
    ),
    max_leaves=8,
)
keys = ["messages", "conversations", "prompt", "completion", "chosen", "rejected", "label", "instruction", "output"]


@given(
    row=st.dictionaries(st.sampled_from([*keys, "history", "system", "input"]), json_values, max_size=6),
    shape=st.sampled_from(sorted(GOOD_BY_SHAPE)),
)
def test_any_row_is_of_the_shape_or_refused(row, shape):
    try:
        columns = reshaped(row, shape)
    except BrokenJsonError as error:
        columns = {"user": str(error).removeprefix(f"row: not of the shape {shape}: ")}
    assert not columns["user"].startswith("row: ")
