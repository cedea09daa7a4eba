"""Turning a row into a chat, and a chat into token ids of which only the answer is trained."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jinja2 import TemplateError

from pipelines.errors import TinsmithError
from pipelines.recipe import Example

Message = dict[str, Any]


@dataclass(frozen=True)
class Chat:
    """A rendered example; `defused` says whether its text held the base's control tokens."""

    prompt: list[Message]
    answer: str
    defused: bool


@dataclass(frozen=True)
class TokenizedExample:
    """Token ids of a whole chat; `trained` is 1 for answers and their ends of turn, 0 for the rest."""

    input_ids: list[int]
    trained: list[int]


def render(
    example: Example, row: Mapping[str, Any], control_tokens: re.Pattern[str], history: Sequence[Message] = ()
) -> Chat:
    """Fill the recipe's templates with a row's values; `history` are turns between the system's and the user's.

    Text that a tokenizer would read as a control token, and so could open a turn, gets a space inside: `< |im_start|>`.
    """
    texts = {column: plain_text(value) for column, value in row.items()}
    prompt = [*((message["role"], message["content"]) for message in history), ("user", example.user.format_map(texts))]
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
    """Token ids of the chat; the answer, and the assistant's turns in the prompt, are trained.

    Raises:
        TinsmithError: the answer is empty; and as tokenize_chat does.
    """
    if not answer.strip():
        raise TinsmithError("the answer is empty, so that nothing is left to train on")
    return tokenize_chat(tokenizer, [*prompt, {"role": "assistant", "content": answer}])


def token_counts(tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, int] | None]:
    """Tokens of each row's whole chat and those trained, from its `prompt` and `answer`; None for an empty answer."""
    counts: list[tuple[int, int] | None] = []
    for row in rows:
        chat = tokenize_example(tokenizer, row["prompt"], row["answer"]) if row["answer"].strip() else None
        counts.append((len(chat.input_ids), sum(chat.trained)) if chat else None)
    return counts


def tokenize_chat(tokenizer: Any, messages: Sequence[Message], tools: Sequence[Any] | None = None) -> TokenizedExample:
    """Token ids of a chat by the tokenizer's own template; its assistant turns, each with its end, are trained.

    `messages` are in the OpenAI form (see openai_messages), `tools` the JSON Schemas of functions that may be called.
    The chat is cut behind the end of its last assistant turn.

    Raises:
        TinsmithError: the base's chat template refuses the chat, doubles the beginning of sequence, does not end an
            answer's turn, or renders the prompt otherwise once the answer is there; an answer holds the end-of-turn
            token; no turn is the assistant's.
    """
    whole = _ids(tokenizer, messages, tools, add_generation_prompt=False)
    if tokenizer.bos_token_id is not None and whole[:2] == [tokenizer.bos_token_id] * 2:
        raise TinsmithError("model.base: its chat template begins with two beginning-of-sequence tokens; mend it")
    turns = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    if not turns:
        raise TinsmithError("the chat has no turn of the assistant, so that nothing is left to train on")
    trained = [0] * len(whole)
    end = 0
    for place in turns:
        start, end = _turn(tokenizer, messages, place, tools, whole)
        trained[start:end] = [1] * (end - start)
    return TokenizedExample(whole[:end], trained[:end])


def _turn(
    tokenizer: Any, messages: Sequence[Message], place: int, tools: Sequence[Any] | None, whole: list[int]
) -> tuple[int, int]:
    """Where the assistant's turn at `place` begins and, behind its end-of-turn token, ends among the chat's tokens."""
    before = _ids(tokenizer, messages[:place], tools, add_generation_prompt=True)
    last = place == len(messages) - 1
    with_turn = whole if last else _ids(tokenizer, messages[: place + 1], tools, add_generation_prompt=False)
    if whole[: len(before)] != before or whole[: len(with_turn)] != with_turn:
        raise TinsmithError(
            "model.base: its chat template renders the prompt otherwise once the answer is there, so that the model "
            "would be asked what it was never trained on; choose another base"
        )
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    ends = [spot for spot in range(len(before), len(with_turn)) if whole[spot] in special]
    if not ends:
        raise TinsmithError(
            "model.base: its chat template ends the answer without an end-of-turn token, so that the model would never "
            "stop; choose an instruct model"
        )
    # Some templates write calls between special tokens of their own; plain text has none before its end.
    end = ends[-1] if messages[place].get("tool_calls") else ends[0]
    if tokenizer.convert_ids_to_tokens(whole[end]) in (messages[place].get("content") or ""):
        raise TinsmithError("the answer holds the base's end-of-turn token, which would cut it short; defuse it first")
    return len(before), end + 1


def _answer(example: Example, row: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    if isinstance(example.assistant, str):
        return example.assistant.format_map(texts)
    return json.dumps({column: json_value(row[column]) for column in example.assistant.json_}, ensure_ascii=False)


def _ids(
    tokenizer: Any, messages: Sequence[Message], tools: Sequence[Any] | None, add_generation_prompt: bool
) -> list[int]:
    try:
        text = tokenizer.apply_chat_template(
            list(messages), tools=tools, tokenize=False, add_generation_prompt=add_generation_prompt
        )
    except TemplateError as error:
        raise TinsmithError(f"model.base: its chat template refuses this recipe's chats: {error.message}") from None
    # The template writes the beginning of sequence itself; the tokenizer must not add a second one.
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
