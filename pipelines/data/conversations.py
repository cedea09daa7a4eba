"""Conversations in the OpenAI form: turns of system, user, assistant and tool, with calls of functions."""

import json
from typing import Any

Message = dict[str, Any]

_ROLES = ("system", "developer", "user", "assistant", "tool")
# Names under which data sets keep what a model thought before it answered; chat templates know the first.
_REASONING = ("reasoning_content", "reasoning", "thinking")


class BrokenConversationError(ValueError):
    """The value is no conversation, or no list of tools; the message says why, without any of its text."""


def openai_messages(value: Any) -> list[Message]:
    """The messages of a conversation, given as JSON text or as a list, in the form that chat templates take.

    Texts in parts are joined, a call's arguments become an object, and reasoning stands in `reasoning_content`.

    Raises:
        BrokenConversationError: it is no list of messages with a known role and text, or a call is not one.
    """
    messages = _parsed(value, "the conversation") if isinstance(value, str) else value
    if not isinstance(messages, list) or not messages:
        raise BrokenConversationError("the conversation is no list of messages")
    return [_message(number, message) for number, message in enumerate(messages, start=1)]


def openai_tools(value: Any) -> list[dict[str, Any]] | None:
    """The tools that may be called, given as JSON text or as a list; bare functions are wrapped; None for none.

    Raises:
        BrokenConversationError: it is no list of functions with a name each.
    """
    tools = _parsed(value, "the list of tools") if isinstance(value, str) else value
    if not isinstance(tools, list | None):
        raise BrokenConversationError("the tools are no list")
    return [_tool(number, tool) for number, tool in enumerate(tools, start=1)] if tools else None


def _tool(number: int, tool: Any) -> dict[str, Any]:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BrokenConversationError(f"tool {number} has no function with a name")
    return {"type": "function", "function": function}


def _message(number: int, message: Any) -> Message:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise BrokenConversationError(f"message {number} has no role of {', '.join(_ROLES)}")
    content, calls = message.get("content"), message.get("tool_calls") or []
    if isinstance(content, list):
        if any(not isinstance(part, dict) or part.get("type") != "text" for part in content):
            raise BrokenConversationError(f"message {number} has a part that is not text")
        # As chat templates do: nothing between the parts.
        content = "".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str) and not (content is None and calls):
        raise BrokenConversationError(f"message {number} has no text")
    if not isinstance(calls, list) or (calls and message["role"] != "assistant"):
        raise BrokenConversationError(f"message {number} has calls that are no list, or are not the assistant's")
    clean: Message = {"role": message["role"], "content": content or ""}
    if calls:
        clean["tool_calls"] = [_call(number, call) for call in calls]
    if reasoning := next((message[key] for key in _REASONING if message.get(key)), None):
        clean["reasoning_content"] = str(reasoning)
    return clean | {key: message[key] for key in ("name", "tool_call_id") if message.get(key)}


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
