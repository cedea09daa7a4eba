"""From a folder of safetensors to GGUF files, with llama.cpp's own converter and quantiser."""

import subprocess
import sys
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.files import written_whole
from pipelines.gguf.toolchain import Toolchain


def convert(folder: Path, target: Path, toolchain: Toolchain) -> None:
    """Convert a model folder into a 16-bit GGUF (bf16, as the weights are).

    Raises:
        TinsmithError: llama.cpp does not know the architecture or the tokenizer; its last line says why.
    """
    with written_whole(target) as fresh:
        command = [sys.executable, str(toolchain.converter), str(folder), "--outfile", str(fresh), "--outtype", "bf16"]
        _run(command, f"converting {folder.name} to GGUF")


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
