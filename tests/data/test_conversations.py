import json

import pytest

from pipelines.data.conversations import BrokenConversationError, openai_messages, openai_tools


def test_a_conversation_is_taken_as_json_text_and_in_parts():
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert openai_messages(json.dumps(parts)) == [{"role": "user", "content": "ab"}]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("{", "the conversation is no JSON"),
        ("[" * 100_000, "the conversation is no JSON"),
        ([], "no list of messages"),
        ([{"role": "robot", "content": "secret"}], "message 1 has no role of"),
        ([{"role": "user", "content": None}], "message 1 has no text"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "message 1 has a part that is not text"),
        ([{"role": "assistant", "tool_calls": [{"function": {}}]}], "message 1 has a call without"),
        ([{"role": "assistant", "tool_calls": "secret"}], "message 1 has calls that are no list"),
        ([{"role": "user", "content": "a", "tool_calls": [{}]}], "are not the assistant's"),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}], "a call is no JSON"),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]}], "are no object"),
    ],
)
def test_what_is_no_conversation_is_told_without_its_text(value, wrong):
    with pytest.raises(BrokenConversationError, match=wrong) as caught:
        openai_messages(value)
    assert "secret" not in str(caught.value)


def test_reasoning_is_kept_under_the_name_that_templates_know():
    for name in ("reasoning_content", "reasoning", "thinking"):
        (message,) = openai_messages([{"role": "assistant", "content": "Yes.", name: "hm"}])
        assert message == {"role": "assistant", "content": "Yes.", "reasoning_content": "hm"}


def test_tools_are_taken_as_json_text_and_bare_functions_are_wrapped():
    function = {"name": "weather", "parameters": {"type": "object"}}
    wrapped = [{"type": "function", "function": function}]
    assert openai_tools(json.dumps(wrapped)) == openai_tools([function]) == wrapped
    assert openai_tools(None) is openai_tools([]) is None


@pytest.mark.parametrize("value", ["{", {"name": "f"}, [{"name": 5}], [{"type": "function"}], ["secret"]])
def test_what_is_no_list_of_tools_is_told_without_its_text(value):
    with pytest.raises(BrokenConversationError, match=r"tool") as caught:
        openai_tools(value)
    assert "secret" not in str(caught.value)
