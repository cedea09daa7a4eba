import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from pipelines.model.adapter import write_adapter
from tests.model.tiny import tiny_base


@pytest.fixture
def adapted_in(tokenizer, tmp_path):
    """A peft model whose base was read from a folder of the given name."""

    def make(name):
        base = tiny_base(tmp_path / name, tmp_path / "tokenizer", tied=True)
        torch.manual_seed(2)
        config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
        return get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)

    tokenizer.save_pretrained(tmp_path / "tokenizer")
    return make


def test_an_adapter_is_the_same_bytes_wherever_its_base_lay(adapted_in, tmp_path):
    """Its digest stands in every GGUF made of it, which else would differ by machine and name its folders."""
    written = []
    for machine in ("one", "another"):
        folder = tmp_path / f"adapter-of-{machine}"
        folder.mkdir()
        write_adapter(adapted_in(machine), folder, "embedded:tiny")
        written.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"adapter_config.json", "adapter_model.safetensors"}
    config = json.loads(written[0]["adapter_config.json"])
    assert config["base_model_name_or_path"] == "embedded:tiny"
    assert config["target_modules"] == sorted(config["target_modules"])
    assert not any(str(tmp_path).encode() in content for content in written[0].values())
