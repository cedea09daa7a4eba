"""The merge of an adapter that was really trained, on the embedded base."""

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from pipelines.errors import TinsmithError
from pipelines.model.base import load_tokenizer
from pipelines.model.divergence import answer_logprobs, row_divergences, summarised
from pipelines.model.merge import merge_adapter
from pipelines.model.nf4 import quantised_base, quantised_weights

LINEAR = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def distance(wanted, model, probes):
    """Mean KL divergence of a model from `wanted`."""
    with torch.inference_mode():
        found = [answer_logprobs(model, probe) for probe in probes]
    return summarised(row_divergences(wanted, found), [len(one) for one in wanted]).mean


@pytest.fixture(scope="module")
def probes(tiny_task):
    return tiny_task[:3]


@pytest.fixture(scope="module")
def merged(base, trained, probes, tmp_path_factory):
    """What the merge reported, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("merged") / "model"
    return merge_adapter(base.folder, trained[2], folder, probes), folder


@pytest.fixture(scope="module")
def reloaded(merged):
    return AutoModelForCausalLM.from_pretrained(merged[1], use_safetensors=True).eval()


@pytest.fixture(scope="module")
def plain(base):
    return AutoModelForCausalLM.from_pretrained(base.folder, use_safetensors=True).eval()


@pytest.fixture(scope="module")
def wanted(base, trained, probes):
    """The trained model's own distributions: the adapter on the NF4 base."""
    model = PeftModel.from_pretrained(quantised_base(base.folder, "sdpa"), trained[2]).eval()
    with torch.inference_mode():
        return [answer_logprobs(model, probe) for probe in probes]


def test_both_merges_are_measured_and_the_closer_one_is_kept(merged, probes):
    """PAINS 8: merging onto other weights than were trained on costs something; how much is said for both."""
    report, _ = merged
    kept, other = (report.kl_nf4, report.kl_16bit) if report.kept == "nf4" else (report.kl_16bit, report.kl_nf4)
    assert 0 <= kept <= other
    assert kept < 0.02
    assert (report.rows, report.tokens) == (3, sum(sum(probe.trained) for probe in probes))
    assert report.kl_nf4_standard_error < report.kl_nf4


def test_the_merged_model_answers_as_the_trained_one(reloaded, plain, wanted, probes):
    """PAINS 9: neither a merge that does nothing nor one that makes garbage."""
    assert distance(wanted, reloaded, probes) < 0.02
    assert distance(wanted, plain, probes) > 1


def test_every_adapted_module_differs_from_the_base(reloaded, plain):
    """PAINS 9."""
    before, after = dict(plain.named_modules()), dict(reloaded.named_modules())
    adapted = [name for name in before if name.rpartition(".")[2] in LINEAR]
    assert len(adapted) == len(LINEAR) * plain.config.num_hidden_layers
    assert [name for name in adapted if torch.equal(before[name].weight, after[name].weight)] == []


def test_what_is_in_4_bits_is_known_without_loading_weights(base):
    held = quantised_base(base.folder, "sdpa").named_parameters()
    assert quantised_weights(base.folder) == {name for name, one in held if one.dtype == torch.uint8}


def test_tied_embeddings_survive_saving(reloaded, plain):
    """PAINS 10."""
    assert plain.config.tie_word_embeddings
    assert reloaded.lm_head.weight.data_ptr() == reloaded.model.embed_tokens.weight.data_ptr()
    assert torch.equal(reloaded.model.embed_tokens.weight, plain.model.embed_tokens.weight)


def test_the_merged_folder_has_the_bases_tokenizer_and_no_pickle(merged, tokenizer, prompts):
    _, folder = merged
    own = load_tokenizer(folder)
    assert own.apply_chat_template(prompts[0], tokenize=False) == tokenizer.apply_chat_template(
        prompts[0], tokenize=False
    )
    assert {path.suffix for path in folder.iterdir()} <= {".safetensors", ".json", ".jinja"}
    assert own.get_vocab() == tokenizer.get_vocab()


def test_an_adapter_that_did_not_train_is_refused(base, probes, tmp_path):
    """PAINS 9: LoRA starts at zero, so that an untrained adapter merges into the base itself."""
    from peft import LoraConfig, get_peft_model

    plain = AutoModelForCausalLM.from_pretrained(base.folder, use_safetensors=True)
    adapted = get_peft_model(plain, LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    adapted.save_pretrained(tmp_path / "adapter")
    with pytest.raises(TinsmithError, match=r"^export: merging left model\.layers\.0\.self_attn\.q_proj as it was"):
        merge_adapter(base.folder, tmp_path / "adapter", tmp_path / "model", probes[:1])
    assert not (tmp_path / "model").exists()
