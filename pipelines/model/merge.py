"""Merging an adapter into 16-bit weights, onto whichever base keeps the model closest to what was trained.

The adapter was trained on top of NF4 weights. Merged onto the original 16-bit weights it meets slightly other numbers;
merged onto the NF4 weights written out in 16 bits it meets the same ones. Both are written and measured.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.model.divergence import Divergence, divergences
from pipelines.model.merged_folder import Onto, write_merged
from pipelines.model.tokenized import Tokenized


@dataclass(frozen=True)
class Merge:
    """Which merge was kept, and how far both are from the trained model.

    `kl_16bit` and `kl_nf4` are mean KL divergences of the next-token distribution, in nats per token of an answer, over
    `tokens` tokens of `rows` held-out examples; the standard errors are over examples.
    """

    kept: Onto
    kl_16bit: float
    kl_nf4: float
    kl_16bit_standard_error: float
    kl_nf4_standard_error: float
    rows: int
    tokens: int


def merge_adapter(base: Path, adapter: Path, target: Path, probes: Sequence[Tokenized]) -> Merge:
    """Merge `adapter` both ways, and keep the one closer to the trained model at `target`, as bf16 safetensors.

    Merging itself holds a few copies of one tensor in memory, and the adapter; measuring holds one model at a time.

    Args:
        base: the base model's folder.
        adapter: the folder that training wrote.
        target: the new model's folder: sharded as the base, with its configuration, tokenizer and template.
        probes: held-out examples, on whose trained tokens the next-token distributions are compared.

    Raises:
        TinsmithError: the adapter is not whole, is none that can be merged, was trained on another base or changes
            nothing; a file of the base is missing or cut short.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
        ways: tuple[Onto, ...] = ("16bit", "nf4")
        folders = {onto: Path(scratch) / onto for onto in ways}
        for onto, folder in folders.items():
            write_merged(base, adapter, folder, onto)
        found: dict[Onto, Divergence] = dict(
            zip(ways, divergences(base, adapter, list(folders.values()), probes), strict=True)
        )
        kept = min(ways, key=lambda onto: found[onto].mean)
        os.replace(folders[kept], target)
    return Merge(
        kept,
        found["16bit"].mean,
        found["nf4"].mean,
        found["16bit"].standard_error,
        found["nf4"].standard_error,
        rows=found[kept].rows,
        tokens=found[kept].tokens,
    )
