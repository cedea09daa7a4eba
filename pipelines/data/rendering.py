"""Turning a row into a chat, and a chat into token ids of which only the answer is trained."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jinja2 import TemplateError

from pipelines.errors import TinsmithError
from pipelines.recipe import Example

Message = dict[str, str]


@dataclass(frozen=True)
class Chat:
    """A rendered example; `defused` says whether its text held the base's control tokens."""

    prompt: list[Message]
    answer: str
    defused: bool


@dataclass(frozen=True)
class TokenizedExample:
    """Token ids of a whole chat; `trained` is 1 for the answer and its end of turn, 0 for the prompt."""

    input_ids: list[int]
    trained: list[int]


def render(example: Example, row: Mapping[str, Any], control_tokens: re.Pattern[str]) -> Chat:
    """Fill the recipe's templates with a row's values.

    Text that a tokenizer would read as a control token, and so could open a turn, gets a space inside: `< |im_start|>`.
    """
    texts = {column: plain_text(value) for column, value in row.items()}
    prompt = [("user", example.user.format_map(texts))]
    if example.system is not None:
        prompt.insert(0, ("system", example.system.format_map(texts)))
    answer = _answer(example, row, texts)
    found = any(control_tokens.search(text) for text in [*(text for _, text in prompt), answer])
    messages = [{"role": role, "content": defuse(text, control_tokens)} for role, text in prompt]
    return Chat(messages, defuse(answer, control_tokens), found)


def answer_fields(example: Example, answer: str) -> dict[str, Any]:
    """The parts of an answer that are judged apart: the JSON object's fields, or the whole text as `answer`."""
    return {"answer": answer} if isinstance(example.assistant, str) else dict(json.loads(answer))


def plain_text(value: Any) -> str:
    """A value as it stands in a prompt: nothing for a missing one, times in ISO 8601, truth as true and false."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def json_value(value: Any) -> Any:
    """A value as it stands in a JSON answer: times in ISO 8601, the rest as it is."""
    return value.isoformat() if isinstance(value, date | datetime) else value


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


def tokenize_example(tokenizer: Any, prompt: list[Message], answer: str) -> TokenizedExample:
    """Token ids of the chat by the tokenizer's own template, cut behind the one end-of-turn token that ends the answer.

    Raises:
        TinsmithError: the base's chat template refuses the chat, doubles the beginning of sequence, does not end the
            answer's turn, or renders the prompt otherwise once the answer is there; the answer is empty or holds the
            end-of-turn token.
    """
    if not answer.strip():
        raise TinsmithError("the answer is empty, so that nothing is left to train on")
    before = _ids(tokenizer, prompt, add_generation_prompt=True)
    whole = _ids(tokenizer, [*prompt, {"role": "assistant", "content": answer}], add_generation_prompt=False)
    if whole[: len(before)] != before:
        raise TinsmithError(
            "model.base: its chat template renders the prompt otherwise once the answer is there, so that the model "
            "would be asked what it was never trained on; choose another base"
        )
    if tokenizer.bos_token_id is not None and whole[:2] == [tokenizer.bos_token_id] * 2:
        raise TinsmithError("model.base: its chat template begins with two beginning-of-sequence tokens; mend it")
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    end = next((place for place in range(len(before), len(whole)) if whole[place] in special), None)
    if end is None:
        raise TinsmithError(
            "model.base: its chat template ends the answer without an end-of-turn token, so that the model would never "
            "stop; choose an instruct model"
        )
    if tokenizer.convert_ids_to_tokens(whole[end]) in answer:
        raise TinsmithError("the answer holds the base's end-of-turn token, which would cut it short; defuse it first")
    return TokenizedExample(whole[: end + 1], [0] * len(before) + [1] * (end + 1 - len(before)))


def _answer(example: Example, row: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    if isinstance(example.assistant, str):
        return example.assistant.format_map(texts)
    return json.dumps({column: json_value(row[column]) for column in example.assistant.json_}, ensure_ascii=False)


def _ids(tokenizer: Any, messages: list[Message], add_generation_prompt: bool) -> list[int]:
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=add_generation_prompt)
    except TemplateError as error:
        raise TinsmithError(f"model.base: its chat template refuses this recipe's chats: {error.message}") from None
    # The template writes the beginning of sequence itself; the tokenizer must not add a second one.
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
