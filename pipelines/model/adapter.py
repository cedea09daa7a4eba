"""A LoRA adapter on disk: writing it, and reading what it adds to which weight of its base, checked against that base.

LoRA: Hu et al. 2021 (arXiv:2106.09685), section 4.1: the weight W becomes W + (alpha / r) B A.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, inject_adapter_in_model
from peft.tuners.lora import Embedding, Linear, LoraLayer
from safetensors import SafetensorError
from safetensors.torch import load_file

from pipelines.errors import TinsmithError
from pipelines.files import read_json, write_json

_WEIGHTS = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"
_ANOTHER_BASE = "it was trained on another base, or not saved whole; run `train` again"
# What peft can put into an adapter beside low-rank updates; training makes none of it, and a merge would lose it.
_NOT_MERGED = (
    "alora_invocation_tokens",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_dora",
    "use_qalora",
)


@dataclass(frozen=True)
class Update:
    """What is added to a weight (rows, columns): `scale` times `b` (rows, r) times `a` (r, columns)."""

    a: torch.Tensor
    b: torch.Tensor
    scale: float

    def delta(self, device: torch.device) -> torch.Tensor:
        """The update in fp32, (rows, columns)."""
        return (self.b.to(device, torch.float32) @ self.a.to(device, torch.float32)).mul_(self.scale)


def write_adapter(adapted: Any, folder: Path, base_name: str) -> None:
    """Save the adapter of a peft model, the same bytes on every machine.

    What peft notes travels into every GGUF made of the adapter, by its digest or word by word: the folder from which it
    read the base, which tells of this machine, so `base_name` stands in its place; and the trained modules, in an order
    of the moment.
    """
    adapted.save_pretrained(folder)
    # peft's model card holds that folder, too; the one of this project comes with the bundle.
    (folder / "README.md").unlink()
    config = read_json(folder / _CONFIG)
    modules = sorted(config["target_modules"])
    write_json(folder / _CONFIG, {**config, "base_model_name_or_path": base_name, "target_modules": modules})


def read_adapter(folder: Path, skeleton: Any) -> dict[str, Update]:
    """The update of each weight that the adapter changes, by the weight's name in the base.

    Args:
        folder: what training wrote, or anything else in peft's form.
        skeleton: the base without weights; the adapter's modules are put into it.

    Raises:
        TinsmithError: the adapter is no plain LoRA, is not whole, or was trained on another base.
    """
    config = _plain_lora(folder)
    tensors = _tensors(folder / _WEIGHTS)
    try:
        adapted = inject_adapter_in_model(config, skeleton, low_cpu_mem_usage=True)
    except ValueError:
        raise TinsmithError(
            f"{folder}: the base has none of the modules that this adapter changes; {_ANOTHER_BASE}"
        ) from None
    updates: dict[str, Update] = {}
    known: set[str] = set()
    for module, layer in adapted.named_modules():
        if isinstance(layer, LoraLayer):
            places = _places(module, layer)
            a, b = (_taken(tensors, name, shape, folder / _WEIGHTS) for name, shape in places.items())
            if isinstance(layer, Embedding):
                # An embedding is looked up by row: peft holds its factors the other way round.
                a, b = b.T, a.T
            updates[f"{module}.weight"] = Update(a, b, layer.scaling["default"])
            known |= set(places)
    # Beside the update of an embedding peft saves the embedding itself, as it is in the base.
    if unknown := sorted(name for name in tensors if name not in known and not name.endswith(".base_layer.weight")):
        raise TinsmithError(
            f"{folder / _WEIGHTS}: holds {unknown[0]}, which the base has no place for; {_ANOTHER_BASE}"
        )
    return updates


def _plain_lora(folder: Path) -> LoraConfig:
    path = folder / _CONFIG
    if not path.exists():
        raise TinsmithError(f"{path}: not there; run `train` again")
    config = PeftConfig.from_pretrained(str(folder))
    if not isinstance(config, LoraConfig):
        raise TinsmithError(f"{path}: {config.peft_type.value} cannot be merged; only LoRA can")
    found = [name for name in _NOT_MERGED if getattr(config, name, None)]
    if config.bias != "none":
        found.append("bias")
    if found:
        raise TinsmithError(f"{path}: {found[0]} cannot be merged; train without it")
    return config


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise TinsmithError(f"{path}: not there; run `train` again") from None
    except SafetensorError:
        raise TinsmithError(f"{path}: cut short or no safetensors; run `train` again") from None
    return {name.removeprefix("base_model.model."): tensor for name, tensor in tensors.items()}


def _places(module: str, layer: LoraLayer) -> dict[str, Sequence[int]]:
    """Names and shapes of a module's two factors, A before B."""
    if isinstance(layer, Embedding):
        return {
            f"{module}.lora_embedding_A": layer.lora_embedding_A["default"].shape,
            f"{module}.lora_embedding_B": layer.lora_embedding_B["default"].shape,
        }
    if isinstance(layer, Linear) and isinstance(layer.get_base_layer(), torch.nn.Linear):
        return {
            f"{module}.lora_A.weight": layer.lora_A["default"].weight.shape,
            f"{module}.lora_B.weight": layer.lora_B["default"].weight.shape,
        }
    kind = type(layer.get_base_layer()).__name__
    raise TinsmithError(f"train.lora.targets: {module} is a {kind}; only linear layers and embeddings can be merged")


def _taken(tensors: dict[str, torch.Tensor], name: str, shape: Sequence[int], path: Path) -> torch.Tensor:
    if name not in tensors:
        raise TinsmithError(f"{path}: lacks {name}; {_ANOTHER_BASE}")
    tensor = tensors[name]
    if tensor.shape != shape:
        raise TinsmithError(f"{path}: {name} is {_by(tensor.shape)}, but this base needs {_by(shape)}; {_ANOTHER_BASE}")
    if not tensor.isfinite().all():
        raise TinsmithError(f"{path}: {name} holds something that is no finite number; lower train.learning_rate")
    return tensor


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
