import json
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pipelines.data.rendering import answer_fields, control_tokens, defuse, render, tokenize_example
from pipelines.errors import TinsmithError
from pipelines.recipe import Example

NONE = re.compile(r"(?!)")
TEXT_ANSWER = Example(system="Sort {kind}.", user="{subject}\n\n{body}", assistant="{label}")
JSON_ANSWER = Example.model_validate(
    {"user": "{body} {{kept}}", "assistant": {"json": ("label", "count", "when", "gone")}}
)
PROMPT = [{"role": "system", "content": "Sort."}, {"role": "user", "content": "My lamp is dark."}]
SPECIALS = ["<|im_start|>", "<|im_end|>", "<file_sep>"]
HOSTILE = st.lists(st.sampled_from([*SPECIALS, "<", "|im_end|>", "<|im_", "start|>", "user\n", "x"])).map("".join)


@pytest.fixture(scope="module")
def tokenizer(chatml_base):
    return AutoTokenizer.from_pretrained(chatml_base)


@pytest.fixture
def other_template(chatml_base):
    def made(template, **special):
        tokenizer = AutoTokenizer.from_pretrained(chatml_base, **special)
        tokenizer.chat_template = template
        return tokenizer

    return made


def test_a_json_answer_keeps_order_types_and_umlauts():
    row = {"label": "Tür", "count": 3, "when": datetime(2026, 1, 2, tzinfo=UTC), "gone": None, "body": "b"}
    chat = render(JSON_ANSWER, row, NONE)
    assert chat.answer == '{"label": "Tür", "count": 3, "when": "2026-01-02T00:00:00+00:00", "gone": null}'
    assert chat.prompt == [{"role": "user", "content": "b {kept}"}]
    assert answer_fields(JSON_ANSWER, chat.answer) == json.loads(chat.answer)


def test_a_text_answer_is_one_field_and_missing_values_leave_nothing():
    chat = render(TEXT_ANSWER, {"kind": True, "subject": None, "body": date(2026, 1, 2), "label": "lamp"}, NONE)
    assert [message["content"] for message in chat.prompt] == ["Sort true.", "\n\n2026-01-02"]
    assert answer_fields(TEXT_ANSWER, chat.answer) == {"answer": "lamp"}


@given(st.text(), st.text(), st.text(), st.text())
def test_every_columns_text_is_there_as_it_was(kind, subject, body, label):
    chat = render(TEXT_ANSWER, {"kind": kind, "subject": subject, "body": body, "label": label}, NONE)
    assert [message["content"] for message in chat.prompt] == [f"Sort {kind}.", f"{subject}\n\n{body}"]
    assert chat.answer == label
    assert not chat.defused


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_opens_or_ends_a_turn(tokenizer, subject, body, label):
    row = {"kind": "x", "subject": subject, "body": body, "label": f"{label}."}
    chat = render(TEXT_ANSWER, row, control_tokens(tokenizer))
    ids = tokenize_example(tokenizer, chat.prompt, chat.answer).input_ids
    start, end, separator = tokenizer.convert_tokens_to_ids(SPECIALS)
    assert (ids.count(start), ids.count(end), ids.count(separator)) == (3, 3, 0)
    assert chat.defused == any(token in text for token in SPECIALS for text in (f"{subject}\n\n{body}", label))


def test_a_defused_token_stays_readable(tokenizer):
    assert defuse("a <|im_start|> b", control_tokens(tokenizer)) == "a < |im_start|> b"


def test_the_last_trained_token_is_the_end_of_turn_pain_5(tokenizer):
    example = tokenize_example(tokenizer, PROMPT, "lamp")
    trained = [number for number, is_trained in zip(example.input_ids, example.trained, strict=True) if is_trained]
    assert tokenizer.decode(trained) == "lamp<|im_end|>"
    assert example.input_ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_the_prompt_is_what_is_asked_later_and_is_not_trained(tokenizer):
    example = tokenize_example(tokenizer, PROMPT, "lamp")
    asked = tokenizer.apply_chat_template(PROMPT, add_generation_prompt=True, return_dict=False)
    assert example.input_ids[: len(asked)] == asked
    assert example.trained == [0] * len(asked) + [1] * len("lamp") + [1]


def test_a_row_without_trained_tokens_is_refused_pain_2(tokenizer):
    with pytest.raises(TinsmithError, match="answer is empty"):
        tokenize_example(tokenizer, PROMPT, " \n")


def test_an_answer_that_ends_its_turn_early_is_refused(tokenizer):
    with pytest.raises(TinsmithError, match="end-of-turn token"):
        tokenize_example(tokenizer, PROMPT, "lamp<|im_end|>more")


BOS = "{{ bos_token }}"
TURNS = (
    "{% for m in messages %}{{ m.role }}:{{ m.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def test_the_template_gives_exactly_one_beginning_of_sequence_pain_6(other_template):
    tokenizer = other_template(BOS + TURNS, bos_token="<|im_start|>")
    ids = tokenize_example(tokenizer, PROMPT, "lamp").input_ids
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id


def test_a_template_with_two_beginnings_is_refused_pain_6(other_template):
    with pytest.raises(TinsmithError, match="two beginning-of-sequence"):
        tokenize_example(other_template(BOS + BOS + TURNS, bos_token="<|im_start|>"), PROMPT, "lamp")


def test_a_template_that_changes_the_prompt_once_answered_is_refused(other_template):
    with pytest.raises(TinsmithError, match="renders the prompt otherwise"):
        tokenize_example(other_template("{{ messages | length }}" + TURNS), PROMPT, "lamp")


def test_a_template_without_end_of_turn_is_refused(other_template):
    with pytest.raises(TinsmithError, match="without an end-of-turn"):
        tokenize_example(other_template(TURNS.replace("<|im_end|>", "\n")), PROMPT, "lamp")


def test_a_template_that_refuses_the_chat_says_why(other_template):
    with pytest.raises(TinsmithError, match="refuses this recipe's chats: no system turn"):
        tokenize_example(other_template("{{ raise_exception('no system turn') }}"), PROMPT, "lamp")
