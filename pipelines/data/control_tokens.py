"""The words that a base's tokenizer reads as control tokens, and text in which they are words no more."""

import re
from typing import Any


def control_tokens(tokenizer: Any) -> re.Pattern[str]:
    """A pattern of every special token of a tokenizer that has more than one character."""
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    special = {token for token in {*special, *tokenizer.all_special_tokens} if len(token) > 1}
    # The longest first, so that none hides behind its own beginning; without any, a pattern that never matches.
    return re.compile("|".join(re.escape(token) for token in sorted(special, key=len, reverse=True)) or r"(?!)")


def defuse(text: str, control_tokens: re.Pattern[str]) -> str:
    """Put a space behind the first character of every control token in `text`, until none is left."""
    while control_tokens.search(text):
        text = control_tokens.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    return text


def defused(value: Any, control_tokens: re.Pattern[str]) -> Any:
    """A value with every text in it, however deep, defused."""
    if isinstance(value, str):
        return defuse(value, control_tokens)
    if isinstance(value, dict):
        return {defuse(key, control_tokens): defused(inner, control_tokens) for key, inner in value.items()}
    return [defused(inner, control_tokens) for inner in value] if isinstance(value, list) else value
