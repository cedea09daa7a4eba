"""The embedded base's quants against its 16-bit GGUF: size, perplexity, KL divergence, speed; beside llama.cpp by hand.

    TINSMITH_BENCH_DATA=/data python -m benchmarks.quant_table [--chunks 100] [--calibration 32]

The text is War and Peace: its beginning is measured on, in pieces of 512 tokens, and its end is what the importance
matrix is computed from, in pieces of 256. Our figures come from the functions that export calls. By hand is the same
asked of llama-quantize, llama-imatrix and llama-perplexity with nothing but the arguments that their READMEs name.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table
from pipelines.data.sampled_text import beginning_of_file
from pipelines.gguf import imatrix
from pipelines.gguf.convert import convert
from pipelines.gguf.imatrix import importance_matrix
from pipelines.gguf.perplexity import reference
from pipelines.gguf.quants import MadeQuant, Original, make_quant
from pipelines.gguf.speed import speed
from pipelines.gguf.toolchain import Toolchain, find_toolchain
from pipelines.model.base import base_model, load_tokenizer
from pipelines.recipe import Model
from pipelines.recipe_export import Quant

QUANTS: tuple[Quant, ...] = ("F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_M", "IQ4_XS")
CONTEXT = 512


def main() -> None:
    """Print one table of our figures and one that holds them against llama-perplexity by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=100, help="pieces of 512 tokens that are measured on")
    parser.add_argument("--calibration", type=int, default=32, help="pieces of 256 tokens for the importance matrix")
    parser.add_argument("--quants", nargs="+", default=QUANTS)
    asked = parser.parse_args()
    novel = Path(os.environ["TINSMITH_BENCH_DATA"]) / "ppl_raw_text" / "war_and_peace.txt"
    toolchain = find_toolchain()
    base = base_model(Model(base="embedded:smollm2-135m-instruct"))
    tokenizer = load_tokenizer(base.folder)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sixteen_bit = folder / "16bit.gguf"
        convert(base.folder, sixteen_bit, toolchain)
        measured = folder / "measured.txt"
        # Enough text for the pieces asked for; more would only be tokenised.
        sample = beginning_of_file(tokenizer, novel, (asked.chunks + 2) * CONTEXT)
        measured.write_text(sample.text)
        wanted = reference(
            sixteen_bit, measured, sample.tokens, folder / "base.logprobs", toolchain, chunks=asked.chunks
        )
        assert wanted is not None
        end = novel.read_text()[-asked.calibration * imatrix.CONTEXT * 8 :]
        tokens = min(len(tokenizer(end)["input_ids"]), asked.calibration * imatrix.CONTEXT)
        (folder / "calibration.txt").write_text(end)
        matrix = importance_matrix(sixteen_bit, end, tokens, folder / "imatrix.gguf", toolchain)
        plain, weighed = (Original(sixteen_bit, found, {}, wanted, None) for found in (None, matrix))
        made: list[tuple[str, MadeQuant]] = []
        for quant in asked.quants:
            for kind, original in (("no", plain), ("yes", weighed)):
                made.append((kind, make_quant(quant, original, folder / f"{quant}-{kind}.gguf", toolchain)))
                print(f"{quant}, importance matrix: {kind}", file=sys.stderr)
        print(machine_line(), end="\n\n")
        print(f"{asked.chunks} pieces of {CONTEXT} tokens; 16 bit: perplexity {wanted.perplexity:.4f}", end="\n\n")
        print(_our_table(made, toolchain), end="\n\n")
        print(_by_hand_table(made, sixteen_bit, measured, folder, asked.chunks, toolchain))


def _our_table(made: list[tuple[str, MadeQuant]], toolchain: Toolchain) -> str:
    head = ["quant", "matrix", "MiB", "perplexity", "mean KL", "99% KL", "same top", "prompt tok/s", "decode tok/s"]
    rows = []
    for kind, quant in made:
        near, fast = quant.on_domain, speed(quant.file, toolchain)
        assert near is not None
        rows.append(
            [
                *(quant.quant, kind, f"{quant.file.stat().st_size / 2**20:.1f}", f"{near.perplexity:.4f}"),
                *(f"{near.kl_mean:.5f}", f"{near.kl_p99:.4f}", f"{near.top1:.2%}"),
                *(f"{fast.prompt_tokens_per_second:.0f}", f"{fast.decode_tokens_per_second:.0f}"),
            ]
        )
    return markdown_table(head, rows)


def _by_hand_table(
    made: list[tuple[str, MadeQuant]], sixteen_bit: Path, text: Path, folder: Path, chunks: int, toolchain: Toolchain
) -> str:
    """Perplexity and mean KL, ours and by hand: quants made and measured by llama.cpp's programs alone."""
    tools = {name: str(toolchain.program(f"llama-{name}")) for name in ("quantize", "perplexity")}
    measuring = [tools["perplexity"], "-f", text.name, "--chunks", str(chunks), "--kl-divergence-base", "hand.logprobs"]
    _told([*measuring, "-m", sixteen_bit.name], folder)
    rows = []
    for kind, quant in made:
        weighing = ["--imatrix", "imatrix.gguf"] if kind == "yes" else []
        _told([tools["quantize"], *weighing, sixteen_bit.name, "hand.gguf", quant.quant], folder)
        told = _told([*measuring, "-m", "hand.gguf", "--kl-divergence"], folder)
        by_hand = [_figure(r"Mean PPL\(Q\)", told), _figure("Mean    KLD", told)]
        assert quant.on_domain is not None
        ours = [quant.on_domain.perplexity, quant.on_domain.kl_mean]
        same = all(abs(a - b) <= 1e-3 * b for a, b in zip(ours, by_hand, strict=True))
        rows.append(
            [quant.quant, kind, *(f"{figure:.5f}" for figure in (*ours, *by_hand)), "yes" if same else "**no**"]
        )
    head = ["quant", "matrix", "perplexity", "mean KL", "perplexity by hand", "mean KL by hand", "same to 0.1%"]
    return markdown_table(head, rows)


def _told(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _figure(name: str, told: str) -> float:
    found = re.search(rf"{name}\s*:\s*(-?[\d.]+)", told)
    assert found is not None
    return float(found[1])


if __name__ == "__main__":
    main()
