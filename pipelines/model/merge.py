"""Merging an adapter into 16-bit weights, onto whichever base keeps the model closest to what was trained.

The adapter was trained on top of NF4 weights. Merged onto the original 16-bit weights it meets slightly other numbers;
merged onto the NF4 weights written out in 16 bits it meets the same ones. Both are tried and measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from pipelines.errors import TinsmithError
from pipelines.model.base import load_tokenizer
from pipelines.model.qlora import quantised_base

Onto = Literal["16bit", "nf4"]


@dataclass(frozen=True)
class Merge:
    """Which merge was kept, and the mean KL divergence of both from the trained model, in nats per token."""

    kept: Onto
    kl_16bit: float
    kl_nf4: float


def merge_adapter(base: Path, adapter: Path, target: Path, probes: Sequence[list[int]]) -> Merge:
    """Merge `adapter` both ways, keep the one closer to the trained model, and save it as bf16 safetensors.

    Args:
        base: the base model's folder.
        adapter: the folder that training wrote.
        target: the new model's folder, with the base's tokenizer.
        probes: token ids of held-out examples, on which the next-token distributions are compared.

    Raises:
        TinsmithError: an adapted layer is unchanged after the merge.
    """
    trained = PeftModel.from_pretrained(quantised_base(base, "sdpa"), adapter, is_trainable=True).eval()
    wanted = _next_token_logprobs(trained, probes)
    merged: dict[Onto, Any] = {"16bit": _merge_onto_16bit(base, adapter), "nf4": _merge_onto_nf4(base, adapter)}
    distance = {onto: mean_kl(wanted, _next_token_logprobs(model, probes)) for onto, model in merged.items()}
    kept = min(distance, key=lambda onto: distance[onto])
    merged[kept].save_pretrained(target)
    load_tokenizer(base).save_pretrained(target)
    return Merge(kept, distance["16bit"], distance["nf4"])


def mean_kl(wanted: Sequence[torch.Tensor], found: Sequence[torch.Tensor]) -> float:
    """Mean over all tokens of KL(wanted || found) in nats; each tensor is (tokens, vocabulary) log-probabilities."""
    total = sum(float((w.exp() * (w - f)).sum()) for w, f in zip(wanted, found, strict=True))
    return total / sum(len(w) for w in wanted)


def _next_token_logprobs(model: Any, probes: Sequence[list[int]]) -> list[torch.Tensor]:
    device = next(model.parameters()).device
    # With gradients on, bitsandbytes multiplies on a CPU as it did in training; without, five times slower.
    return [
        model(torch.tensor([ids], device=device), use_cache=False).logits[0].detach().float().log_softmax(-1).cpu()
        for ids in probes
    ]


def _merge_onto_16bit(base: Path, adapter: Path) -> Any:
    # In fp32, so that the sum of weight and update is rounded once, at the end.
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, use_safetensors=True)
    return _folded(PeftModel.from_pretrained(plain, adapter))


def _merge_onto_nf4(base: Path, adapter: Path) -> Any:
    # Dequantised before the adapter goes on: peft's layers for 4-bit weights cannot merge into others.
    return _folded(PeftModel.from_pretrained(quantised_base(base, "sdpa").dequantize(torch.float32), adapter))


def _folded(adapted: Any) -> Any:
    """The adapter's update added to its layers and rounded to bf16."""
    before = {
        name.removeprefix("base_model.model."): layer.get_base_layer().weight.detach().to(torch.bfloat16, copy=True)
        for name, layer in adapted.named_modules()
        if "lora_A" in dict(layer.named_children())
    }
    merged = adapted.merge_and_unload().eval()
    # The parameters only: rounding the rotary frequencies too would measure another model than is saved.
    for parameter in merged.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
    layers = dict(merged.named_modules())
    for name, weight in before.items():
        if torch.equal(layers[name].weight, weight):
            raise TinsmithError(f"export: merging left {name} as it was in the base; the adapter did not train")
    return merged
