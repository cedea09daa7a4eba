"""An adapter as a GGUF of its own: one file of the base serves the recipes of several."""

import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from pipelines.errors import TinsmithError
from pipelines.gguf.convert import convert, convert_adapter
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import Continuation, likelihoods, token_ids
from pipelines.model.base import base_model
from pipelines.model.merged_folder import write_merged
from pipelines.recipe import Model

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

PROMPTS = ("The capital of France is", "Dear customer, your invoice", "def main(")
ANSWER = " Paris, and then it rains again all day."


@pytest.fixture(scope="module")
def base():
    return base_model(Model(base="embedded:smollm2-135m-instruct")).folder


def adapter_on(base, folder, seed, targets="all-linear"):
    """An adapter with random factors, large enough to change what is said, too small to make noise of it."""
    torch.manual_seed(seed)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM")
    adapted = get_peft_model(plain, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.05)
    adapted.save_pretrained(folder)
    return folder


def said_by(gguf, folder, adapter=None):
    """Log probabilities of the same tokens behind each prompt."""
    with serving(gguf, find_toolchain(), parallel=8, context_per_slot=128, log=folder / "log", adapter=adapter) as url:
        asked = [
            Continuation(tuple(token_ids(url, prompt, special=False)), tuple(token_ids(url, ANSWER, special=False)))
            for prompt in PROMPTS
        ]
        return torch.tensor([[token.logprob for token in one] for one in likelihoods(url, asked)])


@pytest.mark.slow
def test_one_base_with_either_adapter_answers_as_either_merged_model(base, tmp_path):
    """PAINS 9: through llama-server, the files that ship; the base is the one that training saw."""
    toolchain = find_toolchain()
    write_merged(base, None, tmp_path / "base", "nf4")
    convert(tmp_path / "base", tmp_path / "base.gguf", toolchain)
    alone = said_by(tmp_path / "base.gguf", tmp_path)
    for seed in (1, 2):
        adapter = adapter_on(base, tmp_path / "adapter", seed)
        write_merged(base, adapter, tmp_path / "merged", "nf4")
        convert(tmp_path / "merged", tmp_path / "merged.gguf", toolchain)
        convert_adapter(adapter, base, tmp_path / "adapter.gguf", toolchain)
        assert (tmp_path / "adapter.gguf").stat().st_size < (tmp_path / "base.gguf").stat().st_size / 20
        merged = said_by(tmp_path / "merged.gguf", tmp_path)
        together = said_by(tmp_path / "base.gguf", tmp_path, tmp_path / "adapter.gguf")
        # What remains is that merged weights are rounded to bf16, and the adapter's are not.
        off = (together - merged).abs().mean()
        assert off < 0.06
        assert (alone - merged).abs().mean() > 4 * off


def test_an_adapter_that_a_server_could_not_load_is_refused(base, tmp_path):
    adapter = adapter_on(base, tmp_path / "adapter", 1, ["lm_head", "q_proj"])
    with pytest.raises(TinsmithError, match=r"^train\.lora\.targets: head and embeddings are one in this base"):
        convert_adapter(adapter, base, tmp_path / "out" / "adapter.gguf", find_toolchain())
    assert not (tmp_path / "out").exists()


def test_what_llama_cpp_has_no_place_for_is_one_line(base, tmp_path):
    adapter = adapter_on(base, tmp_path / "adapter", 1, ["q_proj"])
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file({**tensors, "base_model.model.odd.weight": torch.ones(2)}, adapter / "adapter_model.safetensors")
    with pytest.raises(TinsmithError, match=r"^converting the adapter to GGUF failed: .") as failure:
        convert_adapter(adapter, base, tmp_path / "out" / "adapter.gguf", find_toolchain())
    assert "\n" not in str(failure.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_of_the_base_only_configuration_and_tokenizer_are_read(base, tmp_path):
    adapter = adapter_on(base, tmp_path / "adapter", 1, ["q_proj"])
    small = tmp_path / "small"
    small.mkdir()
    for path in base.glob("*.json"):
        shutil.copyfile(path, small / path.name)
    convert_adapter(adapter, small, tmp_path / "adapter.gguf", find_toolchain())
    assert (tmp_path / "adapter.gguf").read_bytes()[:4] == b"GGUF"
