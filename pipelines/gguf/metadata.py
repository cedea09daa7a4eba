"""What a GGUF says of itself: name, licence, base, recipe, what made it, chat template and stop tokens."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf

from pipelines.errors import TinsmithError

END_OF_TURN = "tokenizer.ggml.eot_token_id"
CHAT_TEMPLATE = "tokenizer.chat_template"
# llama-quantize holds a text that it is told to write in 128 bytes, with a zero at the end.
_LONGEST_TEXT = 127


def description(name: str, base: dict[str, str], made_of: str, end_of_turn: int) -> dict[str, str | int]:
    """The values by key that quantise writes into a recipe's GGUF, texts cut to what llama-quantize takes.

    `base` is the base's identity, `made_of` a digest of all that made the model, `end_of_turn` the token that ends an
    answer in training, at which every program that runs the file must stop.
    """
    texts = {
        "general.name": name,
        "general.license": base["license"],
        "general.base_model.0.name": base["name"],
        "general.base_model.0.version": base["revision"],
        "tinsmith.recipe": name,
        "tinsmith.made_of": made_of,
    }
    cut = {key: text.encode()[:_LONGEST_TEXT].decode(errors="ignore") for key, text in texts.items()}
    return {**cut, "general.base_model.count": 1, END_OF_TURN: end_of_turn}


def check_metadata(file: Path, wanted: Mapping[str, str | int]) -> None:
    """Read a GGUF back, whole, and hold what it says of itself against what was to be written.

    Raises:
        TinsmithError: it is cut short, or says something else.
    """
    found = read_metadata(file)
    if wrong := [key for key, value in wanted.items() if found.get(key) != value]:
        raise TinsmithError(
            f"{file}: says something else of {', '.join(wrong)} than was written; use a newer llama.cpp"
        )


def trained_context(file: Path) -> int:
    """Tokens that a GGUF's model was trained to read and write; llama-server gives no request more room.

    Raises:
        TinsmithError: it is no GGUF, or is cut short.
    """
    found = read_metadata(file)
    return int(found[f"{found['general.architecture']}.context_length"])


def read_metadata(file: Path) -> dict[str, Any]:
    """Every text and number that a GGUF says of itself, by key; lists, such as the vocabulary's, are left out.

    Raises:
        TinsmithError: it is no GGUF, or is cut short.
    """
    try:
        fields = gguf.GGUFReader(file).fields.values()
    except (ValueError, IndexError, OSError) as error:
        raise TinsmithError(
            f"{file}: is no whole GGUF ({type(error).__name__}); delete it and run the export stage again"
        ) from None
    return {field.name: field.contents() for field in fields if field.types[:1] != [gguf.GGUFValueType.ARRAY]}
