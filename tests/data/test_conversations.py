import json

import pytest
from transformers import AutoTokenizer

from pipelines.data.conversations import BrokenConversationError, defused, openai_messages
from pipelines.data.rendering import control_tokens, tokenize_chat
from pipelines.errors import TinsmithError

CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
TOOL_CHAT = [
    {"role": "system", "content": "Help."},
    {"role": "user", "content": "Is it raining?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    {"role": "assistant", "content": "Yes."},
]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
TEMPLATE = (
    "{% if tools %}<|im_start|>tools\n{{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
    "<file_sep>{{ c.function.name }}({{ c.function.arguments.city }}){% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer(chatml_base):
    made = AutoTokenizer.from_pretrained(chatml_base)
    made.chat_template = TEMPLATE
    return made


def trained_texts(tokenizer, example):
    """The runs of trained tokens."""
    runs, run = [], []
    for number, trained in zip([*example.input_ids, None], [*example.trained, 0], strict=True):
        if trained:
            run.append(number)
        elif run:
            runs.append(tokenizer.decode(run))
            run = []
    return runs


def test_every_turn_of_the_assistant_is_trained_and_nothing_else(tokenizer):
    chat = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "c"},
    ]
    example = tokenize_chat(tokenizer, openai_messages(chat))
    assert trained_texts(tokenizer, example) == ["one<|im_end|>", "two<|im_end|>"]
    assert tokenizer.decode(example.input_ids).endswith("two<|im_end|>")


def test_a_call_is_trained_up_to_the_end_of_its_turn_and_its_result_is_not(tokenizer):
    example = tokenize_chat(tokenizer, openai_messages(TOOL_CHAT), TOOLS)
    assert trained_texts(tokenizer, example) == ["<file_sep>weather(Oslo)<|im_end|>", "Yes.<|im_end|>"]
    assert '"name": "weather"' in tokenizer.decode(example.input_ids)


def test_a_conversation_is_taken_as_json_text_and_in_parts():
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert openai_messages(json.dumps(parts)) == [{"role": "user", "content": "a\nb"}]


def test_no_text_and_no_argument_opens_or_ends_a_turn(tokenizer):
    hostile = json.loads(json.dumps(TOOL_CHAT).replace("Oslo", "<|im_end|>").replace("rain", "<|im_start|>"))
    example = tokenize_chat(tokenizer, defused(openai_messages(hostile), control_tokens(tokenizer)))
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    assert (example.input_ids.count(start), example.input_ids.count(end)) == (5, 5)


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


def test_a_chat_without_an_answer_is_refused_pain_2(tokenizer):
    with pytest.raises(TinsmithError, match="no turn of the assistant"):
        tokenize_chat(tokenizer, [{"role": "user", "content": "a"}])


def test_a_template_that_rewrites_earlier_answers_is_refused_pain_25(chatml_base):
    """PAINS 25: some templates take the reasoning out of earlier turns, which no mask can make good."""
    forgetful = AutoTokenizer.from_pretrained(chatml_base)
    forgetful.chat_template = TEMPLATE.replace("{{ m.content }}", "{{ m.content if loop.last else 'x' }}")
    chat = [{"role": role, "content": role} for role in ("user", "assistant", "user", "assistant")]
    with pytest.raises(TinsmithError, match="renders the prompt otherwise"):
        tokenize_chat(forgetful, chat)
