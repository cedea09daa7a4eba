"""Calls of tools, read out of an answer's text as chat templates write them."""

import ast
import json
import re
import warnings
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.figures import Row, Scores, Texts
from pipelines.scoring.metrics.strict_json import EXACT, UNREADABLE, hashable

Call = tuple[str, Hashable]

# As Qwen3-Coder and its heirs write calls: <function=weather><parameter=city>Oslo</parameter></function>
_FUNCTION = re.compile(r"<function=([^>\s]+)>(.*?)</function>", re.S)
# As LFM2 and Llama 4 do: [weather(city="Oslo"), time()]
_PYTHON_LIST = re.compile(r"\[\s*[A-Za-z_][\w.]*\(.*\)\s*\]", re.S)
_JSON_WORDS = {"true": True, "false": False, "null": None}
_PARAMETER = re.compile(r"<parameter=([^>\s]+)>\n?(.*?)\n?</parameter>", re.S)


def calls_in(text: str) -> list[Call]:
    """The calls that an answer makes, each its function's name and its arguments, in order.

    Read are JSON objects with a name and arguments (or parameters), wherever they stand; calls in tags
    (<function=...>), whose arguments are texts in tags of their own, or a JSON object; and a list of calls in Python's
    form.
    """
    try:
        return [(name, hashable(arguments)) for name, arguments in _calls(text)]
    except RecursionError:
        return []


def same_calls(rows: Sequence[Row], answers: Texts) -> Scores:
    """1 where the answer makes exactly the expected calls, names and arguments, in any order, or rightly none."""
    pairs = zip(rows, answers, strict=True)
    return np.array([Counter(calls_in(said)) == Counter(calls_in(row["answer"])) for row, said in pairs], dtype=float)


def same_tools(rows: Sequence[Row], answers: Texts) -> Scores:
    """1 where the answer calls exactly the expected tools, whatever their arguments, in any order, or rightly none."""
    pairs = zip(rows, answers, strict=True)
    return np.array([_names(said) == _names(row["answer"]) for row, said in pairs], dtype=float)


def check_calls(rows: Sequence[Row], metric: str) -> None:
    """Make sure that the expected calls can be read out of the text that the base's template makes of them.

    Raises:
        TinsmithError: the template writes calls in a form that is not known here, or no row expects a call.
    """
    unread = [row["example_id"] for row in rows if not _is_read_whole(row)]
    if unread:
        raise TinsmithError(
            f"evaluate.metrics: {metric}: the calls that {len(unread)} of {len(rows)} rows expect (first {unread[0]}) "
            "cannot be read as the base's template writes them; read are JSON with name and arguments, <function=...> "
            "tags, and Python's form: choose another base, or take the metric out"
        )
    if not any(_names(row["answer"]) for row in rows):
        raise TinsmithError(
            f"evaluate.metrics: {metric}: none of the {len(rows)} judged rows expects a call; take it out"
        )


def _names(text: str) -> Counter[str]:
    return Counter(name for name, _ in calls_in(text))


def _is_read_whole(row: Row) -> bool:
    """Whether the calls of the row's chat, if it is one, are read out of its answer with the names of all arguments."""
    if not row.get("chat"):
        return True
    called = [call["function"] for call in json.loads(row["chat"])["messages"][-1].get("tool_calls", ())]
    expected = [(call["name"], _argument_names(call.get("arguments") or {})) for call in called]
    return not expected or Counter(expected) == _names_of_all(row["answer"])


def _names_of_all(text: str) -> Counter[tuple[str, frozenset[str]]]:
    """Of each call its function's name and those of its arguments."""
    try:
        return Counter((name, frozenset(arguments)) for name, arguments in _calls(text))
    except RecursionError:
        return Counter()


def _argument_names(arguments: Any) -> frozenset[str]:
    return frozenset(json.loads(arguments) if isinstance(arguments, str) else arguments)


def _calls(text: str) -> list[tuple[str, Any]]:
    tagged = _FUNCTION.findall(text)
    if tagged:
        return [call for name, inside in tagged for call in _tagged_call(name, inside)]
    return _json_calls(text) or _python_calls(text)


def _tagged_call(name: str, inside: str) -> list[tuple[str, Any]]:
    """The call, or none where its arguments cannot be told."""
    arguments: Any = dict(_PARAMETER.findall(inside))
    if not arguments and inside.strip():
        try:
            arguments = EXACT.decode(inside)
        except UNREADABLE:
            return []
    return [(name, arguments)] if isinstance(arguments, dict) else []


def _json_calls(text: str) -> list[tuple[str, Any]]:
    calls, place = [], text.find("{")
    while place >= 0:
        try:
            value, end = EXACT.raw_decode(text, place)
        except RecursionError:
            raise
        except UNREADABLE:
            end = place + 1
        else:
            calls += _calls_of(value)
        place = text.find("{", end)
    return calls


def _python_calls(text: str) -> list[tuple[str, Any]]:
    """The calls of a list in Python's form; nothing of it is run."""
    found = _PYTHON_LIST.search(text)
    if not found:
        return []
    try:
        with warnings.catch_warnings():
            # Of odd escapes, with the text that has them.
            warnings.simplefilter("ignore")
            listed = ast.parse(found[0], mode="eval").body
        return [_python_call(call) for call in listed.elts] if isinstance(listed, ast.List) else []
    except (SyntaxError, ValueError, TypeError, MemoryError):
        return []


def _python_call(call: ast.expr) -> tuple[str, Any]:
    """Raises ValueError where it is no call by keywords with plain values, TypeError where JSON knows no such value."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
        raise ValueError("is no call of a name")
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        raise ValueError("is no call by keywords")
    arguments = {str(keyword.arg): _plain_value(keyword.value) for keyword in call.keywords}
    return ast.unparse(call.func), EXACT.decode(json.dumps(arguments, allow_nan=False))


def _plain_value(node: ast.expr) -> Any:
    """A literal of Python's, or of JSON's words for some."""
    if isinstance(node, ast.Name) and node.id in _JSON_WORDS:
        return _JSON_WORDS[node.id]
    if isinstance(node, ast.List):
        return [_plain_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {ast.literal_eval(key): _plain_value(value) for key, value in pairs if key is not None}
    return ast.literal_eval(node)


def _calls_of(value: Any) -> list[tuple[str, Any]]:
    """The call that an object is, or those that it wraps as the OpenAI API does."""
    if isinstance(value, list):
        return [call for inner in value for call in _calls_of(inner)]
    if not isinstance(value, dict):
        return []
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        try:
            arguments = EXACT.decode(arguments)
        except UNREADABLE:
            return []
    if isinstance(value.get("name"), str) and isinstance(arguments, dict):
        return [(value["name"], arguments)]
    return _calls_of(value.get("function")) + _calls_of(value.get("tool_calls"))
