"""Turning a row into a chat: its texts filled into the recipe's templates, or its conversation as it stands."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from pipelines.data.control_tokens import defused
from pipelines.data.conversations import Message
from pipelines.recipe import Example, JsonAnswer, answer_key, template_columns, template_parts


@dataclass(frozen=True)
class Chat:
    """A rendered example, its last message the answer; `defused` says whether it held the base's control tokens.

    `tools` are the functions that may be called, None where there are none.
    """

    messages: list[Message]
    tools: list[dict[str, Any]] | None
    defused: bool

    @property
    def prompt(self) -> list[Message]:
        """All that stands before the answer."""
        return self.messages[:-1]

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing but roles and texts."""
        return self.tools is None and all(message.keys() == {"role", "content"} for message in self.messages)


def render(
    example: Example,
    row: Mapping[str, Any],
    control_tokens: re.Pattern[str],
    turns: Sequence[Message] = (),
    tools: list[dict[str, Any]] | None = None,
) -> Chat:
    """Fill the recipe's templates with a row's values.

    `turns` are the whole conversation where the recipe takes one from a column, else what stands between the system's
    and the user's turn. Text that a tokenizer would read as a control token, and so could open a turn, gets a space
    inside: `< |im_start|>`.
    """
    messages = list(turns)
    if example.user is not None and example.assistant is not None:
        messages.append({"role": "user", "content": filled(example.user, row)})
        messages.append({"role": "assistant", "content": _answer(example.assistant, row)})
    if example.system is not None and not any(turn["role"] in ("system", "developer") for turn in turns):
        messages.insert(0, {"role": "system", "content": filled(example.system, row)})
    harmless, harmless_tools = defused(messages, control_tokens), defused(tools, control_tokens)
    return Chat(harmless, harmless_tools, defused=(harmless, harmless_tools) != (messages, tools))


def question_chat(example: Example, question: str) -> list[Message]:
    """A question that is no row's, asked as rows are: under the recipe's instructions, where all rows have the same."""
    messages = [{"role": "user", "content": question}]
    if example.system is not None and not template_columns(example.system):
        messages.insert(0, {"role": "system", "content": filled(example.system, {})})
    return messages


def filled(template: str, row: Mapping[str, Any]) -> str:
    """A template with a row's values in place of its columns."""
    return "".join(text + (plain_text(row[column]) if column else "") for text, column in template_parts(template))


def answer_fields(example: Example, answer: str) -> dict[str, Any]:
    """The parts of an answer that are judged apart: the JSON object's fields, or the whole text as `answer`."""
    return dict(json.loads(answer)) if isinstance(example.assistant, JsonAnswer) else {"answer": answer}


def plain_text(value: Any) -> str:
    """A value as it stands in a prompt: nothing for a missing one, times in ISO 8601, truth as true and false.

    Lists and objects are written as JSON.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(json_value(value), ensure_ascii=False)
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


def json_value(value: Any) -> Any:
    """A value as it stands in a JSON answer: times in ISO 8601, the rest as it is."""
    if isinstance(value, dict):
        return {key: json_value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [json_value(inner) for inner in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _answer(answer: str | JsonAnswer, row: Mapping[str, Any]) -> str:
    if isinstance(answer, str):
        return filled(answer, row)
    fields = {answer_key(column): json_value(row[column]) for column in answer.json_}
    return json.dumps(fields, ensure_ascii=False)
