"""An adapter whose factors two ranks held in halves (FSDP2), saved by both together, then merged."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.model.merged_folder import write_merged
from tests.model.tiny import random_adapter, tiny_base

pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parents[2]

RANK = """
import sys
import torch
from peft import PeftModel
from torch.distributed import destroy_process_group, get_rank, init_process_group
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from transformers import AutoModelForCausalLM

base, adapter, saved = sys.argv[1:]
init_process_group("gloo")
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
for layer in model.base_model.model.model.layers:
    fully_shard(layer)
factor = model.base_model.model.model.layers[0].mlp.up_proj.lora_B["default"].weight
assert isinstance(factor, DTensor)
assert factor.to_local().shape[0] == 64, "each rank holds half of the 128 rows"
whole = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
if get_rank() == 0:
    model.save_pretrained(saved, state_dict=whole)
destroy_process_group()
"""


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def test_an_adapter_that_two_ranks_saved_merges_to_the_same_bytes(chatml_base, tmp_path):
    """PAINS 23."""
    base = tiny_base(tmp_path / "base", chatml_base, tied=True, shard="60KB")
    adapter = random_adapter(base, tmp_path / "adapter")
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RANK, str(base), str(adapter), str(tmp_path / "saved")]
    ranks = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **meeting, "RANK": str(rank)}, stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    for rank in ranks:
        _, said = rank.communicate(timeout=200)
        assert rank.returncode == 0, said.decode()[-2000:]
    for name, source in (("one", adapter), ("two", tmp_path / "saved")):
        write_merged(base, source, tmp_path / name, "nf4")
    for path in (tmp_path / "one").glob("*.safetensors"):
        alone, together = load_file(path), load_file(tmp_path / "two" / path.name)
        assert alone.keys() == together.keys()
        assert all(torch.equal(alone[name], together[name]) for name in alone)
