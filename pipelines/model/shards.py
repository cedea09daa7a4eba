"""A model's safetensors files read and written a tensor at a time, so that memory holds one tensor, not one file.

The format: https://github.com/huggingface/safetensors#format. The library writes a file only from tensors that are all
in memory; reading is its own.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME

from pipelines.errors import TinsmithError
from pipelines.files import read_json, write_json

_FLOATS = {"F64", "F32", "F16", "BF16"}
# Bytes of one element.
_SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "F16": 2, "BF16": 2, "I16": 2, "F32": 4, "I32": 4, "F64": 8, "I64": 8}


class Slot(NamedTuple):
    """A tensor's place in a file: its name, its type as safetensors calls it, and its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def read_slots(folder: Path) -> dict[str, list[Slot]]:
    """What each weight file of a model folder holds, in the order in which it lies there.

    Raises:
        TinsmithError: a file that the index names is missing, cut short, or lacks a tensor of the index.
    """
    index = folder / SAFE_WEIGHTS_INDEX_NAME
    listed = read_json(index)["weight_map"] if index.exists() else {}
    files = sorted(set(listed.values())) or [SAFE_WEIGHTS_NAME]
    if any(Path(file).name != file for file in files):
        raise TinsmithError(f"{index}: names a file outside of its folder; fetch the base again")
    slots = {file: _slots(folder / file) for file in files}
    there = {(slot.name, file) for file, held in slots.items() for slot in held}
    if missing := sorted(set(listed.items()) - there):
        name, file = missing[0]
        raise TinsmithError(f"{folder / file}: lacks {name}, which its index names; fetch the base again")
    return slots


def read_tensor(path: Path, name: str) -> torch.Tensor:
    """One tensor of a file. The file is opened anew: what was read before is then no longer held by this process."""
    with safe_open(path, "pt") as file:
        tensor: torch.Tensor = file.get_tensor(name)
        return tensor


def write_shard(path: Path, slots: Sequence[Slot], value_of: Callable[[str], torch.Tensor]) -> None:
    """Write a safetensors file, asking for one tensor after the other; each must fit its slot."""
    with path.open("wb") as stream:
        stream.write(_header(slots))
        for slot in slots:
            value = value_of(slot.name)
            assert tuple(value.shape) == slot.shape, f"{slot.name} changed its shape"
            value.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tofile(stream)


def write_index(folder: Path, slots: dict[str, list[Slot]]) -> None:
    """Write the index of a model of several files; a single file has none."""
    if len(slots) == 1:
        return
    size = sum(_bytes(slot) for held in slots.values() for slot in held)
    weight_map = {slot.name: file for file, held in slots.items() for slot in held}
    write_json(folder / SAFE_WEIGHTS_INDEX_NAME, {"metadata": {"total_size": size}, "weight_map": weight_map})


def in_bf16(slot: Slot) -> Slot:
    """The slot for the same tensor in bf16; whole numbers stay as they are."""
    return slot._replace(dtype="BF16") if slot.dtype in _FLOATS else slot


def _slots(path: Path) -> list[Slot]:
    try:
        with safe_open(path, "pt") as file:
            views = {name: file.get_slice(name) for name in file.offset_keys()}
            slots = [Slot(name, view.get_dtype(), tuple(view.get_shape())) for name, view in views.items()]
    except FileNotFoundError:
        raise TinsmithError(f"{path}: not there; fetch the base again") from None
    except SafetensorError:
        raise TinsmithError(f"{path}: cut short or no safetensors; fetch the base again") from None
    if strange := [slot for slot in slots if slot.dtype not in _SIZES]:
        raise TinsmithError(f"{path}: holds {strange[0].dtype} numbers; name the base's 16-bit original")
    return slots


def _header(slots: Sequence[Slot]) -> bytes:
    """Length of the description in 8 bytes, little-endian, and the description, padded to a multiple of 8 bytes."""
    described: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for slot in slots:
        end = start + _bytes(slot)
        described[slot.name] = {"dtype": slot.dtype, "shape": slot.shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(described, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _bytes(slot: Slot) -> int:
    return torch.Size(slot.shape).numel() * _SIZES[slot.dtype]
