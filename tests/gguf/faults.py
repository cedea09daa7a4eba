"""Faults that a conversion to GGUF could have, planted in the folder of the model that is converted."""

import json
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file, save_file


def rewrite_template(folder: Path, new: Callable[[str], str]) -> None:
    template = folder / "chat_template.jinja"
    template.write_text(new(template.read_text()))


def permute_heads(folder: Path) -> None:
    """Swap the first two of four query heads of the first layer."""
    weights = load_file(folder / "model.safetensors")
    name = "model.layers.0.self_attn.q_proj.weight"
    weights[name] = weights[name].view(4, 64, 256)[[1, 0, 2, 3]].reshape(256, 256).contiguous()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def drop_added_token(folder: Path, token: str) -> int:
    """Returns the token's id."""
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text())
    dropped = next(added for added in content["added_tokens"] if added["content"] == token)
    content["added_tokens"].remove(dropped)
    file.write_text(json.dumps(content))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.get("added_tokens_decoder", {}).pop(str(dropped["id"]), None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return int(dropped["id"])
