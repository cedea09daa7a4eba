import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.tool_calls import calls_in, check_calls, same_calls, same_tools
from tests.scoring.metrics.strategies import objects, rows_expecting

OSLO = '{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}'
names = st.text(min_size=1)


@pytest.mark.parametrize(
    "text",
    [
        OSLO,
        f"<tool_call>\n{OSLO}\n</tool_call>",
        f"I look it up.\n<tool_call>\n{OSLO}\n</tool_call>",
        '{"name": "weather", "parameters": {"days": 2.0, "city": "Oslo"}}',
        f"[TOOL_CALLS][{OSLO}]",
        f"```json\n{OSLO}\n```",
        '{"type": "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\", \\"days\\": 2}"}}',
        f'{{"tool_calls": [{OSLO}]}}',
        f'{{"note": "no call"}} {OSLO}',
        'I look it up. [weather(city="Oslo", days=2)]',
        "<|tool_call_start|>[weather(days=2, city='Oslo')]<|tool_call_end|>",
    ],
)
def test_calls_are_read_as_templates_write_them(text):
    assert calls_in(text) == calls_in(OSLO)
    assert [name for name, _ in calls_in(text)] == ["weather"]


def test_calls_in_pythons_form_are_read_with_values_of_python_or_json_and_never_run():
    text = "[shop.order(items=['tea', {\"n\": 2}], gift=true, note=None, price=-1.5), shop.close()]"
    expected = '{"items": ["tea", {"n": 2}], "gift": true, "note": null, "price": -1.5}'
    call = f'{{"name": "shop.order", "arguments": {expected}}}{{"name": "shop.close", "arguments": {{}}}}'
    assert calls_in(text) == calls_in(call)
    assert len(calls_in(text)) == 2


@pytest.mark.parametrize(
    "inside",
    [
        "1",
        "x={1}",
        "x=b'1'",
        "x=1e999",
        "**y",
        "**{'x': 1}",
        "x=open('/')",
        "x=\0",
        "x=" + "(" * 5000,
        "x=" + "-" * 50_000,
        "x=" + "[" * 3000 + "]" * 3000,
        "x=1)(y=2",
    ],
)
def test_what_is_no_call_in_pythons_form_is_none(inside):
    assert calls_in(f"[f({inside})]") == []


def test_calls_in_tags_are_read_with_their_arguments_as_text():
    text = (
        "<tool_call>\n<function=weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n</parameter>\n"
        "</function>\n</tool_call>\n<tool_call>\n<function=time>\n</function>\n</tool_call>"
    )
    (first, arguments), (second, none) = calls_in(text)
    assert (first, second) == ("weather", "time")
    assert arguments == calls_in('{"name": "x", "arguments": {"days": "2", "city": "Oslo"}}')[0][1]
    assert none == calls_in('{"name": "x", "arguments": {}}')[0][1]


def test_calls_in_tags_around_json_are_read_with_its_values():
    """As Llama 3.1's own tools are called; what is neither JSON nor in tags is no call that can be compared."""
    assert calls_in('<function=weather>{"city": "Oslo", "days": 2}</function>') == calls_in(OSLO)
    assert calls_in('<function=weather>{"city": "Bergen", "days": 2}</function>') != calls_in(OSLO)
    assert calls_in("<function=weather>Oslo for two days</function>") == []
    assert calls_in("<function=weather>[1, 2]</function>") == []


@pytest.mark.parametrize(
    "text", ["", "It rains.", '{"city": "Oslo"}', '{"name": "weather"}', OSLO[:-1], "{" * 100_000, '{"a":' * 50_000]
)
def test_what_is_no_call_is_none(text):
    assert calls_in(text) == []


def test_calls_count_by_name_and_arguments_in_any_order():
    time = '{"name": "time", "arguments": {}}'
    rows = rows_expecting(f"{OSLO}\n{time}", OSLO, OSLO, "It rains.", "It rains.", OSLO)
    other = OSLO.replace("Oslo", "Bergen")
    answers = [f"{time}\n{OSLO}", f"{OSLO}\n{OSLO}", other, "Yes, it rains.", OSLO, "It rains."]
    assert same_calls(rows, answers).tolist() == [1, 0, 0, 1, 0, 0]
    assert same_tools(rows, answers).tolist() == [1, 0, 1, 1, 0, 0]


@settings(deadline=None)
@given(names, objects)
def test_the_expected_call_itself_scores_one(name, arguments):
    text = json.dumps({"name": name, "arguments": arguments})
    assert len(calls_in(text)) == 1
    assert same_calls(rows_expecting(text), [text]).tolist() == [1]


def chat_row(answer):
    call = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo", "days": 2}}}
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    return {"example_id": "chats.jsonl:1", "answer": answer, "chat": json.dumps({"messages": messages, "tools": []})}


def test_calls_that_cannot_be_read_are_told_before_anything_is_judged():
    check_calls([chat_row(f"<tool_call>\n{OSLO}\n</tool_call>")], "tool_calls")
    with pytest.raises(TinsmithError, match=r"1 of 1 rows expect \(first chats.jsonl:1\) cannot be read"):
        check_calls([chat_row("weather(Oslo)")], "tool_calls")
    with pytest.raises(TinsmithError, match="cannot be read"):
        check_calls([chat_row("<function=weather></function>")], "tool_calls")
    with pytest.raises(TinsmithError, match="none of the 1 judged rows expects a call"):
        check_calls(rows_expecting("It rains."), "tool_calls")
