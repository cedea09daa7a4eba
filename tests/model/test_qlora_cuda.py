"""The same training on an NVIDIA GPU: `make test-gpu`."""

import math

import pytest
import torch

from pipelines.model import qlora
from pipelines.model.nf4 import quantised_base
from pipelines.model.qlora import attention_for, fit, make_trainer
from pipelines.recipe import Lora, Train

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here")]


def history(base, tokenizer, examples, folder, steps):
    settings = Train(max_steps=steps, learning_rate=3e-3, max_length=128, batch_size=4, lora=Lora(r=8, alpha=16))
    attention = attention_for(quantised_base(base.folder, "sdpa").config, settings.packing)
    model = quantised_base(base.folder, attention)
    return fit(make_trainer(model, tokenizer, examples, [], settings, folder)).history


def test_the_first_step_is_the_cpus(base, tokenizer, tiny_task, tmp_path, monkeypatch):
    (gpu,) = history(base, tokenizer, tiny_task, tmp_path / "gpu", 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (cpu,) = history(base, tokenizer, tiny_task, tmp_path / "cpu", 1)
    assert gpu["loss"] == pytest.approx(cpu["loss"], rel=2e-2)
    assert gpu["grad_norm"] == pytest.approx(cpu["grad_norm"], rel=4e-2)


def test_a_gpu_without_bf16_learns_in_fp16(base, tokenizer, tiny_task, tmp_path, monkeypatch):
    """PAINS 26: no loss that is no number where bf16 is missing."""
    monkeypatch.setattr(qlora, "precision", lambda: torch.float16)
    losses = [step["loss"] for step in history(base, tokenizer, tiny_task, tmp_path, 7)]
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < losses[0] / 2
