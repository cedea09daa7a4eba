"""How far models are from a trained one: the KL divergence of their next-token distributions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from pipelines.errors import TinsmithError
from pipelines.model.nf4 import precision, quantised_base
from pipelines.model.tokenized import Tokenized

# The trained model's distributions stay in memory while the others are asked: at 128k words, 2 KiB x 256 a token.
MOST_TOKENS = 2_048


@dataclass(frozen=True)
class Divergence:
    """Mean KL divergence in nats per token, its standard error over rows, and what it was measured on."""

    mean: float
    standard_error: float
    rows: int
    tokens: int


def divergences(base: Path, adapter: Path, models: Sequence[Path], probes: Sequence[Tokenized]) -> list[Divergence]:
    """How far each of `models` (folders) is from the adapter on the NF4 base, where the probes' answers are given.

    At most MOST_TOKENS are looked at. One model is in memory at a time.

    Raises:
        TinsmithError: no probe has a trained token.
    """
    asked = _within(probes, MOST_TOKENS)
    # Held as trainable, since with gradients on bitsandbytes multiplies on a CPU as in training, and five times faster.
    trained = PeftModel.from_pretrained(quantised_base(base, "sdpa"), adapter, is_trainable=True).eval()
    wanted = [answer_logprobs(trained, probe) for probe in asked]
    del trained
    return [_divergence(model, asked, wanted) for model in models]


def answer_logprobs(model: Any, probe: Tokenized) -> torch.Tensor:
    """Log probabilities (trained tokens, vocabulary) of what comes at each trained token of the probe."""
    where = next(model.parameters()).device
    ids = torch.tensor([probe.input_ids], device=where)
    logits = model(ids, logits_to_keep=torch.tensor(_places(probe), device=where), use_cache=False).logits
    logprobs: torch.Tensor = logits[0].detach().float().log_softmax(-1).cpu()
    return logprobs


def row_divergences(wanted: Sequence[torch.Tensor], found: Sequence[torch.Tensor]) -> list[float]:
    """Sum over its tokens of KL(wanted || found) for each row; tensors are (tokens, vocabulary) log probabilities."""
    return [float((w.exp() * (w - f)).sum()) for w, f in zip(wanted, found, strict=True)]


def summarised(sums: Sequence[float], tokens: Sequence[int]) -> Divergence:
    """Mean per token of rows' sums; the standard error is that of a ratio (Cochran 1977, eq. 6.13), nan for one row."""
    rows, total = len(sums), sum(tokens)
    mean = sum(sums) / total
    spread = sum((one - mean * count) ** 2 for one, count in zip(sums, tokens, strict=True))
    error = math.sqrt(spread * rows / (rows - 1)) / total if rows > 1 else math.nan
    return Divergence(mean, error, rows, total)


def _divergence(folder: Path, asked: Sequence[Tokenized], wanted: Sequence[torch.Tensor]) -> Divergence:
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=precision(),
        attn_implementation="sdpa",
        device_map={"": 0} if torch.cuda.is_available() else None,
        trust_remote_code=False,
        use_safetensors=True,
    ).eval()
    with torch.inference_mode():
        found = [answer_logprobs(model, probe) for probe in asked]
    return summarised(row_divergences(wanted, found), [len(one) for one in wanted])


def _within(probes: Sequence[Tokenized], most: int) -> list[Tokenized]:
    """The first probes that have something to compare, up to `most` tokens; the first one in any case."""
    kept: list[Tokenized] = []
    tokens = 0
    for probe in probes:
        count = len(_places(probe))
        if count and (not kept or tokens + count <= most):
            kept.append(probe)
            tokens += count
    if not kept:
        raise TinsmithError(
            "export: no held-out example has an answer to compare the merge on; look into the datasheet"
        )
    return kept


def _places(probe: Tokenized) -> list[int]:
    """Where the next token is a trained one; nothing stands before the first token."""
    return [place - 1 for place, trained in enumerate(probe.trained) if trained and place]
