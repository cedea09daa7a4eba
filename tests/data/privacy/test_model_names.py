import pickle

import pytest
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.model_names import ModelNames
from pipelines.errors import TinsmithError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ask", "grace", "about", "it"]


def token_classifier(folder, label, positions=512):
    """A classifier whose weights are set so that the word grace, and no other, gets `label`."""
    folder.mkdir()
    BertTokenizerFast(vocab={word: number for number, word in enumerate(WORDS)}).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=0, num_attention_heads=1, intermediate_size=16,
        max_position_embeddings=positions,
        id2label={0: "O", 1: label}, label2id={"O": 0, label: 1},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    grace = WORDS.index("grace")
    state = {name: weight.detach().zero_() for name, weight in model.state_dict().items()}
    state["bert.embeddings.LayerNorm.weight"][:] = 1
    state["bert.embeddings.word_embeddings.weight"][grace, 0] = 1
    state["bert.embeddings.word_embeddings.weight"][[n for n in range(len(WORDS)) if n != grace], 1] = 1
    state["classifier.weight"][1, 0], state["classifier.weight"][0, 1] = 1, 1
    model.save_pretrained(folder)
    return folder


def test_a_local_model_finds_names_in_place_of_the_builtin_one(tmp_path):
    names = ModelNames(token_classifier(tmp_path / "model", "B-PER"))
    spans = Detector(kinds={"NAME"}, names=names).find("Ask Gr\u200bace about it")
    assert [(span.start, span.end, span.kind) for span in spans] == [(4, 10, "NAME")]


@pytest.mark.parametrize("told", [16, None], ids=["the tokenizer tells how much it takes", "the model alone does"])
def test_names_are_found_wherever_they_stand_in_a_long_text(tmp_path, told):
    folder = token_classifier(tmp_path / "model", "B-PER", positions=16)
    tokenizer = BertTokenizerFast.from_pretrained(folder, **({"model_max_length": told} if told else {}))
    tokenizer.save_pretrained(folder)
    text = "ask about it " * 9 + "grace " + "about it " * 20 + "grace"
    found = [text[span.start : span.end] for span in Detector(kinds={"NAME"}, names=ModelNames(folder)).find(text)]
    assert found == ["grace", "grace"]


def test_a_worker_loads_the_model_from_its_folder(tmp_path):
    sent = pickle.dumps(ModelNames(token_classifier(tmp_path / "model", "B-PER")))
    assert len(sent) < 1_000
    assert [span[:2] for span in pickle.loads(sent)("ask grace")] == [(4, 9)]


def test_a_model_that_knows_no_persons_is_refused(tmp_path):
    with pytest.raises(TinsmithError, match="has no tag for persons"):
        ModelNames(token_classifier(tmp_path / "model", "B-LOC"))
