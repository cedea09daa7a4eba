"""What base and tuned are asked: the judged rows, and prompts that give the base a fair chance."""

import hashlib
import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from pipelines.recipe import Answer, JsonAnswer, answer_key

Row = Mapping[str, Any]
Prompt = list[dict[str, Any]]

# Enough to choose from; looking at more examples changes little.
_FEW_SHOT_CANDIDATES = 500


def judged_rows(test: Iterable[Row], max_rows: int | None) -> list[Row]:
    """The test rows that judge, in their order; at most `max_rows`, chosen by a hash of `example_id`.

    The choice does not depend on the other rows, so most of it stays when rows are added.
    """
    if max_rows is None:
        return list(test)
    chosen = heapq.nsmallest(max_rows, enumerate(test), key=lambda numbered: _rank(numbered[1]))
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


def few_shot_examples(train: Iterable[Row], count: int) -> list[Row]:
    """`count` training examples (fewer where there are fewer) out of the shorter half, with answers as different as
    can be; the same for the same training set.

    `train` is gone through twice, and two numbers for each row are held.
    """
    numbers = np.fromiter(((_length(row), int(_rank(row)[:16], 16)) for row in train), np.dtype((np.uint64, 2)))
    lengths, ranks = numbers.T
    shorter_half = np.lexsort((ranks, lengths))[: max(count, (len(numbers) + 1) // 2)]
    wanted = shorter_half[np.argsort(ranks[shorter_half], kind="stable")][:_FEW_SHOT_CANDIDATES].tolist()
    places = set(wanted)
    found = {place: row for place, row in enumerate(train) if place in places}
    candidates = [found[place] for place in wanted]
    chosen: list[Row] = []
    seen: set[str] = set()
    while candidates and len(chosen) < count:
        best = max(candidates, key=lambda row: len(_values(row["answer"]) - seen))
        candidates.remove(best)
        chosen.append(best)
        seen |= _values(best["answer"])
    return chosen


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


def _rank(row: Row) -> str:
    return hashlib.sha256(row["example_id"].encode()).hexdigest()


def _length(row: Row) -> int:
    return sum(len(turn["content"]) for turn in row["prompt"]) + len(row["answer"])


def _values(answer: str) -> frozenset[str]:
    """What makes answers different: each field with its value, or the whole text."""
    try:
        fields = json.loads(answer)
    except ValueError:
        return frozenset([answer])
    if not isinstance(fields, dict):
        return frozenset([answer])
    return frozenset(f"{key}={json.dumps(value, sort_keys=True)}" for key, value in fields.items())
