"""From folders of safetensors to GGUF files, with llama.cpp's own converters and quantiser."""

import subprocess
import sys
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.files import read_json, written_whole
from pipelines.gguf.toolchain import Toolchain


def convert(folder: Path, target: Path, toolchain: Toolchain) -> None:
    """Convert a model folder into a 16-bit GGUF (bf16, as the weights are).

    Raises:
        TinsmithError: llama.cpp does not know the architecture or the tokenizer; its last line says why.
    """
    with written_whole(target) as fresh:
        command = [sys.executable, str(toolchain.converter), str(folder), "--outfile", str(fresh), "--outtype", "bf16"]
        _run(command, f"converting {folder.name} to GGUF")


def convert_adapter(adapter: Path, base: Path, target: Path, toolchain: Toolchain) -> None:
    """Convert a LoRA adapter into a GGUF of its own (fp32, as it was trained), to be put onto a GGUF of its base.

    Args:
        adapter: the folder that training wrote.
        base: the base model's folder, of which only configuration and tokenizer are read.
        target: the GGUF to write; llama-server takes it as `--lora`.
        toolchain: llama.cpp.

    Raises:
        TinsmithError: the adapter changes head or embeddings of a base that holds both as one, or something else that
            llama.cpp has no place for.
    """
    targets = read_json(adapter / "adapter_config.json")["target_modules"]
    adapted = {target.rpartition(".")[2] for target in targets}
    if {"lm_head", "embed_tokens"} & adapted and read_json(base / "config.json").get("tie_word_embeddings", True):
        # llama.cpp's script writes such an adapter, which then no server loads.
        raise TinsmithError(
            "train.lora.targets: head and embeddings are one in this base, so that an adapter on either cannot be put "
            "onto its GGUF; leave them out, or use the merged GGUF alone"
        )
    with written_whole(target) as fresh:
        script = toolchain.scripts / "convert_lora_to_gguf.py"
        arguments = ["--base", str(base), "--outfile", str(fresh), "--outtype", "f32", str(adapter)]
        _run([sys.executable, str(script), *arguments], "converting the adapter to GGUF")


def quantise(source: Path, target: Path, quant: str, toolchain: Toolchain) -> None:
    """Quantise a 16-bit GGUF to `quant`, one of llama-quantize's types such as Q4_K_M."""
    with written_whole(target) as fresh:
        _run([str(toolchain.program("llama-quantize")), str(source), str(fresh), quant], f"quantising to {quant}")


def make_gguf(folder: Path, target: Path, quant: str, toolchain: Toolchain) -> None:
    """Convert a model folder and quantise it in one go, leaving only `target`."""
    with written_whole(target) as fresh:
        sixteen_bit = fresh.with_suffix(".16bit")
        convert(folder, sixteen_bit, toolchain)
        quantise(sixteen_bit, fresh, quant, toolchain)


def _run(command: list[str], doing: str) -> None:
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if answer.returncode != 0:
        lines = [line for line in answer.stdout.splitlines() if line.strip()]
        raise TinsmithError(f"{doing} failed: {lines[-1].strip() if lines else 'no message'}")
