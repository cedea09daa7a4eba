import json
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pipelines.data.control_tokens import control_tokens, defuse
from pipelines.data.rendering import answer_fields, render
from pipelines.data.tokenizing import tokenize_chat
from pipelines.recipe import Example

NONE = re.compile(r"(?!)")
TEXT_ANSWER = Example(system="Sort {kind}.", user="{subject}\n\n{body}", assistant="{label}")
JSON_ANSWER = Example.model_validate(
    {"user": "{body} {{kept}}", "assistant": {"json": ("label", "count", "when", "gone")}}
)
SPECIALS = ["<|im_start|>", "<|im_end|>", "<file_sep>"]
HOSTILE = st.lists(st.sampled_from([*SPECIALS, "<", "|im_end|>", "<|im_", "start|>", "user\n", "x"])).map("".join)


@pytest.fixture(scope="module")
def tokenizer(chatml_base):
    return AutoTokenizer.from_pretrained(chatml_base)


def test_a_json_answer_keeps_order_types_and_umlauts():
    row = {"label": "Tür", "count": 3, "when": datetime(2026, 1, 2, tzinfo=UTC), "gone": None, "body": "b"}
    chat = render(JSON_ANSWER, row, NONE)
    assert (
        chat.messages[-1]["content"]
        == '{"label": "Tür", "count": 3, "when": "2026-01-02T00:00:00+00:00", "gone": null}'
    )
    assert chat.prompt == [{"role": "user", "content": "b {kept}"}]
    assert answer_fields(JSON_ANSWER, chat.messages[-1]["content"]) == json.loads(chat.messages[-1]["content"])


def test_a_text_answer_is_one_field_and_missing_values_leave_nothing():
    chat = render(TEXT_ANSWER, {"kind": True, "subject": None, "body": date(2026, 1, 2), "label": "lamp"}, NONE)
    assert [message["content"] for message in chat.prompt] == ["Sort true.", "\n\n2026-01-02"]
    assert answer_fields(TEXT_ANSWER, chat.messages[-1]["content"]) == {"answer": "lamp"}


@given(st.text(), st.text(), st.text(), st.text())
def test_every_columns_text_is_there_as_it_was(kind, subject, body, label):
    chat = render(TEXT_ANSWER, {"kind": kind, "subject": subject, "body": body, "label": label}, NONE)
    assert [message["content"] for message in chat.prompt] == [f"Sort {kind}.", f"{subject}\n\n{body}"]
    assert chat.messages[-1]["content"] == label
    assert not chat.defused


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_opens_or_ends_a_turn(tokenizer, subject, body, label):
    row = {"kind": "x", "subject": subject, "body": body, "label": f"{label}."}
    chat = render(TEXT_ANSWER, row, control_tokens(tokenizer))
    ids = tokenize_chat(tokenizer, chat.messages).input_ids
    start, end, separator = tokenizer.convert_tokens_to_ids(SPECIALS)
    assert (ids.count(start), ids.count(end), ids.count(separator)) == (3, 3, 0)
    assert chat.defused == any(token in text for token in SPECIALS for text in (f"{subject}\n\n{body}", label))


def test_a_defused_token_stays_readable(tokenizer):
    assert defuse("a <|im_start|> b", control_tokens(tokenizer)) == "a < |im_start|> b"
