"""Conversations in the forms of the field, each turned into the same columns.

Every shape gives `messages` (all turns as JSON text, in the form of OpenAI's chat API), and of it `system`, `user` and
`assistant`: the instructions, the last question and the last answer as plain text. Two shapes judge answers:
`preference` gives `chosen` and `rejected` instead of `assistant`, and `thumbs` gives `desirable` besides. Other keys of
a row stay as they are.
"""

from collections.abc import Callable
from typing import Any

from pipelines.data.sources.json_records import BrokenJsonError, as_json_text
from pipelines.recipe_sources import Shape

Turns = list[dict[str, Any]]
_ROLES = {"system", "developer", "user", "assistant", "tool"}
_SHAREGPT_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "tool": "tool",
}


def reshaped(row: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """The row with the columns of its shape; raises BrokenJsonError where it has another shape."""
    try:
        return row | _READERS[shape](row)
    except BrokenJsonError as error:
        raise BrokenJsonError(f"row: not of the shape {shape}: {error}") from None


def _messages(row: dict[str, Any]) -> dict[str, Any]:
    return _conversation(_turns(row, "messages"))


def _sharegpt(row: dict[str, Any]) -> dict[str, Any]:
    turns = []
    for turn in _list(row, "conversations"):
        role = _SHAREGPT_ROLES.get(str(turn.get("from"))) if isinstance(turn, dict) else None
        if role is None:
            raise BrokenJsonError("a turn's `from` is not known")
        turns.append({"role": role, "content": turn.get("value")})
    if isinstance(row.get("system"), str) and row["system"]:
        turns.insert(0, {"role": "system", "content": row["system"]})
    return _conversation([_checked(turn) for turn in turns])


def _alpaca(row: dict[str, Any]) -> dict[str, Any]:
    asked = "\n\n".join(text for text in (_text(row, "instruction"), row.get("input")) if text)
    history = row.get("history") or []
    turns = _system(row)
    for pair in history if isinstance(history, list) else [None]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise BrokenJsonError("history is not a list of [question, answer]")
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": _text(row, "output")}]
    return _conversation([_checked(turn) for turn in turns])


def _completion(row: dict[str, Any]) -> dict[str, Any]:
    return _conversation(_prompt(row) + _answer(row, "completion"))


def _preference(row: dict[str, Any]) -> dict[str, Any]:
    chosen, rejected = _answer(row, "chosen"), _answer(row, "rejected")
    if "prompt" in row:
        asked = _prompt(row)
    else:
        asked = []
        while len(chosen) > 1 and len(rejected) > 1 and chosen[0] == rejected[0]:
            asked.append(chosen.pop(0))
            rejected.pop(0)
    if len(chosen) != 1 or len(rejected) != 1:
        raise BrokenJsonError("chosen and rejected differ before their last turn")
    if chosen == rejected:
        raise BrokenJsonError("chosen and rejected are the same")
    answers = [_conversation(asked + one)["assistant"] for one in (chosen, rejected)]
    columns = _asked(asked)
    return columns | {"chosen": answers[0], "rejected": answers[1]}


def _thumbs(row: dict[str, Any]) -> dict[str, Any]:
    label = row.get("label", row.get("desirable"))
    if not isinstance(label, bool):
        raise BrokenJsonError("label is not true or false")
    return _completion(row) | {"desirable": label}


_READERS: dict[Shape, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "completion": _completion,
    "preference": _preference,
    "thumbs": _thumbs,
}


def _conversation(turns: Turns) -> dict[str, Any]:
    """The columns of a conversation that ends with an answer."""
    if turns[-1]["role"] != "assistant":
        raise BrokenJsonError("the last turn is not the assistant's")
    if not (turns[-1]["content"] or turns[-1].get("tool_calls")):
        raise BrokenJsonError("the last answer is empty")
    return _asked(turns[:-1]) | {"messages": as_json_text(turns), "assistant": turns[-1]["content"] or None}


def _asked(turns: Turns) -> dict[str, Any]:
    questions = [turn["content"] for turn in turns if turn["role"] == "user"]
    if not questions:
        raise BrokenJsonError("nothing is asked")
    systems = [turn["content"] for turn in turns if turn["role"] in ("system", "developer")]
    return {"messages": as_json_text(turns), "system": "\n\n".join(systems) or None, "user": questions[-1]}


def _prompt(row: dict[str, Any]) -> Turns:
    if isinstance(row.get("prompt"), list):
        return _turns(row, "prompt")
    return [*_system(row), {"role": "user", "content": _text(row, "prompt")}]


def _answer(row: dict[str, Any], key: str) -> Turns:
    if isinstance(row.get(key), list):
        return _turns(row, key)
    return [{"role": "assistant", "content": _text(row, key)}]


def _system(row: dict[str, Any]) -> Turns:
    system = row.get("system")
    return [{"role": "system", "content": system}] if isinstance(system, str) and system else []


def _turns(row: dict[str, Any], key: str) -> Turns:
    return [_checked(turn) for turn in _list(row, key)]


def _checked(turn: Any) -> dict[str, Any]:
    """A turn whose role is known and whose content is text."""
    if not isinstance(turn, dict) or str(turn.get("role")) not in _ROLES:
        raise BrokenJsonError("a turn's role is not known")
    content = turn.get("content")
    if isinstance(content, list):
        if not all(isinstance(part, dict) and part.get("type") == "text" for part in content):
            raise BrokenJsonError("a turn holds more than text")
        content = "".join(_text(part, "text") for part in content)
    if content is None and turn.get("tool_calls"):
        content = ""
    if type(content) is not str:
        raise BrokenJsonError("a turn's content is not text")
    return {key: value for key, value in turn.items() if value is not None} | {"content": content}


def _list(row: dict[str, Any], key: str) -> list[Any]:
    turns = row.get(key)
    if not isinstance(turns, list) or not turns:
        raise BrokenJsonError(f"{key} is not a list of turns")
    return turns


def _text(row: dict[str, Any], key: str) -> str:
    text = row.get(key)
    if type(text) is not str or not text:
        raise BrokenJsonError(f"{key} is missing or is not text")
    return text
