from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.bert_score import bert_score, check_bert_score_model
from tests.scoring.metrics.strategies import rows_expecting

WORDS = ["the", "card", "loan", "is", "lost", "paid", "late", "today"]
LAYERS = 2


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A BERT of random weights with a vocabulary of a few words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    tokenizer = BertTokenizerFast(vocab_file=str(vocabulary), vocab=str(vocabulary))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "max_position_embeddings": 16}
    BertModel(BertConfig(vocab_size=len(tokenizer), num_hidden_layers=LAYERS, **size)).save_pretrained(folder)
    return folder


def by_the_paper(folder, expected, answer):
    """Equations 1 to 3 of the paper for one pair, by loops, from the second of two layers."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, bert = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def vectors(text):
        with torch.inference_mode():
            hidden = bert(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[LAYERS][0]
        return [vector / np.linalg.norm(vector) for vector in hidden.numpy().astype(float)]

    one, other = vectors(expected), vectors(answer)
    # Control tokens at both ends may be matched, but match nothing themselves, as in the authors' own program.
    recall = np.mean([max(float(x @ y) for y in other) for x in one[1:-1]])
    precision = np.mean([max(float(x @ y) for x in one) for y in other[1:-1]])
    return 2 * precision * recall / (precision + recall)


PAIRS = [("the card is lost", "the loan is late"), ("paid today", "today the card is paid"), ("card", "card")]


def test_it_is_the_papers_formula_also_in_a_batch_of_other_lengths(model):
    found = bert_score(model, rows_expecting(*(expected for expected, _ in PAIRS)), [said for _, said in PAIRS])
    assert found.tolist() == pytest.approx([by_the_paper(model, *pair) for pair in PAIRS], abs=1e-5)
    assert found[2] == pytest.approx(1, abs=1e-5)


def test_an_empty_answer_scores_zero_and_a_long_one_is_cut(model):
    rows = rows_expecting("the card is lost", "the card " * 50)
    assert bert_score(model, rows, ["", "the card " * 50]).tolist() == pytest.approx([0, 1], abs=1e-5)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), st.text(max_size=20))
def test_scores_stay_between_zero_and_one(model, expected, answer):
    (found,) = bert_score(model, rows_expecting(" ".join(expected)), [answer])
    assert 0 <= found <= 1


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(TinsmithError, match="is no folder of a transformers model"):
        check_bert_score_model(tmp_path)
