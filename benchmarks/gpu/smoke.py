"""QLoRA on a GPU at real sizes, without a download: random weights of published configurations, our own training code.

    python -m benchmarks.gpu.smoke           Llama-3.2-1B and Llama-3.1-8B, 50 steps each
    python -m benchmarks.gpu.smoke --tiny    two layers and three steps, on a CPU in seconds, to test this file

Prints tokens/s without padding, peak memory of the training and FLOP utilisation. Random weights train as fast as real
ones; the loss only shows that something is learned.

Work that QLoRA needs for T tokens in examples of l_i tokens (recomputed activations and dequantisation not counted):

    FLOPs = T (4 N + 6 A) + 6 layers heads head_size sum(l_i^2)

N: parameters of the frozen linear layers, the language-model head included: 2 N forward and 2 N backward through the
activations, but no weight gradients, so that the usual 6 N T (Kaplan et al. 2020, arXiv:2001.08361) would count half as
much again. A: parameters of the adapters, 2 A forward and 4 A backward. Causal attention: l^2 / 2 pairs of tokens, 4
FLOPs a pair and channel forward, twice that backward.
"""

import argparse
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

from pipelines.data.tokenizing import TokenizedExample
from pipelines.model.nf4 import quantised_base
from pipelines.model.qlora import Outcome, attention_for, fit, make_trainer, peak_memory_bytes
from pipelines.recipe import Train

_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
_LLAMA3 = {
    "vocab_size": 128_256,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131_072,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 128_000,
    "eos_token_id": 128_001,
}
# As in the config.json of meta-llama/Llama-3.2-1B and meta-llama/Llama-3.1-8B.
MODELS = {
    "Llama-3.2-1B": LlamaConfig(
        **_LLAMA3,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=16,
        head_dim=64,
        tie_word_embeddings=True,
        rope_parameters={**_LLAMA3_ROPE, "factor": 32.0},
    ),
    "Llama-3.1-8B": LlamaConfig(
        **_LLAMA3,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        head_dim=128,
        tie_word_embeddings=False,
        rope_parameters={**_LLAMA3_ROPE, "factor": 8.0},
    ),
}
TINY = LlamaConfig(
    vocab_size=256,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    bos_token_id=0,
    eos_token_id=1,
)
# Dense 16-bit tensor FLOP/s with fp32 accumulation, from NVIDIA's data sheets and architecture white papers (half the
# figure with sparsity where only that is given). The first name that the GPU's own name contains counts.
PEAK_FLOPS = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "A100": 312e12,
    "A10G": 70e12,
    "L40S": 362e12,
    "L4": 121e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
    "T4": 65e12,
}
# Few words, so that fifty steps learn which there are.
_WORDS = 1000


@dataclass(frozen=True)
class Work:
    """What the FLOP formula needs: parameters of frozen linear layers and adapters, and the attention's size."""

    frozen: int
    adapters: int
    layers: int
    channels: int

    def flops(self, lengths: list[int]) -> float:
        """FLOPs to train on examples of these lengths in tokens; see the head of this file."""
        squares = sum(length**2 for length in lengths)
        return sum(lengths) * (4 * self.frozen + 6 * self.adapters) + 6 * self.layers * self.channels * squares


def measure(config: LlamaConfig, settings: Train) -> dict[str, Any]:
    """Train random weights of `config` and return tokens/s, peak memory in bytes, FLOP/s and losses in nats."""
    examples = _examples(config, settings)
    with tempfile.TemporaryDirectory() as folder:
        model = _random_nf4(config, Path(folder) / "base", settings)
        frozen = sum(layer.in_features * layer.out_features for layer in _linear_layers(model))
        trainer = make_trainer(model, _tokenizer(), examples, [], settings, Path(folder) / "checkpoints")
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        outcome = fit(trainer)
    adapters = sum(parameter.numel() for parameter in trainer.model.parameters() if parameter.requires_grad)
    work = Work(frozen, adapters, config.num_hidden_layers, config.num_attention_heads * config.head_dim)
    return {
        "tokens_per_second": outcome.tokens / outcome.seconds,
        "peak_memory_bytes": peak_memory_bytes(),
        "flops_per_second": _flops(work, examples, outcome) / outcome.seconds,
        "recomputes_activations": trainer.args.gradient_checkpointing,
        "losses": [entry["loss"] for entry in outcome.history],
    }


def peak_flops(gpu: str) -> float | None:
    """The dense 16-bit FLOP/s of the GPU of this name, None where the table does not know it."""
    return next((flops for name, flops in PEAK_FLOPS.items() if name in gpu), None)


def _random_nf4(config: LlamaConfig, folder: Path, settings: Train) -> Any:
    """Random 16-bit weights, saved and read back in NF4 as any other base."""
    torch.manual_seed(settings.seed)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return quantised_base(folder, attention_for(config, settings.packing))


def _linear_layers(model: Any) -> list[torch.nn.Linear]:
    return [module for module in model.modules() if isinstance(module, torch.nn.Linear)]


def _examples(config: LlamaConfig, settings: Train) -> list[TokenizedExample]:
    """More than enough examples of a sixteenth of to the full length, from a seeded generator."""
    chance = random.Random(settings.seed)
    words = min(_WORDS, config.vocab_size)
    needed = 2 * (settings.max_steps or 1) * settings.batch_size * settings.max_length
    examples: list[TokenizedExample] = []
    while needed > 0:
        length = chance.randint(settings.max_length // 16, settings.max_length)
        ids = [chance.randrange(words) for _ in range(length)]
        # Loss on every token, so that the head's work is done, and counted, in full.
        examples.append(TokenizedExample(ids, [1] * length))
        needed -= length
    return examples


def _flops(work: Work, examples: list[TokenizedExample], outcome: Outcome) -> float:
    """The work for the tokens that were fed; their examples are a random sample of all."""
    lengths = [len(example.input_ids) for example in examples]
    return work.flops(lengths) * outcome.tokens / sum(lengths)


def _tokenizer() -> PreTrainedTokenizerFast:
    """The least that a trainer asks of a tokenizer; the examples are token ids already."""
    words = Tokenizer(WordLevel({"<pad>": 0, "<eos>": 1}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>")


def _line(name: str, found: dict[str, Any], peak: float | None) -> str:
    used = "unknown" if peak is None else f"{found['flops_per_second'] / peak:.1%}"
    cells = [
        name,
        f"{found['tokens_per_second']:,.0f}",
        f"{found['peak_memory_bytes'] / 2**30:.2f}",
        f"{found['flops_per_second'] / 1e12:.3g}",
        used,
        "yes" if found["recomputes_activations"] else "no",
        f"{found['losses'][0]:.2f} to {found['losses'][-1]:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main(tiny: bool) -> None:
    """Print the table; without a GPU and without `tiny`, say so and exit with 2."""
    if not tiny and not torch.cuda.is_available():
        print("no NVIDIA GPU here; --tiny tests this benchmark on a CPU", file=sys.stderr)
        sys.exit(2)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    peak = peak_flops(gpu)
    assumed = f"{peak / 1e12:.0f} TFLOP/s dense 16-bit assumed" if peak else "peak FLOP/s not in the table"
    settings = Train(max_steps=50, max_length=2048, batch_size=2)
    models = MODELS
    if tiny:
        settings = Train(max_steps=3, max_length=64, batch_size=2, learning_rate=1e-2)
        models = {"tiny": TINY}
    print(f"{gpu}, torch {torch.__version__}; {assumed}; {settings.batch_size} rows of {settings.max_length} tokens\n")
    print("| model | tokens/s | peak memory, GiB | TFLOP/s | utilisation | recomputes | loss |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, config in models.items():
        print(_line(name, measure(config, settings), peak), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="QLoRA at real sizes on random weights.")
    parser.add_argument("--tiny", action="store_true", help="two layers and three steps, on a CPU in seconds")
    main(parser.parse_args().tiny)
