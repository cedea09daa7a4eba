import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from pipelines.data.examples_page import chosen_examples, examples_page, shown_example

ROW = {"example_id": "notes.csv:2", "prompt": [{"role": "user", "content": "is it <b>dark</b>?"}], "answer": "yes & no"}


@pytest.fixture(scope="module")
def tokenizer(chatml_base):
    return AutoTokenizer.from_pretrained(chatml_base)


SCHEMA = pa.Table.from_pylist([ROW]).schema


def write_splits(folder, count):
    for number, side in enumerate(("train", "validation", "test")):
        rows = [{**ROW, "example_id": f"{side}:{row}"} for row in range(count - number)]
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / f"{side}.parquet")


def test_the_pieces_are_the_tokens_that_training_gets(tokenizer):
    shown = shown_example(tokenizer, ROW, "assistant", "train")
    assert shown.pieces == [
        ("<|im_start|>user\nis it <b>dark</b>?<|im_end|>\n<|im_start|>assistant\n", False),
        ("yes & no<|im_end|>", True),
    ]
    assert (shown.trained, shown.tokens) == (9, len("user\nis it <b>dark</b>?\nassistant\nyes & no") + 4)


def test_the_choice_is_spread_over_the_sides_and_always_the_same(tokenizer, tmp_path):
    write_splits(tmp_path, 30)
    chosen = chosen_examples(tmp_path, tokenizer, "assistant", 20)
    assert len({example.example_id for example in chosen}) == 20
    assert {example.side for example in chosen} == {"train", "validation", "test"}
    assert all(example.example_id.startswith(example.side) for example in chosen)
    assert chosen_examples(tmp_path, tokenizer, "assistant", 20) == chosen
    assert chosen_examples(tmp_path, tokenizer, "assistant", 5) == chosen[:5]


def test_fewer_rows_than_asked_for_are_all_shown(tokenizer, tmp_path):
    write_splits(tmp_path, 2)
    assert len(chosen_examples(tmp_path, tokenizer, "assistant", 20)) == 3


def test_the_page_marks_trained_text_and_runs_nothing(tokenizer):
    page = examples_page("notes", [shown_example(tokenizer, ROW, "assistant", "train")])
    assert "<mark>yes &amp; no&lt;|im_end|&gt;</mark>" in page
    assert "is it &lt;b&gt;dark" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
