"""Tiny Llama models and adapters with random weights, for tests that look at single numbers."""

import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM


def tiny_base(folder: Path, tokenizer: Path, *, tied: bool, dtype=torch.bfloat16, shard="1GB", vocabulary=None) -> Path:
    """Write a base of two layers, with the tokenizer of another folder, in files of at most `shard`."""
    words = AutoTokenizer.from_pretrained(tokenizer)
    config = LlamaConfig(
        vocab_size=vocabulary or len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
        eos_token_id=words.eos_token_id,
        # Weights large enough that rounding them is seen in the logits.
        initializer_range=0.3,
    )
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).to(dtype)
    model.generation_config.max_length = 77
    model.save_pretrained(folder, max_shard_size=shard)
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(tokenizer / file, folder / file)
    return folder


def random_adapter(base: Path, folder: Path, targets="all-linear", **settings) -> Path:
    """Write an adapter whose factors are both random, as after training."""
    torch.manual_seed(2)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM", **settings)
    adapted = get_peft_model(plain, config)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(0, 0.1)
    adapted.save_pretrained(folder)
    return folder
