"""How fast a GGUF is read and written on this machine, by llama-bench."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.gguf.programs import run_program
from pipelines.gguf.server import usable_cores
from pipelines.gguf.toolchain import Toolchain

# Short, for a machine is rarely idle enough for a third digit: a prompt of the usual length, the best of some tries.
_PROMPT_TOKENS = 128
_DECODED_TOKENS = 16
_TRIES = 3


@dataclass(frozen=True)
class Speed:
    """Tokens a second of one conversation at a time."""

    prompt_tokens_per_second: float
    decode_tokens_per_second: float


def speed(gguf: Path, toolchain: Toolchain) -> Speed:
    """Measure a GGUF: the best of a few short tries, which other programs on the machine disturb least.

    Raises:
        TinsmithError: llama-bench cannot load the file.
    """
    output = run_program(
        f"timing {gguf.name}",
        *(toolchain.program("llama-bench"), "--model", gguf, "--threads", usable_cores(), "--output", "json"),
        *("--n-prompt", _PROMPT_TOKENS, "--n-gen", _DECODED_TOKENS, "--repetitions", _TRIES),
    )
    read, written = json.loads(output.stdout)
    return Speed(round(max(read["samples_ts"]), 1), round(max(written["samples_ts"]), 1))
