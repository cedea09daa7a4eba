"""From folders of safetensors to GGUF files, with llama.cpp's own converters and quantiser."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.files import read_json, written_whole
from pipelines.gguf.imatrix import importance_matrix
from pipelines.gguf.programs import run_program
from pipelines.gguf.toolchain import Toolchain


def convert(folder: Path, target: Path, toolchain: Toolchain) -> None:
    """Convert a model folder into a 16-bit GGUF (bf16, as the weights are).

    Raises:
        TinsmithError: llama.cpp does not know the architecture or the tokenizer; its last line says why.
    """
    with written_whole(target) as fresh:
        run_program(
            f"converting {folder.name} to GGUF",
            *(sys.executable, toolchain.converter, folder, "--outfile", fresh, "--outtype", "bf16"),
        )


def changes_tied_embeddings(adapter: Path, base: Path) -> bool:
    """Whether the adapter is on head or embeddings of a base that holds both as one."""
    targets = read_json(adapter / "adapter_config.json")["target_modules"]
    adapted = {target.rpartition(".")[2] for target in targets}
    tied = read_json(base / "config.json").get("tie_word_embeddings", True)
    return bool({"lm_head", "embed_tokens"} & adapted) and bool(tied)


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
    if changes_tied_embeddings(adapter, base):
        # llama.cpp's script writes such an adapter, which then no server loads.
        raise TinsmithError(
            "train.lora.targets: head and embeddings are one in this base, so that an adapter on either cannot be put "
            "onto its GGUF; leave them out, or use the merged GGUF alone"
        )
    with written_whole(target) as fresh:
        script = toolchain.scripts / "convert_lora_to_gguf.py"
        arguments = ("--base", base, "--outfile", fresh, "--outtype", "f32", adapter)
        run_program("converting the adapter to GGUF", sys.executable, script, *arguments)


def quantise(
    source: Path,
    target: Path,
    quant: str,
    toolchain: Toolchain,
    imatrix: Path | None = None,
    metadata: Mapping[str, str | int] | None = None,
) -> None:
    """Quantise a 16-bit GGUF to `quant`, one of llama-quantize's types such as Q4_K_M.

    Args:
        source: the 16-bit GGUF.
        target: the new file.
        quant: the type.
        toolchain: llama.cpp.
        imatrix: an importance matrix that importance_matrix wrote; some of the smallest types need one.
        metadata: values by key of the GGUF that are written into it, beside those of `source`; see description.

    Raises:
        TinsmithError: llama-quantize refused; its last line says why.
    """
    with written_whole(target) as fresh:
        run_program(
            f"quantising to {quant}",
            toolchain.program("llama-quantize").absolute(),
            # llama-quantize writes the matrix's path into the GGUF; as a bare name it is the same on every machine.
            *(("--imatrix", imatrix.name) if imatrix else ()),
            *(part for key, value in (metadata or {}).items() for part in ("--override-kv", _override(key, value))),
            *(source.absolute(), fresh.absolute(), quant),
            folder=imatrix.parent if imatrix else None,
        )


def quantised_mib(source: Path, quant: str, toolchain: Toolchain, imatrix: Path | None = None) -> float:
    """What quantise would make of the weights, in MiB to two digits, without making it; raises as it does."""
    command = (toolchain.program("llama-quantize"), "--dry-run", *(("--imatrix", imatrix) if imatrix else ()))
    output = run_program(f"sizing {quant}", *command, source, quant)
    found = re.search(r"quant size\s*=\s*([\d.]+) MiB", output.stdout + output.stderr)
    if found is None:
        raise TinsmithError(f"sizing {quant}: llama-quantize --dry-run tells no size; use another llama.cpp")
    return float(found[1])


def make_gguf(folder: Path, target: Path, quant: str, toolchain: Toolchain, text: str = "", tokens: int = 0) -> None:
    """Convert a model folder and quantise it in one go, leaving only `target`.

    The importance matrix is computed on `text` of so many tokens; without enough of it, there is none.
    """
    with written_whole(target) as fresh:
        sixteen_bit = fresh.with_suffix(".16bit")
        convert(folder, sixteen_bit, toolchain)
        matrix = importance_matrix(sixteen_bit, text, tokens, fresh.with_name("imatrix.gguf"), toolchain)
        quantise(sixteen_bit, fresh, quant, toolchain, matrix.file if matrix else None)


def _override(key: str, value: str | int) -> str:
    return f"{key}={'int' if isinstance(value, int) else 'str'}:{value}"
