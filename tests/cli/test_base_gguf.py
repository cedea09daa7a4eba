import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.torch import load_file

from pipelines.files import write_json
from pipelines.model.base import folder_digest
from pipelines.model.nf4 import nf4_roundtrip
from pipelines.recipe_reader import as_yaml, read_recipe


@pytest.fixture
def exported(good_recipe):
    """Gives a function that makes it a recipe that was exported from a local base."""

    def write(folder: Path, **changed):
        model = f"model: {{base: {folder}, sha256: {folder_digest(folder)}, license: mit}}\n"
        text = good_recipe.read_text().splitlines(keepends=True)
        good_recipe.write_text("".join(model if line.startswith("model:") else line for line in text))
        Path("resolved").mkdir(exist_ok=True)
        Path("resolved/tickets.yaml").write_text(as_yaml(read_recipe(good_recipe)))
        report = {
            "base": {"sha256": folder_digest(folder)},
            "adapter": {"file": "tickets-lora.gguf", "onto": "nf4"},
            **changed,
        }
        write_json(Path("reports/tickets/export.json"), report)

    return write


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_it_is_the_base_that_training_saw_and_is_made_once(tinsmith, exported, tiny_model, tmp_path, monkeypatch):
    from pipelines.gguf.toolchain import find_toolchain

    monkeypatch.setenv("TINSMITH_LLAMA_CPP", str(find_toolchain().programs))
    monkeypatch.setenv("TINSMITH_CACHE", str(tmp_path / "cache"))
    exported(tiny_model)
    code, out, err = tinsmith("base-gguf", "tickets", "--quant", "F32")
    assert (code, err) == (0, "")
    words = shlex.split(out.splitlines()[-1])
    assert words[0] == "llama-server"
    assert words[3:5] == ["--lora", "work/tickets/gguf/tickets-lora.gguf"]
    (made,) = (tensor for tensor in GGUFReader(words[2]).tensors if tensor.name == "blk.0.ffn_down.weight")
    weight = load_file(tiny_model / "model.safetensors")["model.layers.0.mlp.down_proj.weight"]
    found = torch.tensor(np.array(dequantize(made.data, made.tensor_type)))
    assert torch.equal(found, nf4_roundtrip(weight).to(torch.bfloat16).float())
    before = Path(words[2]).stat().st_mtime_ns
    assert tinsmith("base-gguf", "tickets", "--quant", "F32")[1] == out
    assert Path(words[2]).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"adapter": None}, "reports/tickets/export.json: the adapter of tickets has no GGUF of its own"),
        (
            {"base": {"sha256": "0" * 64}},
            "reports/tickets/export.json: is of another base; run `dvc repro export@tickets`",
        ),
    ],
)
def test_what_it_cannot_make_is_told_in_a_line(tinsmith, exported, chatml_base, changed, told):
    exported(chatml_base, **changed)
    code, _, err = tinsmith("base-gguf", "tickets")
    assert code == 2
    assert err.startswith(f"error: {told}")
