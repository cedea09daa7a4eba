"""Chat templates of well-known models, as the installed trl brings them: trained on rightly, or refused aloud."""

from pathlib import Path

import pytest
import trl
from transformers import AutoTokenizer

from pipelines.data.conversations import openai_messages
from pipelines.data.tokenizing import tokenize_chat
from pipelines.errors import TinsmithError
from tests.data.test_tokenizing import TOOL_CHAT, TOOLS, trained_texts

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "First?"},
    {"role": "assistant", "content": "one"},
    {"role": "user", "content": "Second?"},
    {"role": "assistant", "content": "two"},
]
THOUGHT = "<think>\nThe first comes first.\n</think>\n\none"
REASONED = [*CHAT[:2], {"role": "assistant", "content": THOUGHT}, *CHAT[3:]]


@pytest.fixture
def of_model(chatml_base):
    def made(name):
        tokenizer = AutoTokenizer.from_pretrained(chatml_base)
        tokenizer.add_special_tokens({"additional_special_tokens": ["<|eot_id|>", "<|end|>"]})
        tokenizer.bos_token = "<file_sep>"
        tokenizer.chat_template = (TEMPLATES / f"{name}.jinja").read_text()
        return tokenizer

    return made


@pytest.mark.parametrize(
    ("name", "end"), [("qwen2_5", "<|im_end|>"), ("llama3", "<|eot_id|>"), ("llama3_2", "<|eot_id|>")]
)
def test_every_answer_or_the_last_alone_is_trained(of_model, name, end):
    tokenizer = of_model(name)
    every = tokenize_chat(tokenizer, CHAT)
    last = tokenize_chat(tokenizer, CHAT, loss_on="completion")
    assert trained_texts(tokenizer, every) == [f"one{end}", f"two{end}"]
    assert trained_texts(tokenizer, last) == [f"two{end}"]
    assert every.input_ids == last.input_ids
    assert tokenizer.decode(every.last_answer) == tokenizer.decode(last.last_answer) == f"two{end}"


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("qwen2_5", '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>'),
        ("llama3_2", '{"name": "weather", "parameters": {"city": "Oslo"}}<|eot_id|>'),
        (
            "qwen3_5_nothink",
            "<tool_call>\n<function=weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call><|im_end|>",
        ),
    ],
)
def test_calls_are_trained_as_the_model_writes_them(of_model, name, call):
    tokenizer = of_model(name)
    end = call[call.rindex("<") :]
    example = tokenize_chat(tokenizer, openai_messages(TOOL_CHAT), TOOLS)
    assert trained_texts(tokenizer, example) == [call, f"Yes.{end}"]
    assert '"weather"' in tokenizer.decode(example.input_ids[: example.trained.index(1)])
    asked = tokenize_chat(tokenizer, openai_messages(TOOL_CHAT[:3]), TOOLS, "completion")
    assert trained_texts(tokenizer, asked) == [call]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("llama3", "leaves out 1 of 1 tools"),
        ("phi3", "leaves out 1 of 1 tools"),
        ("lfm2", "leaves out calls of tools"),
        ("gemma3", "refuses this recipe's chats"),
        ("deepseekv3", "cannot write this recipe's tools"),
    ],
)
def test_a_template_without_tools_is_refused(of_model, name, wrong):
    for loss_on in ("assistant", "completion"):
        with pytest.raises(TinsmithError, match=wrong):
            tokenize_chat(of_model(name), openai_messages(TOOL_CHAT), TOOLS, loss_on)


def test_reasoning_in_earlier_answers_stays_where_the_template_keeps_it_pain_25(of_model):
    tokenizer = of_model("qwen2_5")
    example = tokenize_chat(tokenizer, REASONED)
    assert trained_texts(tokenizer, example) == [f"{THOUGHT}<|im_end|>", "two<|im_end|>"]


@pytest.mark.parametrize("name", ["qwen3", "qwen3_6"])
def test_reasoning_that_a_template_takes_out_of_earlier_answers_is_not_trained_pain_25(of_model, name):
    tokenizer = of_model(name)
    with pytest.raises(TinsmithError, match=r"renders the prompt otherwise .* train.loss_on: completion"):
        tokenize_chat(tokenizer, REASONED)
    # The last answer alone is trained behind a history as the model will see it: without the reasoning.
    example = tokenize_chat(tokenizer, REASONED, loss_on="completion")
    assert trained_texts(tokenizer, example) == ["two<|im_end|>"]
    assert "The first comes first" not in tokenizer.decode(example.input_ids)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("qwen3", "take the reasoning out of the data"),
        ("qwen3_8", "opens <think> before an answer that opens it again"),
    ],
)
def test_reasoning_that_would_be_stripped_or_doubled_is_refused_pain_25(of_model, name, wrong):
    """llama-server switches thinking off, so that these models are asked behind an empty thought."""
    with pytest.raises(TinsmithError, match=wrong):
        tokenize_chat(of_model(name), REASONED[:3])


def test_a_template_that_leaves_out_a_turn_is_refused(of_model):
    with pytest.raises(TinsmithError, match="leaves out message 1, a turn of system"):
        tokenize_chat(of_model("smolvlm"), CHAT)


@pytest.mark.parametrize("name", ["phi3", "qwen3", "gptoss"])
def test_what_a_template_writes_around_an_answer_is_told_from_its_end(of_model, name):
    tokenizer = of_model(name)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|return|>", "<|channel|>", "<|message|>"]})
    example = tokenize_chat(tokenizer, CHAT, loss_on="completion")
    end = {"phi3": "two<|end|>", "qwen3": "two<|im_end|>", "gptoss": "<|channel|>final<|message|>two<|return|>"}[name]
    assert tokenizer.decode(example.last_answer) == end
    assert example.input_ids[-len(example.last_answer) :] == example.last_answer
