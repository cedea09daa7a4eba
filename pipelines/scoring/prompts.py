"""What base and tuned are asked: the judged rows, and prompts that give the base a fair chance."""

import hashlib
import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from pipelines.recipe import Answer, JsonAnswer, answer_key

Row = Mapping[str, Any]
Prompt = list[dict[str, Any]]


def judged_rows(test: Iterable[Row], max_rows: int | None) -> list[Row]:
    """The test rows that judge, in their order; at most `max_rows`, chosen by a hash of `example_id`.

    The choice does not depend on the other rows, so most of it stays when rows are added.
    """
    if max_rows is None:
        return list(test)
    chosen = heapq.nsmallest(max_rows, enumerate(test), key=lambda numbered: example_hash(numbered[1]))
    return [row for _, row in sorted(chosen, key=itemgetter(0))]


def base_prompt(
    prompt: Prompt, answer: Answer | None, allowed: Mapping[str, Sequence[Any]], shots: Sequence[Row]
) -> Prompt:
    """The prompt as the base is asked it: the instructions with the form and the allowed values of the answer added
    (what tuning teaches the tuned model), then `shots`, each an example's user turn and its answer, then the question.

    `allowed` maps a field of the answer, or "answer" for text, to its values; a field without a list is free.
    """
    given = "\n\n".join(turn["content"] for turn in prompt if turn["role"] == "system")
    instructions = "\n\n".join(part for part in (given, _form(answer, allowed)) if part)
    system = [{"role": "system", "content": instructions}] if instructions else []
    earlier = [
        turn
        for shot in shots
        for turn in (*_without_system(shot["prompt"]), {"role": "assistant", "content": shot["answer"]})
    ]
    return [*system, *earlier, *_without_system(prompt)]


def _form(answer: Answer | None, allowed: Mapping[str, Sequence[Any]]) -> str:
    if not isinstance(answer, JsonAnswer):
        if "answer" not in allowed:
            return ""
        lines = "\n".join(f"- {value}" for value in allowed["answer"])
        return f"Answer with exactly one of the following lines, copied without the dash, and nothing else:\n{lines}"
    fields = [answer_key(column) for column in answer.json_]
    keys = ", ".join(f'"{key}"' for key in fields)
    lines = "\n".join(f"- {key}: {_as_json_list(allowed[key])}" for key in fields if key in allowed)
    values = f"\nAllowed values:\n{lines}" if lines else ""
    return f"Answer with one JSON object and nothing else. It has exactly these keys, in this order: {keys}.{values}"


def _as_json_list(values: Sequence[Any]) -> str:
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in values)


def _without_system(prompt: Sequence[dict[str, Any]]) -> Prompt:
    return [turn for turn in prompt if turn["role"] != "system"]


def example_hash(row: Row) -> str:
    """A number in hex that has nothing to do with a row's place or content, by which some of many are chosen."""
    return hashlib.sha256(row["example_id"].encode()).hexdigest()
