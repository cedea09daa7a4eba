"""Writing a merged model's folder, a tensor at a time: each weight of the base with what the adapter adds to it."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch

from pipelines.errors import TinsmithError
from pipelines.files import read_json, write_json, written_whole
from pipelines.model.adapter import Update, read_adapter
from pipelines.model.nf4 import device, nf4_roundtrip, quantised_weights, skeleton
from pipelines.model.shards import Slot, in_bf16, read_slots, read_tensor, write_index, write_shard

Onto = Literal["16bit", "nf4"]
# Configuration, tokenizer, chat template and generation settings; not the index, which is written anew.
_CARRIED = ("*.json", "*.jinja", "tokenizer.model", "vocab.txt", "merges.txt")


@dataclass(frozen=True)
class _Base:
    """Where each tensor of the base lies; which are held in NF4 in training; which are another one, by tying."""

    folder: Path
    slots: dict[str, list[Slot]]
    quantised: frozenset[str]
    tied: dict[str, str]

    @cached_property
    def places(self) -> dict[str, tuple[str, Slot]]:
        """The file and the slot of each tensor."""
        return {slot.name: (file, slot) for file, held in self.slots.items() for slot in held}

    def read(self, name: str) -> torch.Tensor:
        """A tensor of the base; of a tied one, that which it is tied to."""
        file, slot = self.places[self.tied.get(name, name)]
        return read_tensor(self.folder / file, slot.name)


def write_merged(base: Path, adapter: Path | None, target: Path, onto: Onto) -> None:
    """Write the merged model as bf16 safetensors: sharded as the base, with its configuration, tokenizer and template.

    Each sum of a weight and its update is taken in fp32 and rounded once. Where the adapter changes one of two tied
    weights, both are written and the configuration says that they are tied no longer, as they were in training.

    Args:
        base: the base model's folder.
        adapter: the folder that training wrote; None writes the base as training saw it, for adapters of their own.
        target: the new folder.
        onto: the base's own weights, or those in NF4 written out in 16 bits.

    Raises:
        TinsmithError: as `merge_adapter` does.
    """
    if "quantization_config" in read_json(base / "config.json"):
        raise TinsmithError(f"{base / 'config.json'}: this base is quantised already; name its 16-bit original")
    modules = skeleton(base)
    updates = read_adapter(adapter, modules) if adapter else {}
    quantised = quantised_weights(base) if onto == "nf4" else frozenset[str]()
    laid = _Base(base, read_slots(base), quantised, modules.all_tied_weights_keys)
    _check_fit(laid, updates)
    parted = {name: source for name, source in laid.tied.items() if {name, source} & set(updates)}
    slots = {file: _with_parted(held, parted) for file, held in laid.slots.items()}
    with written_whole(target) as fresh:
        fresh.mkdir()
        for file, held in slots.items():
            write_shard(fresh / file, held, lambda name: _merged(laid, name, updates.get(name)))
        write_index(fresh, slots)
        _carry_over(base, fresh, parted=bool(parted))


def _merged(base: _Base, name: str, update: Update | None) -> torch.Tensor:
    weight = base.read(name)
    if not weight.is_floating_point():
        return weight
    if name in base.quantised:
        weight = nf4_roundtrip(weight.to(device()))
    before = weight.to(device(), torch.bfloat16)
    if update is None:
        return before
    after = update.delta(device()).add_(weight.to(device())).to(torch.bfloat16)
    if torch.equal(after, before):
        raise TinsmithError(
            f"export: merging left {name.removesuffix('.weight')} as it was in the base; the adapter did not train"
        )
    return after


def _with_parted(held: list[Slot], parted: dict[str, str]) -> list[Slot]:
    """A file's slots in bf16; a weight that is tied no longer stands behind the one that it was tied to."""
    kept = [in_bf16(slot) for slot in held if slot.name not in parted]
    return [
        written
        for slot in kept
        for written in (slot, *(slot._replace(name=name) for name, source in parted.items() if source == slot.name))
    ]


def _check_fit(base: _Base, updates: dict[str, Update]) -> None:
    """Every weight that is changed is there, in the shape that the configuration gives it."""
    for name in sorted({*updates, *base.quantised, *base.tied.keys() & base.places.keys()}):
        source = base.tied.get(name, name)
        if source not in base.places:
            raise TinsmithError(f"{base.folder}: its weights lack {source}, which its config.json calls for")
        shape = base.places[source][1].shape
        if name in updates and shape != (updates[name].b.shape[0], updates[name].a.shape[1]):
            raise TinsmithError(
                f"{base.folder}: {source} is {' x '.join(map(str, shape))} in its weights and has another shape in its "
                "config.json; fetch the base again"
            )


def _carry_over(base: Path, target: Path, *, parted: bool) -> None:
    for path in sorted(path for pattern in _CARRIED for path in base.glob(pattern)):
        if not path.name.endswith(".index.json"):
            shutil.copyfile(path, target / path.name)
    config = read_json(base / "config.json")
    # The older name of the same setting would stand beside the new one.
    config.pop("torch_dtype", None)
    untied = {"tie_word_embeddings": False} if parted else {}
    write_json(target / "config.json", {**config, "dtype": "bfloat16", **untied})
