"""How far a quant is from its 16-bit GGUF on a text, by llama-perplexity, whose figures llama.cpp's users publish."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.gguf.programs import run_program
from pipelines.gguf.server import usable_cores
from pipelines.gguf.toolchain import Toolchain

# llama-perplexity's own default, with which others publish; shorter texts take what they have two of, as it asks for.
_CONTEXTS = (512, 256, 128)
FEWEST_TOKENS = 2 * _CONTEXTS[-1]
# A thousand judged tokens, second halves of pieces, tell quants apart: the mean KL of Q4_K_M is ten times that of Q8_0,
# its standard error some percent. It keeps the file of log probabilities below 500 MB for any vocabulary.
CHUNKS = 4
MOST_TOKENS = (CHUNKS + 1) * _CONTEXTS[0]
# It writes its messages from a thread that it does not wait for at its end, so that on a busy machine the last are lost
# (since github.com/ggml-org/llama.cpp/issues/22142).
_TRIES = 3


@dataclass(frozen=True)
class Reference:
    """What the 16-bit GGUF makes of a text: its perplexity, and its log probabilities in the file `logprobs`."""

    logprobs: Path
    context: int
    perplexity: float


@dataclass(frozen=True)
class Closeness:
    """A quant against its 16-bit GGUF: perplexity, also as a multiple of the 16-bit one's, mean and 99th percentile of
    KL(16 bit || quant) in nats per token, and the share of places at which both hold the same token likeliest."""

    perplexity: float
    perplexity_ratio: float
    kl_mean: float
    kl_p99: float
    top1: float


def reference(
    sixteen_bit: Path, text: Path, tokens: int, target: Path, toolchain: Toolchain, chunks: int = CHUNKS
) -> Reference | None:
    """Judge a text of so many tokens by the 16-bit GGUF, `chunks` pieces of it at most, and keep that in `target`.

    Each piece's second half is judged, behind its first. None where the text has fewer than FEWEST_TOKENS.

    Raises:
        TinsmithError: llama-perplexity failed.
    """
    context = next((context for context in _CONTEXTS if tokens >= 2 * context), None)
    if context is None:
        return None
    more = ("--file", text, "--chunks", chunks, "--kl-divergence-base", target)
    (found,) = _figures(sixteen_bit, context, toolchain, (r"Final estimate: PPL = ",), *more)
    return Reference(target, context, found)


def closeness(gguf: Path, wanted: Reference, toolchain: Toolchain) -> Closeness:
    """Hold a quant against what the 16-bit GGUF made of a text; raises TinsmithError where llama-perplexity failed."""
    before = (
        *(r"Mean PPL\(Q\)\s*:\s*", r"Mean PPL\(Q\)/PPL\(base\)\s*:\s*"),
        *(r"Mean\s+KLD:\s*", r"99\.0%\s+KLD:\s*", r"Same top p:\s*"),
    )
    more = ("--kl-divergence", "--kl-divergence-base", wanted.logprobs)
    found, ratio, kl_mean, kl_p99, top1_percent = _figures(gguf, wanted.context, toolchain, before, *more)
    return Closeness(found, ratio, kl_mean, kl_p99, round(top1_percent / 100, 5))


def _figures(
    gguf: Path, context: int, toolchain: Toolchain, before: Sequence[str], *more: str | Path | int
) -> list[float]:
    """The number behind each of the patterns `before` in what llama-perplexity tells of a GGUF."""
    program = toolchain.program("llama-perplexity")
    for _ in range(_TRIES):
        output = run_program(
            f"measuring {gguf.name}",
            *(program, "--model", gguf, "--ctx-size", context, "--threads", usable_cores(), *more),
        )
        messages = output.stdout + output.stderr
        found = [match[1] for start in before if (match := re.search(start + r"(-?[\d.]+|-?nan|-?inf)", messages))]
        if len(found) == len(before):
            break
    else:
        # It ends with success where it cannot read or judge enough, too.
        raise TinsmithError(f"measuring {gguf.name}: llama-perplexity gave no figures; is the disk full?")
    if not all(math.isfinite(float(figure)) for figure in found):
        raise TinsmithError(f"measuring {gguf.name}: its figures are no numbers, the model does not survive this quant")
    return [float(figure) for figure in found]
