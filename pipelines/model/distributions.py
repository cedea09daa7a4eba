"""What a model on disk holds likely, token for token: what its GGUF is held against."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import torch
from transformers import AutoModelForCausalLM


def next_token_logprobs(folder: Path, examples: Sequence[list[int]]) -> Iterator[np.ndarray]:
    """For each example's token ids, natural log probabilities in fp32 of shape (tokens - 1, vocabulary).

    Row i tells of the token at i + 1. The weights are computed with in fp32 where they fit into memory so, else as they
    are.
    """
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    # 16-bit weights take twice their size in fp32, and half as much again is for what is computed with them.
    roomy = psutil.virtual_memory().available > 2.5 * size
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32 if roomy else "auto", use_safetensors=True
    ).eval()
    for ids in examples:
        with torch.inference_mode():
            logits = model(torch.tensor([ids]), use_cache=False).logits[0, :-1]
        yield logits.float().log_softmax(-1).numpy()
