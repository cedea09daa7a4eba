import pytest

from pipelines.data.sampled_text import (
    beginning_of_file,
    general_text_file,
    plain_texts,
    rendered_chats,
    said,
)
from pipelines.errors import TinsmithError
from pipelines.model.base import load_tokenizer


@pytest.fixture(scope="module")
def tokenizer(chatml_base):
    return load_tokenizer(chatml_base)


def row(number):
    prompt = [{"role": "system", "content": "Route."}, {"role": "user", "content": f"Ticket {number}"}]
    return {"prompt": prompt, "answer": "Card"}


def test_chats_come_with_their_control_tokens_and_plain_texts_without_instructions(tokenizer):
    rows = [row(1), row(2)]
    rendered, plain = (sample(tokenizer, rows, 10_000) for sample in (rendered_chats, plain_texts))
    assert rendered.text.count("<|im_start|>assistant\nCard<|im_end|>") == 2
    assert plain.text == "Ticket 1\nCard\nTicket 2\nCard\n"
    for sample in (rendered, plain):
        assert sample.tokens == len(tokenizer(sample.text, add_special_tokens=False)["input_ids"])


def test_text_ends_with_the_row_that_fills_it(tokenizer):
    one = plain_texts(tokenizer, [row(1)], 10_000)
    assert plain_texts(tokenizer, map(row, range(10**9)), one.tokens + 1).tokens == 2 * one.tokens
    assert plain_texts(tokenizer, [], 10).tokens == 0


def test_calls_without_words_say_nothing():
    assert said({"prompt": [{"role": "user", "content": "Weather?"}], "answer": " "}) == ["Weather?"]


def test_a_general_text_is_named_by_the_environment_and_has_to_be_there(tmp_path, monkeypatch):
    monkeypatch.delenv("TEXTS", raising=False)
    with pytest.raises(TinsmithError, match=r"^export\.general_text: \$\{TEXTS\}/novel.txt names what is not set"):
        general_text_file("${TEXTS}/novel.txt")
    monkeypatch.setenv("TEXTS", str(tmp_path))
    with pytest.raises(TinsmithError, match=r"novel\.txt is no file; name a text file"):
        general_text_file("${TEXTS}/novel.txt")
    (tmp_path / "novel.txt").touch()
    assert general_text_file("${TEXTS}/novel.txt") == tmp_path / "novel.txt"


def test_only_the_beginning_of_a_long_text_is_read(tmp_path, tokenizer):
    (tmp_path / "novel.txt").write_bytes("¿café? ".encode("latin-1") * 10_000)
    sample = beginning_of_file(tokenizer, tmp_path / "novel.txt", 100)
    assert sample.text.startswith("caf? caf? ")
    assert 100 <= sample.tokens <= 800
