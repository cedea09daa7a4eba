"""Conversations in the OpenAI form: turns of system, user, assistant and tool, with calls of functions."""

import json
import re
from typing import Any

from pipelines.data.rendering import Message, defuse

_ROLES = ("system", "developer", "user", "assistant", "tool")


class BrokenConversationError(ValueError):
    """The value is no conversation; the message says why, without any of its text."""


def openai_messages(value: Any) -> list[Message]:
    """The messages of a conversation, given as JSON text or as a list, in the form that chat templates take.

    Texts in parts are joined, and a call's arguments become an object. See defused for the base's control tokens.

    Raises:
        BrokenConversationError: it is no list of messages with a known role and text, or a call is not one.
    """
    messages = _parsed(value, "the conversation") if isinstance(value, str) else value
    if not isinstance(messages, list) or not messages:
        raise BrokenConversationError("the conversation is no list of messages")
    return [_message(number, message) for number, message in enumerate(messages, start=1)]


def defused(messages: list[Message], control_tokens: re.Pattern[str]) -> list[Message]:
    """The messages with every text in them, those of calls too, defused as rendering.defuse does."""
    clean: list[Message] = _defused(messages, control_tokens)
    return clean


def _defused(value: Any, control_tokens: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return defuse(value, control_tokens)
    if isinstance(value, dict):
        return {_defused(key, control_tokens): _defused(inner, control_tokens) for key, inner in value.items()}
    return [_defused(inner, control_tokens) for inner in value] if isinstance(value, list) else value


def _message(number: int, message: Any) -> Message:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise BrokenConversationError(f"message {number} has no role of {', '.join(_ROLES)}")
    content, calls = message.get("content"), message.get("tool_calls") or []
    if isinstance(content, list):
        if any(not isinstance(part, dict) or part.get("type") != "text" for part in content):
            raise BrokenConversationError(f"message {number} has a part that is not text")
        content = "\n".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str) and not (content is None and calls):
        raise BrokenConversationError(f"message {number} has no text")
    clean: Message = {"role": message["role"], "content": content or ""}
    if calls:
        clean["tool_calls"] = [_call(number, call) for call in calls]
    clean |= {key: message[key] for key in ("name", "tool_call_id") if message.get(key)}
    return clean


def _call(number: int, call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BrokenConversationError(f"message {number} has a call without a function's name")
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        arguments = _parsed(arguments or "{}", f"message {number}: the arguments of a call")
    if not isinstance(arguments, dict):
        raise BrokenConversationError(f"message {number}: the arguments of a call are no object")
    clean = {"type": "function", "function": {"name": function["name"], "arguments": arguments}}
    return {"id": call["id"], **clean} if call.get("id") else clean


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenConversationError(f"{what} is no JSON") from None
