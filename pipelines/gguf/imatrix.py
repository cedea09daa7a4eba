"""The importance matrix: how much each column of a weight matters for the recipe's own text, which quantising heeds.

llama.cpp's (github.com/ggml-org/llama.cpp/pull/4861): the mean square of what a weight's columns are multiplied by.
"""

from dataclasses import dataclass
from pathlib import Path

from pipelines.files import sha256_of_file, written_whole
from pipelines.gguf.programs import run_program
from pipelines.gguf.server import usable_cores
from pipelines.gguf.toolchain import Toolchain

CONTEXT = 256
# A column's mean square is a mean over all of them, which settles early; each further thousand costs as much again.
MOST_TOKENS = 16 * CONTEXT
# llama-imatrix asks for two contexts; fewer tokens would say too little about a column anyway.
FEWEST_TOKENS = 2 * CONTEXT


@dataclass(frozen=True)
class ImportanceMatrix:
    """An importance matrix in `file`, computed on so many tokens."""

    file: Path
    tokens: int
    sha256: str


def importance_matrix(
    sixteen_bit: Path, text: str, tokens: int, target: Path, toolchain: Toolchain
) -> ImportanceMatrix | None:
    """Compute the importance matrix of a 16-bit GGUF on a text; control tokens written out in it are read as such.

    `tokens` is the text's length; at most MOST_TOKENS are used. None where there are fewer than FEWEST_TOKENS.

    Raises:
        TinsmithError: llama-imatrix failed; its last line says why.
    """
    chunks = min(tokens, MOST_TOKENS) // CONTEXT
    if tokens < FEWEST_TOKENS:
        return None
    source = target.with_suffix(".txt")
    source.write_text(text, encoding="utf-8")
    with written_whole(target) as fresh:
        run_program(
            "computing the importance matrix",
            *(toolchain.program("llama-imatrix").absolute(), "--model", sixteen_bit.absolute()),
            # A bare name, since the text's path is written into the matrix and from there into every quant.
            *("--file", source.name, "--output-file", fresh.absolute(), "--parse-special", "--no-ppl"),
            *("--ctx-size", CONTEXT, "--chunks", chunks, "--threads", usable_cores()),
            folder=target.parent,
        )
    source.unlink()
    return ImportanceMatrix(target, chunks * CONTEXT, sha256_of_file(target))
