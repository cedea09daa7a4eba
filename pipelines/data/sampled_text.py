"""A bounded piece of the recipe's own text, from which quantising learns and on which quants are measured."""

import os
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.data.tokenizing import chat_text, stored_chat
from pipelines.errors import TinsmithError

# Rows of a split that texts are drawn from.
ROWS = 1_000
# No language's tokens are longer on average.
_BYTES_PER_TOKEN = 8


@dataclass(frozen=True)
class SampledText:
    """Text that is `tokens` tokens long."""

    text: str
    tokens: int


def rendered_chats(tokenizer: Any, rows: Iterable[Mapping[str, Any]], most_tokens: int) -> SampledText:
    """Whole chats as the template writes them, control tokens among them, until there are `most_tokens`."""
    return _joined(tokenizer, rows, most_tokens, lambda row: chat_text(tokenizer, *stored_chat(row)))


def plain_texts(tokenizer: Any, rows: Iterable[Mapping[str, Any]], most_tokens: int) -> SampledText:
    """What was said in chats, without instructions and control tokens, until there are `most_tokens`."""
    return _joined(tokenizer, rows, most_tokens, lambda row: "\n".join(said(row)))


def general_text_file(named: str) -> Path:
    """The file that a recipe names as its general text, with `${NAME}` replaced from the environment.

    Raises:
        TinsmithError: the variable is not set, or there is no such file.
    """
    try:
        file = Path(string.Template(named).substitute(os.environ))
    except (KeyError, ValueError):
        raise TinsmithError(
            f"export.general_text: {named} names what is not set in the environment; set it, or name a file"
        ) from None
    if not file.is_file():
        raise TinsmithError(f"export.general_text: {file} is no file; name a text file, or take the field out")
    return file


def beginning_of_file(tokenizer: Any, file: Path, most_tokens: int) -> SampledText:
    """The first `most_tokens` or so of a text file; bytes that are no UTF-8 are left out."""
    with file.open("rb") as stream:
        text = stream.read(most_tokens * _BYTES_PER_TOKEN).decode(errors="ignore")
    return SampledText(text, len(tokenizer(text, add_special_tokens=False)["input_ids"]))


def said(row: Mapping[str, Any]) -> list[str]:
    """The texts of a chat's turns in order, but for the instructions."""
    messages, _ = stored_chat(row)
    return [message["content"] for message in messages if message["role"] != "system" and message["content"].strip()]


def _joined(
    tokenizer: Any,
    rows: Iterable[Mapping[str, Any]],
    most_tokens: int,
    text_of: Callable[[Mapping[str, Any]], str],
) -> SampledText:
    texts: list[str] = []
    tokens = 0
    for row in rows:
        if tokens >= most_tokens:
            break
        texts.append(text_of(row) + "\n")
        tokens += len(tokenizer(texts[-1], add_special_tokens=False)["input_ids"])
    return SampledText("".join(texts), tokens)
