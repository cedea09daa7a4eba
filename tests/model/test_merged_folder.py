import json
import shutil

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from pipelines.errors import TinsmithError
from pipelines.model.merged_folder import write_merged
from pipelines.model.nf4 import quantised_base
from tests.model.tiny import random_adapter, tiny_base

pytestmark = pytest.mark.filterwarnings("ignore")
IDS = torch.tensor([[5, 80, 200, 31, 7]])


@pytest.fixture(scope="module")
def base(chatml_base, tmp_path_factory):
    """Tied embeddings, in several files."""
    return tiny_base(tmp_path_factory.mktemp("tiny") / "base", chatml_base, tied=True, shard="60KB")


@pytest.fixture(scope="module")
def adapter(base, tmp_path_factory):
    return random_adapter(base, tmp_path_factory.mktemp("tiny") / "adapter")


def merged(base, adapter, tmp_path, onto="16bit"):
    write_merged(base, adapter, tmp_path / "merged", onto)
    return tmp_path / "merged"


def loaded(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def weights(folder):
    return {name: tensor for path in folder.glob("*.safetensors") for name, tensor in load_file(path).items()}


def logits(model, ids=IDS):
    with torch.inference_mode():
        return model(ids, use_cache=False).logits


def refusal(base, adapter, tmp_path):
    with pytest.raises(TinsmithError) as caught:
        write_merged(base, adapter, tmp_path / "merged", "16bit")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.glob("*merged*")) == []
    return str(caught.value)


def refused_adapter(base, adapter, tmp_path, change):
    """What is said of an adapter after `change` of its tensors."""
    spoilt = tmp_path / "adapter"
    shutil.copytree(adapter, spoilt)
    tensors = load_file(spoilt / "adapter_model.safetensors")
    change(tensors)
    save_file(tensors, spoilt / "adapter_model.safetensors")
    return refusal(base, spoilt, tmp_path)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float16])
@pytest.mark.parametrize("onto", ["16bit", "nf4"])
def test_every_number_is_the_one_that_peft_merges_to(onto, dtype, chatml_base, tmp_path):
    """PAINS 8: onto either base, bit for bit, also the layers that no adapter changed; and PAINS 9, no garbage."""
    base = tiny_base(tmp_path / "base", chatml_base, tied=False, dtype=dtype)
    adapter = random_adapter(base, tmp_path / "adapter", ["q_proj", "down_proj"])
    plain = loaded(base) if onto == "16bit" else quantised_base(base, "sdpa").dequantize(torch.float32)
    peft = PeftModel.from_pretrained(plain, adapter).merge_and_unload()
    wanted = {name: tensor.to(torch.bfloat16) for name, tensor in peft.state_dict().items()}
    found = weights(merged(base, adapter, tmp_path, onto))
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if not torch.equal(found[name], wanted[name])] == []


def test_every_adapted_module_differs_from_the_base_and_nothing_else_does_pain_9(base, adapter, tmp_path):
    before, after = weights(base), weights(merged(base, adapter, tmp_path))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.endswith("_proj.weight")}


def test_without_an_adapter_it_writes_the_base_as_training_sees_it(base, tmp_path):
    seen = quantised_base(base, "sdpa").dequantize(torch.float32).state_dict()
    found = weights(merged(base, None, tmp_path, "nf4"))
    assert [name for name in found if not torch.equal(found[name], seen[name].to(found[name].dtype))] == []
    assert not torch.equal(
        found["model.layers.0.mlp.up_proj.weight"], weights(base)["model.layers.0.mlp.up_proj.weight"]
    )


@pytest.mark.parametrize(
    "scaling", [{"use_rslora": True}, {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 3}}]
)
def test_the_scale_is_the_adapters_own(base, scaling, tmp_path):
    adapter = random_adapter(base, tmp_path / "adapter", **scaling)
    trained = PeftModel.from_pretrained(loaded(base), adapter).eval()
    assert torch.allclose(logits(loaded(merged(base, adapter, tmp_path))), logits(trained), rtol=0.05, atol=0.2)


def test_the_folder_keeps_its_files(base, adapter, tmp_path):
    """PAINS 23: a base of several files is merged file by file."""
    folder = merged(base, adapter, tmp_path)
    assert len(list(base.glob("model-*.safetensors"))) > 2
    assert {path.name for path in folder.iterdir()} == {path.name for path in base.iterdir()}
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        assert (folder / file).read_bytes() == (base / file).read_bytes()
    before, after = (json.loads((one / "model.safetensors.index.json").read_text()) for one in (base, folder))
    assert after["weight_map"] == before["weight_map"]
    assert after["metadata"]["total_size"] == before["metadata"]["total_size"]
    assert json.loads((folder / "config.json").read_text()) == json.loads((base / "config.json").read_text())


def test_the_same_input_gives_the_same_bytes(base, adapter, tmp_path):
    first, second = (merged(base, adapter, tmp_path / one, "nf4") for one in "ab")
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_tied_embeddings_stay_tied_pain_10(base, adapter, tmp_path):
    model = loaded(merged(base, adapter, tmp_path))
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    model.save_pretrained(tmp_path / "again")
    assert torch.equal(logits(loaded(tmp_path / "again")), logits(model))


@pytest.mark.parametrize("target", ["embed_tokens", "lm_head"])
def test_an_adapter_on_one_of_two_tied_weights_changes_that_one_alone_pain_10(base, target, tmp_path):
    adapter = random_adapter(base, tmp_path / "adapter", [target, "q_proj"])
    trained = PeftModel.from_pretrained(loaded(base), adapter).eval()
    folder = merged(base, adapter, tmp_path)
    model = loaded(folder)
    assert torch.allclose(logits(model), logits(trained), rtol=0.05, atol=0.2)
    kept = {"embed_tokens": "lm_head.weight", "lm_head": "model.embed_tokens.weight"}[target]
    assert torch.equal(weights(folder)[kept], weights(base)["model.embed_tokens.weight"])


def test_a_resized_vocabulary_round_trips_pain_12(chatml_base, tmp_path):
    words = AutoTokenizer.from_pretrained(chatml_base)
    before = len(words)
    words.add_tokens(["<invoice>", "<total>"])
    words.save_pretrained(tmp_path / "words")
    base = tiny_base(tmp_path / "base", tmp_path / "words", tied=True, vocabulary=before)
    model = AutoModelForCausalLM.from_pretrained(base)
    # More rows than words, a multiple of eight, as GPUs like it.
    model.resize_token_embeddings(len(words), pad_to_multiple_of=8)
    rows = model.get_input_embeddings().num_embeddings
    assert rows > len(words)
    model.save_pretrained(base)
    adapter = random_adapter(base, tmp_path / "adapter")
    folder = merged(base, adapter, tmp_path, "16bit")
    assert weights(folder)["model.embed_tokens.weight"].shape[0] == rows
    own = AutoTokenizer.from_pretrained(folder)
    ids = own("<invoice> 5 <total>", return_tensors="pt")["input_ids"]
    assert {before, before + 1} <= set(ids[0].tolist())
    trained = PeftModel.from_pretrained(loaded(base), adapter).eval()
    assert torch.allclose(logits(loaded(folder), ids), logits(trained, ids), rtol=0.05, atol=0.2)


def test_an_adapter_that_changes_nothing_in_one_module_is_refused_pain_9(base, adapter, tmp_path):
    def zeroed(tensors):
        tensors["base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"].zero_()

    assert refused_adapter(base, adapter, tmp_path, zeroed) == (
        "export: merging left model.layers.1.mlp.up_proj as it was in the base; the adapter did not train"
    )


def test_an_adapter_that_lacks_a_factor_is_refused(base, adapter, tmp_path):
    """PAINS 23: so does one of which a rank's share was lost."""
    said = refused_adapter(
        base,
        adapter,
        tmp_path,
        lambda tensors: tensors.pop("base_model.model.model.layers.0.mlp.up_proj.lora_B.weight"),
    )
    assert "lacks model.layers.0.mlp.up_proj.lora_B.weight" in said


def test_a_factor_of_another_shape_is_refused(base, adapter, tmp_path):
    """PAINS 23: half a factor is what a rank holds before its shares are put together."""
    name = "base_model.model.model.layers.0.mlp.up_proj.lora_B.weight"
    said = refused_adapter(base, adapter, tmp_path, lambda tensors: tensors.update({name: tensors[name][:64].clone()}))
    assert "up_proj.lora_B.weight is 64 x 4, but this base needs 128 x 4" in said


def test_an_adapter_of_a_deeper_base_is_refused(base, adapter, tmp_path):
    tensor = torch.ones(4, 64)
    name = "base_model.model.model.layers.2.mlp.up_proj.lora_A.weight"
    said = refused_adapter(base, adapter, tmp_path, lambda tensors: tensors.update({name: tensor}))
    assert "holds model.layers.2.mlp.up_proj.lora_A.weight, which the base has no place for" in said


def test_a_factor_that_is_no_number_is_refused(base, adapter, tmp_path):
    name = "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"
    said = refused_adapter(base, adapter, tmp_path, lambda tensors: tensors[name].fill_(float("nan")))
    assert said.endswith("holds something that is no finite number; lower train.learning_rate")


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("use_dora", True, "use_dora cannot be merged"),
        ("modules_to_save", ["lm_head"], "modules_to_save cannot be merged"),
        ("bias", "all", "bias cannot be merged"),
        ("target_modules", ["c_attn"], "the base has none of the modules that this adapter changes"),
    ],
)
def test_what_training_never_makes_is_refused(base, adapter, setting, value, said, tmp_path):
    other = tmp_path / "adapter"
    shutil.copytree(adapter, other)
    config = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps({**config, setting: value}))
    assert said in refusal(base, other, tmp_path)


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_adapter_without_one_of_its_files_is_refused(base, adapter, file, tmp_path):
    other = tmp_path / "adapter"
    shutil.copytree(adapter, other)
    (other / file).unlink()
    assert file in refusal(base, other, tmp_path)


def test_files_that_are_cut_short_or_missing_are_named(base, adapter, tmp_path):
    def spoilt(name):
        shutil.copytree(base, tmp_path / name)
        return sorted((tmp_path / name).glob("*.safetensors"))[1]

    cut = spoilt("cut")
    cut.write_bytes(cut.read_bytes()[:-10])
    assert refusal(tmp_path / "cut", adapter, tmp_path) == f"{cut}: cut short or no safetensors; fetch the base again"
    missing = spoilt("missing")
    missing.unlink()
    assert refusal(tmp_path / "missing", adapter, tmp_path) == f"{missing}: not there; fetch the base again"
    emptied = spoilt("emptied")
    save_file({}, emptied)
    assert "which its index names; fetch the base again" in refusal(tmp_path / "emptied", adapter, tmp_path)


def test_weights_that_do_not_fit_the_configuration_are_refused(base, adapter, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(base, other)
    for path in other.glob("*.safetensors"):
        tensors = load_file(path)
        save_file({name: t[:-1].clone() if "0.mlp.up_proj" in name else t for name, t in tensors.items()}, path)
    assert "model.layers.0.mlp.up_proj.weight is 127 x 64 in its weights" in refusal(other, adapter, tmp_path)


def test_a_base_that_is_quantised_already_is_refused(base, adapter, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(base, other)
    config = json.loads((other / "config.json").read_text())
    settings = BitsAndBytesConfig(load_in_4bit=True).to_dict()
    (other / "config.json").write_text(json.dumps({**config, "quantization_config": settings}))
    assert refusal(other, adapter, tmp_path).endswith("this base is quantised already; name its 16-bit original")
