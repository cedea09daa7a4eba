import json

import pytest

from pipelines.data.conversations import BrokenConversationError, openai_messages, openai_tools


def test_a_conversation_is_taken_as_json_text_and_in_parts():
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert openai_messages(json.dumps(parts)) == [{"role": "user", "content": "a\nb"}]


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
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}], "a call is no JSON"),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]}], "are no object"),
    ],
)
def test_what_is_no_conversation_is_told_without_its_text(value, wrong):
    with pytest.raises(BrokenConversationError, match=wrong) as caught:
        openai_messages(value)
    assert "secret" not in str(caught.value)
