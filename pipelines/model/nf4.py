"""The base as training sees it: its linear layers in NF4 with double quantisation, all else as computed in.

NF4: Dettmers et al. 2023 (arXiv:2305.14314), section 3.
"""

from pathlib import Path
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from bitsandbytes.nn import Linear4bit
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig
from transformers.quantizers import AutoHfQuantizer


def precision() -> torch.dtype:
    """The type to compute in: bf16 where the machine multiplies it fast, else fp16 on a GPU and fp32 on a CPU.

    Without AMX a CPU multiplies bf16 at half the speed of fp32, or slower (docs/benchmarks.md).
    """
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if torch.cpu.get_capabilities().get("amx_bf16", False) else torch.float32


def device() -> torch.device:
    """Where models are held: the GPU where there is one."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def quantised_base(folder: Path, attention: str) -> Any:
    """The base in NF4 with double quantisation, on the GPU where there is one."""
    return AutoModelForCausalLM.from_pretrained(
        folder,
        quantization_config=_quantisation(),
        dtype=precision(),
        attn_implementation=attention,
        device_map={"": 0} if torch.cuda.is_available() else None,
        trust_remote_code=False,
        use_safetensors=True,
    )


def skeleton(folder: Path) -> Any:
    """The base's modules without weights, which take no memory: all tensors are on torch's meta device."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, trust_remote_code=False)


def quantised_weights(folder: Path) -> frozenset[str]:
    """Names of the weights that `quantised_base` holds in NF4; head and embeddings are none of them."""
    model = skeleton(folder)
    # transformers' own choice, made on modules without weights.
    AutoHfQuantizer.from_config(_quantisation(), pre_quantized=False).preprocess_model(model, device_map=None)
    return frozenset(f"{name}.weight" for name, module in model.named_modules() if isinstance(module, Linear4bit))


def nf4_roundtrip(weight: torch.Tensor) -> torch.Tensor:
    """A weight as the matrix products of training see it: to NF4 and back, in `precision()`."""
    settings = _quantisation()
    packed, state = quantize_4bit(
        weight.to(precision()),
        compress_statistics=settings.bnb_4bit_use_double_quant,
        quant_type=settings.bnb_4bit_quant_type,
    )
    roundtripped: torch.Tensor = dequantize_4bit(packed, state)
    return roundtripped


def _quantisation() -> Any:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=precision(),
    )
