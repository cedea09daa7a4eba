import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pipelines.errors import TinsmithError
from pipelines.model.shards import Slot, in_bf16, read_slots, read_tensor, write_index, write_shard

CODES = {torch.bfloat16: "BF16", torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8"}
TENSORS = st.dictionaries(
    st.text(min_size=1, max_size=20).filter(lambda name: name != "__metadata__"),
    st.tuples(st.lists(st.integers(1, 5), max_size=3), st.sampled_from(list(CODES))),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=50)
@given(TENSORS, st.integers(0, 1000))
def test_what_is_written_is_what_safetensors_reads(tmp_path_factory, described, seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        name: torch.randint(0, 100, shape, generator=generator).to(dtype) for name, (shape, dtype) in described.items()
    }
    slots = [Slot(name, CODES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()]
    path = tmp_path_factory.mktemp("shard") / "model.safetensors"
    write_shard(path, slots, tensors.__getitem__)
    found = load_file(path)
    assert found.keys() == tensors.keys()
    assert all(
        found[name].dtype == tensor.dtype and torch.equal(found[name], tensor) for name, tensor in tensors.items()
    )
    assert read_slots(path.parent) == {"model.safetensors": slots}
    assert all(torch.equal(read_tensor(path, name), tensor) for name, tensor in tensors.items())
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_only_floats_become_bf16():
    assert in_bf16(Slot("w", "F16", (2,))) == Slot("w", "BF16", (2,))
    assert in_bf16(Slot("positions", "I64", (2,))) == Slot("positions", "I64", (2,))


def test_one_file_has_no_index_and_several_have_one(tmp_path):
    one, two = Slot("a", "BF16", (2, 3)), Slot("b", "F32", (4,))
    write_index(tmp_path, {"model.safetensors": [one, two]})
    assert list(tmp_path.iterdir()) == []
    for file, name in (("model-1.safetensors", "a"), ("model-2.safetensors", "b")):
        save_file({name: torch.zeros(2, 3)}, tmp_path / file)
    write_index(tmp_path, {"model-1.safetensors": [one], "model-2.safetensors": [two]})
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index == {
        "metadata": {"total_size": 12 + 16},
        "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"},
    }
    assert list(read_slots(tmp_path)) == ["model-1.safetensors", "model-2.safetensors"]


@pytest.mark.parametrize("file", ["../model.safetensors", "/tmp/model.safetensors"])
def test_an_index_names_only_files_beside_it(file, tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": file}}))
    with pytest.raises(TinsmithError, match="names a file outside of its folder"):
        read_slots(tmp_path)


def test_numbers_of_less_than_a_byte_or_float8_are_no_16_bit_base(tmp_path):
    save_file({"w": torch.zeros(2).to(torch.float8_e4m3fn)}, tmp_path / "model.safetensors")
    with pytest.raises(TinsmithError, match="holds F8_E4M3 numbers; name the base's 16-bit original"):
        read_slots(tmp_path)
