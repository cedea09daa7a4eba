"""The grammar that a closed form of answer keeps, in llama.cpp's GBNF, so that a model cannot answer otherwise."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines.recipe import Answer, JsonAnswer

# Numbers end: a model that is not held to their length may repeat a digit for ever.
_JSON = r"""
value ::= object | array | string | number | boolean | null
object ::= "{" (pair (", " pair)*)? "}"
pair ::= string ": " value
array ::= "[" (value (", " value)*)? "]"
string ::= "\"" character* "\""
character ::= [^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" hex hex hex hex)
hex ::= [0-9a-fA-F]
number ::= integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?
integer ::= "-"? ("0" | [1-9] [0-9]{0,18})
boolean ::= "true" | "false"
null ::= "null"
"""


def answer_grammar(answer: Answer | None, datasheet: Mapping[str, Any], tools: Sequence[Any]) -> str | None:
    """The grammar of a recipe's answers; None where they are free text, in which nothing can be ruled out.

    JSON has the keys and types of the datasheet's `answer_schema` and the values of its `allowed_answers`, and is
    spaced as in training; text is one of the `allowed_answers`. Beside `tools`, llama-server takes no grammar.
    """
    if any(tools):
        return None
    allowed: Mapping[str, Sequence[Any]] = datasheet["allowed_answers"]
    if isinstance(answer, JsonAnswer):
        schema = datasheet["answer_schema"]
        fields = {key: {"enum": allowed[key]} if key in allowed else of for key, of in schema["properties"].items()}
        return f"root ::= {_object(fields)}\n{_JSON}"
    return f"root ::= {_one_of(allowed['answer'])}\n" if "answer" in allowed else None


def _value(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return _one_of(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return f"({' | '.join(_of_kind(kind, schema) for kind in kinds)})"


def _of_kind(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "object" and "properties" in schema:
        return _object(schema["properties"])
    if kind == "array" and "items" in schema:
        item = _value(schema["items"])
        return f'"[" ({item} (", " {item})*)? "]"'
    return kind  # any other is a rule of _JSON


def _object(properties: Mapping[str, Any]) -> str:
    keys = (_literal(json.dumps(key, ensure_ascii=False) + ": ") for key in properties)
    pairs = ' ", " '.join(f"{key} {_value(of)}" for key, of in zip(keys, properties.values(), strict=True))
    return f'"{{" {pairs} "}}"'


def _one_of(texts: Iterable[str]) -> str:
    return f"({' | '.join(map(_literal, texts))})"


def _literal(text: str) -> str:
    r"""A text in quotes, with `\`, `"` and control characters escaped."""
    escaped = re.sub(r'[\\"]', r"\\\g<0>", text)
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", escaped) + '"'
