"""Attention for packed rows on a CPU: each example attends within itself, and only that work is done.

The generic path builds one mask over the whole row and computes every pair of tokens, also those of different examples,
only to throw them away. With some ten examples in a row of 1,024 tokens that is a quarter of a training step.
"""

from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "packed_sdpa"
LONGEST_PLAIN = 512  # tokens of an example up to which all pairs are held at once


def packed_sdpa(
    module: torch.nn.Module,  # noqa: ARG001 (the interface passes it)
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    cu_seq_lens_q: torch.Tensor,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention of one packed row, example by example.

    Args:
        module: the attention layer that calls.
        query: (1, heads, tokens, head size).
        key: (1, key heads, tokens, head size); heads is a multiple of key heads.
        value: as key.
        attention_mask: must be None; the bounds say it all.
        cu_seq_lens_q: (examples + 1,) bounds of the examples in the row, from 0 to tokens.
        dropout: share of attention weights dropped.
        scaling: factor on query times key; 1/sqrt(head size) when None.

    Returns:
        (1, tokens, heads, head size), and None for the weights, which are never built.
    """
    assert attention_mask is None, "a packed row brings bounds, not a mask"
    assert query.shape[0] == 1, "packed examples stand behind each other in one row"
    grouped = key.shape[1] != query.shape[1]
    lengths = cu_seq_lens_q.diff().tolist()
    # The flash kernel's backward takes twice as long as plain products on a CPU, which need memory for all pairs.
    kernel = SDPBackend.MATH if max(lengths) <= LONGEST_PLAIN else SDPBackend.FLASH_ATTENTION
    with sdpa_kernel(kernel):
        # split, not slices: the gradient of a slice is a whole row of zeros for every example.
        parts = [
            scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=scaling, is_causal=True, enable_gqa=grouped)
            for q, k, v in zip(*(torch.split(tensor, lengths, dim=2) for tensor in (query, key, value)), strict=True)
        ]
    return torch.cat(parts, dim=2).transpose(1, 2), None


AttentionInterface.register(NAME, packed_sdpa)
