"""How long prompts and answers are in a model's own tokens, where its server alone has its tokenizer."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import requests

from pipelines.files import sha256_of_json
from pipelines.llama_client import rendered_chat, token_ids
from pipelines.scoring.answers import ANSWER_MARGIN_TOKENS, Prompt, Questions, Tools
from pipelines.scoring.asking import Question, Reply, Server, replies


def in_own_tokens(
    questions: Questions, expected: Sequence[str], kept_in: Path, server: Server, label: str
) -> tuple[Questions, int]:
    """The questions with room for the longest of the expected answers, and tokens of the longest prompt and answer.

    `expected` holds an answer for each prompt; no less room is given than `questions` have. Lengths are asked and kept
    in the folder `kept_in` as asking.replies does.

    Raises:
        TinsmithError: the server refused, or went on ending; the lengths so far are kept.
    """
    tools = questions.tools or [None] * len(questions.prompts)
    asked = list(zip(questions.prompts, tools, expected, strict=True))
    keys = [sha256_of_json({"lengths": one}) for one in asked]
    groups = [[Question(key, partial(_lengths, *one))] for key, one in zip(keys, asked, strict=True)]
    found = replies(groups, kept_in / f"{questions.model}.jsonl", server, label)
    answer = max(one["answer"] for one in found.values()) + ANSWER_MARGIN_TOKENS
    max_tokens = max(questions.max_tokens, answer)
    return replace(questions, max_tokens=max_tokens), max(one["prompt"] for one in found.values()) + max_tokens


def _lengths(prompt: Prompt, tools: Tools, expected: str, _: requests.Session, url: str) -> Reply:
    asked = token_ids(url, rendered_chat(url, prompt, tools), special=True, begin=True)
    return Reply({"prompt": len(asked), "answer": len(token_ids(url, expected, special=False))})
