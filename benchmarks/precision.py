"""How fast this processor multiplies in each type that training could compute in; what `precision()` chooses by.

    python -m benchmarks.precision

The shapes are those of a step of the embedded base: 512 tokens through its widest layer.
"""

import torch
from torch.utils.benchmark import Timer

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table
from pipelines.model.nf4 import precision

_TOKENS, _IN, _OUT = 512, 576, 1536
_TYPES = (torch.float32, torch.bfloat16, torch.float16)


def compare(seconds: float = 2.0) -> str:
    """Multiply for about `seconds` in each type on the CPU; returns the speeds as Markdown."""
    rows = [
        [str(dtype).removeprefix("torch."), f"{_gigaflops(dtype, seconds):.0f}", "yes" if dtype == precision() else ""]
        for dtype in _TYPES
    ]
    return markdown_table(["type", "GFLOP/s", "computed in"], rows)


def _gigaflops(dtype: torch.dtype, seconds: float) -> float:
    timer = Timer(
        "linear(tokens, weight)",
        globals={
            "linear": torch.nn.functional.linear,
            "tokens": torch.randn(_TOKENS, _IN, dtype=dtype),
            "weight": torch.randn(_OUT, _IN, dtype=dtype),
        },
        num_threads=torch.get_num_threads(),
    )
    return 2 * _TOKENS * _IN * _OUT / timer.blocked_autorange(min_run_time=seconds).median / 1e9


if __name__ == "__main__":
    print(f"{machine_line()}\n\n{compare()}")
