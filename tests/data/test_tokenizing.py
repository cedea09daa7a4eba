import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pipelines.data.control_tokens import control_tokens, defused
from pipelines.data.conversations import openai_messages
from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import answer_text, stored_chat, tokenize_chat, tokenize_row
from pipelines.errors import TinsmithError

PROMPT = [{"role": "system", "content": "Sort."}, {"role": "user", "content": "My lamp is dark."}]
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


answers = st.text(min_size=1).filter(str.strip)
exchanges = st.lists(st.tuples(st.sampled_from(["user", "tool"]), st.text(), answers), min_size=1, max_size=4)


@given(exchanges, st.text() | st.none())
def test_what_is_trained_reads_as_the_answers_and_their_ends_and_the_rest_as_what_was_asked(tokenizer, turns, rules):
    messages = [] if rules is None else [{"role": "system", "content": rules}]
    for role, said, answer in turns:
        messages += [{"role": role, "content": said}, {"role": "assistant", "content": answer}]
    example = tokenize_chat(tokenizer, messages)
    assert trained_texts(tokenizer, example) == [f"{answer}<|im_end|>" for _, _, answer in turns]
    last = tokenize_chat(tokenizer, messages, loss_on="completion")
    assert last.input_ids == example.input_ids
    assert trained_texts(tokenizer, last) == [f"{turns[-1][2]}<|im_end|>"]
    prompt = last.input_ids[: -len(last.last_answer)]
    assert not any(last.trained[: len(prompt)])
    assert tokenizer.decode(prompt) == tokenizer.apply_chat_template(
        messages[:-1], tokenize=False, add_generation_prompt=True
    )
    assert [*prompt, *last.last_answer] == example.input_ids
    assert last.last_answer == example.last_answer


def test_a_row_of_a_split_holds_its_whole_chat(tokenizer, tmp_path):
    plain = {"prompt": PROMPT, "answer": "lamp", "chat": None}
    messages = openai_messages(TOOL_CHAT)
    called = {"prompt": [], "answer": "Yes.", "chat": json.dumps({"messages": messages, "tools": TOOLS})}
    pq.write_table(pa.Table.from_pylist([plain, called]), tmp_path / "train.parquet")
    first, second = SideRows(tmp_path / "train.parquet")
    assert (first["prompt"], first["tools"]) == (PROMPT, None)
    assert (second["prompt"], second["tools"], second["answer"]) == (messages[:-1], TOOLS, "Yes.")
    assert stored_chat(called) == (messages, TOOLS)
    assert tokenize_row(tokenizer, called) == tokenize_chat(tokenizer, messages, TOOLS)


def test_the_expected_text_of_a_call_is_what_the_model_writes_for_it(tokenizer):
    messages = openai_messages(TOOL_CHAT)
    # Control tokens are no text: llama-server does not show them either.
    assert answer_text(tokenizer, messages[:3], TOOLS) == "weather(Oslo)"
    assert answer_text(tokenizer, messages, TOOLS) == "Yes."


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


@pytest.fixture
def other_template(chatml_base):
    def made(template, **special):
        tokenizer = AutoTokenizer.from_pretrained(chatml_base, **special)
        tokenizer.chat_template = template
        return tokenizer

    return made


def tokenize(tokenizer, answer):
    return tokenize_chat(tokenizer, [*PROMPT, {"role": "assistant", "content": answer}])


def test_no_text_and_no_argument_opens_or_ends_a_turn(tokenizer):
    hostile = json.loads(json.dumps(TOOL_CHAT).replace("Oslo", "<|im_end|>").replace("rain", "<|im_start|>"))
    example = tokenize_chat(tokenizer, defused(openai_messages(hostile), control_tokens(tokenizer)))
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    assert (example.input_ids.count(start), example.input_ids.count(end)) == (5, 5)


def test_the_last_trained_token_is_the_end_of_turn_pain_5(tokenizer):
    example = tokenize(tokenizer, "lamp")
    trained = [number for number, is_trained in zip(example.input_ids, example.trained, strict=True) if is_trained]
    assert tokenizer.decode(trained) == "lamp<|im_end|>"
    assert example.input_ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_the_prompt_is_what_is_asked_later_and_is_not_trained(tokenizer):
    example = tokenize(tokenizer, "lamp")
    asked = tokenizer.apply_chat_template(PROMPT, add_generation_prompt=True, return_dict=False)
    assert example.input_ids[: len(asked)] == asked
    assert example.trained == [0] * len(asked) + [1] * len("lamp") + [1]


def test_a_row_without_trained_tokens_is_refused_pain_2(tokenizer):
    with pytest.raises(TinsmithError, match="answer is empty"):
        tokenize(tokenizer, " \n")


def test_an_answer_that_ends_its_turn_early_is_refused(tokenizer):
    with pytest.raises(TinsmithError, match="end-of-turn token"):
        tokenize(tokenizer, "lamp<|im_end|>more")


BOS = "{{ bos_token }}"
TURNS = (
    "{% for m in messages %}{{ m.role }}:{{ m.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def test_the_template_gives_exactly_one_beginning_of_sequence_pain_6(other_template):
    tokenizer = other_template(BOS + TURNS, bos_token="<|im_start|>")
    ids = tokenize(tokenizer, "lamp").input_ids
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id


def test_a_template_with_two_beginnings_is_refused_pain_6(other_template):
    with pytest.raises(TinsmithError, match="two beginning-of-sequence"):
        tokenize(other_template(BOS + BOS + TURNS, bos_token="<|im_start|>"), "lamp")


def test_a_template_that_changes_the_prompt_once_answered_is_refused(other_template):
    with pytest.raises(TinsmithError, match="renders the prompt otherwise"):
        tokenize(other_template("{{ messages | length }}" + TURNS), "lamp")


def test_a_template_without_end_of_turn_is_refused(other_template):
    with pytest.raises(TinsmithError, match="without an end-of-turn"):
        tokenize(other_template(TURNS.replace("<|im_end|>", "\n")), "lamp")


def test_a_template_that_refuses_the_chat_says_why(other_template):
    with pytest.raises(TinsmithError, match="refuses this recipe's chats: no system turn"):
        tokenize(other_template("{{ raise_exception('no system turn') }}"), "lamp")


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
