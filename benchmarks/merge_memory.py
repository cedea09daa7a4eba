"""Memory and time of merging an adapter into a sharded model: ours against peft's merge_and_unload.

    python -m benchmarks.merge_memory [--gigabytes 1.5] [--shard-mb 500]

Writes a Llama with random weights in files of about --shard-mb and a random LoRA adapter on all its linear layers, and
merges it in three processes, one after the other: ours onto the 16-bit base, ours onto the NF4 base, and peft's: base
and adapter loaded in bf16, merged, and saved with the same size of files. Peak memory is the most that was resident
(VmHWM) while merging, less what was resident once the libraries were imported; it counts pages of files that are
mapped. Both are told as multiples of the largest file. At the end both 16-bit merges must agree to bf16's rounding.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks.machine import machine_line
from benchmarks.scratch_project import CHECKOUT
from benchmarks.table import markdown_table
from pipelines.model.merged_folder import write_merged
from pipelines.model.shards import read_slots, read_tensor

HIDDEN, VOCABULARY, RANK = 2048, 32_000, 16


def make_model(folder: Path, gigabytes: float, shard_mb: int) -> None:
    """Write base and adapter into `folder`; as many layers as make up about `gigabytes`."""
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=4 * HIDDEN, num_attention_heads=16,
        num_key_value_heads=4, num_hidden_layers=1, tie_word_embeddings=True,
    )  # fmt: skip
    layer = HIDDEN * HIDDEN * (2 + 2 * 4 / 16) + 3 * 4 * HIDDEN * HIDDEN
    config.num_hidden_layers = max(1, round((gigabytes * 1e9 / 2 - VOCABULARY * HIDDEN) / layer))
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder / "base", max_shard_size=f"{shard_mb}MB")
    adapted = get_peft_model(
        model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.02)
    adapted.save_pretrained(folder / "adapter")


def merge_as_peft(base: Path, adapter: Path, target: Path, shard_mb: int) -> None:
    """What peft's documentation does."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(target, max_shard_size=f"{shard_mb}MB")


def merge(way: str, folder: Path, shard_mb: int) -> None:
    """Merge in this process and print its peak memory in bytes and its seconds, as JSON."""
    base, adapter, target = folder / "base", folder / "adapter", folder / way
    ways: dict[str, Callable[[], None]] = {
        "16bit": lambda: write_merged(base, adapter, target, "16bit"),
        "nf4": lambda: write_merged(base, adapter, target, "nf4"),
        "peft": lambda: merge_as_peft(base, adapter, target, shard_mb),
    }
    before, begun = _status("VmRSS"), time.perf_counter()
    # Writing 5 sets the high-water mark back to what is resident now (man 5 proc).
    Path("/proc/self/clear_refs").write_text("5")
    ways[way]()
    print(json.dumps({"bytes": _status("VmHWM") - before, "seconds": time.perf_counter() - begun}))


def measured(way: str, folder: Path, shard_mb: int) -> dict[str, float]:
    """Merge in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.merge_memory", "--way", way, "--folder", str(folder)]
    command += ["--shard-mb", str(shard_mb)]
    said = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(said.splitlines()[-1])
    return figures


def largest_difference(one: Path, other: Path) -> float:
    """The largest difference of two model folders' weights, in units of bf16's rounding (2^-8 of the value)."""
    places = {slot.name: other / file for file, slots in read_slots(other).items() for slot in slots}
    found = 0.0
    for file, slots in read_slots(one).items():
        for slot in slots:
            ours, theirs = (read_tensor(path, slot.name).float() for path in (one / file, places[slot.name]))
            found = max(found, float(((ours - theirs).abs() / (theirs.abs() * 2**-8 + 1e-4)).max()))
    return found


def main(gigabytes: float, shard_mb: int, folder: Path) -> dict[str, dict[str, float]]:
    """Make the model, merge it in three ways, print the table; returns each way's figures with its `ratio`."""
    make_model(folder, gigabytes, shard_mb)
    sizes = [path.stat().st_size for path in (folder / "base").glob("*.safetensors")]
    adapter = (folder / "adapter" / "adapter_model.safetensors").stat().st_size
    found = {way: measured(way, folder, shard_mb) for way in ("16bit", "nf4", "peft")}
    for figures in found.values():
        figures["ratio"] = (figures["bytes"] - adapter) / max(sizes)
    print(f"{machine_line()}\n")
    print(
        f"base {sum(sizes) / 1e6:,.0f} MB in {len(sizes)} files, the largest {max(sizes) / 1e6:,.0f} MB; "
        f"adapter {adapter / 1e6:,.0f} MB\n"
    )
    names = {"16bit": "ours, onto the 16-bit base", "nf4": "ours, onto the NF4 base", "peft": "peft's merge_and_unload"}
    rows = [
        (names[way], f"{one['bytes'] / 1e6:,.0f}", f"{one['ratio']:.2f}", f"{one['seconds']:.1f}")
        for way, one in found.items()
    ]
    print(markdown_table(("", "peak MB while merging", "less the adapter, x largest file", "seconds"), rows))
    print(f"\nours takes {found['peft']['bytes'] / found['16bit']['bytes']:.1f} times less than peft's")
    apart = largest_difference(folder / "16bit", folder / "peft")
    print(f"largest difference of the two merges onto the 16-bit base: {apart:.1f} roundings")
    return found


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=1.5)
    parser.add_argument("--shard-mb", type=int, default=500)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        merge(given.way, given.folder, given.shard_mb)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(given.gigabytes, given.shard_mb, Path(scratch))
