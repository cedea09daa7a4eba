"""A model's answers to many prompts, asked over the OpenAI chat API and kept, so that nothing is asked twice."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_json, write_text
from pipelines.llama_client import PARALLEL
from pipelines.scoring.asking import Question, Reply, Server, replies
from pipelines.scoring.chat_request import Answer as Answer
from pipelines.scoring.chat_request import ask

Prompt = Sequence[dict[str, Any]]
Tools = list[dict[str, Any]] | None

# Longer than the longest training answer, so that a base model has room for a code fence or a stray space.
ANSWER_MARGIN_TOKENS = 16
_SEED = 20_240_229
# When a request is given up: an 8B model on two cores reads some 16 tokens, of about four characters, and writes some 2
# in a second, which the requests that are under way share.
_SECONDS_TO_BEGIN = 60
_SECONDS_PER_TOKEN = PARALLEL / 2
_SECONDS_PER_CHARACTER = PARALLEL / 16 / 4
# A token's text, bytes and log probability as JSON take less; no reply is read further.
_BYTES_PER_TOKEN = 4 * 2**10
_BYTES_BESIDE_TOKENS = 2**20


@dataclass(frozen=True)
class Questions:
    """Prompts for one model, answered greedily in at most `max_tokens` tokens each.

    `model` is who answers, as asking.answerer names it. `tools` are those that may be called, for each prompt; none at
    all where it is empty. `grammar` is the GBNF that every answer keeps, None where answers are free.
    """

    model: str
    prompts: Sequence[Prompt]
    max_tokens: int
    tools: Sequence[Tools] = ()
    grammar: str | None = None

    def key(self, row: int) -> str:
        """Names the model's answer to prompt number `row`: another prompt, setting or grammar has another."""
        return sha256_of_json(self.body(row))

    def body(self, row: int) -> dict[str, object]:
        """The request that asks prompt number `row`."""
        tools = self.tools[row] if self.tools else None
        return {
            "messages": list(self.prompts[row]),
            "temperature": 0,
            "seed": _SEED,
            "max_tokens": self.max_tokens,
            # Of the token chosen, and of the likeliest; of none, llama-server tells not even that of the chosen.
            "logprobs": True,
            "top_logprobs": 1,
            **({"tools": tools} if tools else {}),
            # Behind --skip-chat-parsing llama-server overlooks `response_format` and refuses `json_schema`.
            **({"grammar": self.grammar} if self.grammar else {}),
        }

    def seconds(self, row: int) -> float:
        """How long the answer to prompt number `row` is waited for."""
        tools = self.tools[row] if self.tools else None
        characters = len(json.dumps([self.prompts[row], tools], ensure_ascii=False))
        return _SECONDS_TO_BEGIN + self.max_tokens * _SECONDS_PER_TOKEN + characters * _SECONDS_PER_CHARACTER


def answers_to(questions: Questions, kept_in: Path, server: Server, label: str) -> list[Answer]:
    """The answers in the order of the prompts, as answers_side_by_side gets them."""
    return answers_side_by_side({label: questions}, kept_in, server)[label]


def answers_side_by_side(asked: Mapping[str, Questions], kept_in: Path, server: Server) -> dict[str, list[Answer]]:
    """The answers to each of `asked` in the order of the prompts, asked and kept in the folder `kept_in` as
    asking.replies does.

    All are of the same model and have equally many prompts; those of one row are asked one behind the other. The keys
    of `asked` name what is asked in the progress bar and in errors.

    Raises:
        TinsmithError: the server refused to answer, or went on ending without an answer; the answers so far are kept.
    """
    first = next(iter(asked.values()))
    rows = range(len(first.prompts))
    keys = {label: [questions.key(row) for row in rows] for label, questions in asked.items()}
    groups = [
        [Question(keys[label][row], partial(_ask, questions, row)) for label, questions in asked.items()]
        for row in rows
    ]
    found = replies(groups, kept_in / f"{first.model}.jsonl", server, ", ".join(asked))
    return {label: [Answer(**found[key]) for key in of_rows] for label, of_rows in keys.items()}


def write_answers(path: Path, example_ids: Sequence[str], answers: Sequence[Answer]) -> None:
    """Write one JSON object a row {example_id, answer, finish_reason, seconds, logprob}."""
    lines = [
        json.dumps(
            {
                "example_id": example_id,
                "answer": answer.text,
                "finish_reason": answer.finish_reason,
                "seconds": answer.seconds,
                "logprob": answer.logprob,
            },
            ensure_ascii=False,
        )
        for example_id, answer in zip(example_ids, answers, strict=True)
    ]
    write_text(path, "".join(line + "\n" for line in lines))


def read_answers(path: Path, example_ids: Sequence[str]) -> list[Answer]:
    """Read what write_answers wrote for the same rows; raises TinsmithError where it was written for others."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    if [line["example_id"] for line in lines] != list(example_ids):
        raise TinsmithError(f"{path}: answers other rows than those that judge now; run the baseline stage again")
    return [Answer(line["answer"], line["finish_reason"], line["seconds"], line["logprob"]) for line in lines]


def _ask(questions: Questions, row: int, requests_session: requests.Session, url: str) -> Reply:
    most_bytes = _BYTES_BESIDE_TOKENS + questions.max_tokens * _BYTES_PER_TOKEN
    answer = ask(requests_session, url, questions.body(row), seconds=questions.seconds(row), most_bytes=most_bytes)
    return Reply(asdict(answer), in_time=answer.in_time)
