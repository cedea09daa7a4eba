"""A model's answers to many prompts, asked over the OpenAI chat API and kept, so that nothing is asked twice."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.progress import Progress

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_json, write_text
from pipelines.llama_client import request_pool, session

Prompt = Sequence[dict[str, Any]]
Tools = list[dict[str, Any]] | None

# Longer than the longest training answer, so that a base model has room for a code fence or a stray space.
ANSWER_MARGIN_TOKENS = 16
_SEED = 20_240_229
_REQUEST_SECONDS = 600
# What llama-server calls a prompt that does not fit into a slot.
_TOO_LONG = "exceed_context_size_error"


@dataclass(frozen=True)
class Answer:
    """What a model said to one prompt.

    `finish_reason` is the API's `stop` or `length`; or, with an empty text, `timeout` where no answer came in time, or
    `prompt_too_long` where the prompt does not fit into the model's context. `seconds` is the request's wall time.
    `logprob` is the natural log probability of the whole answer, None where the server told none.
    """

    text: str
    finish_reason: str
    seconds: float
    logprob: float | None = None

    @property
    def answered(self) -> bool:
        """Whether the model said anything; if not, the row counts as wrong."""
        return self.finish_reason not in ("timeout", "prompt_too_long")


@dataclass(frozen=True)
class Questions:
    """Prompts for one model file, answered greedily in at most `max_tokens` tokens each.

    `tools` are those that may be called, for each prompt; none at all where it is empty.
    """

    gguf_sha256: str
    prompts: Sequence[Prompt]
    max_tokens: int
    tools: Sequence[Tools] = ()

    def digest(self) -> str:
        """Names the answers: any other model file, prompt or setting has another digest."""
        asked = [list(self.prompts), list(self.tools)] if any(self.tools) else list(self.prompts)
        return sha256_of_json([self.gguf_sha256, asked, self.max_tokens, _SEED, _REQUEST_SECONDS])

    def body(self, index: int) -> dict[str, object]:
        """The request that asks prompt number `index`."""
        tools = self.tools[index] if self.tools else None
        return {
            "messages": list(self.prompts[index]),
            "temperature": 0,
            "seed": _SEED,
            "max_tokens": self.max_tokens,
            **({"tools": tools} if tools else {}),
        }


def answers_to(
    questions: Questions, kept_in: Path, server: Callable[[], AbstractContextManager[str]], label: str
) -> list[Answer]:
    """The answers in the order of the prompts; those of an earlier run are read from the folder `kept_in`.

    `server` starts a server and gives its base URL; it is not called when nothing is left to ask. A killed run goes on
    with the first prompt that has no answer. `label` names the model in the progress bar and in errors.

    Raises:
        TinsmithError: the server ended or refused to answer; the answers so far are kept.
    """
    kept = kept_in / f"{questions.digest()}.jsonl"
    answers = _read_kept(kept)
    missing = [index for index in range(len(questions.prompts)) if index not in answers]
    if missing:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with server() as url, kept.open("a", encoding="utf-8") as stream:
            for index, answer in _asked(questions, missing, url, label):
                stream.write(json.dumps({"index": index, **asdict(answer)}) + "\n")
                stream.flush()
                answers[index] = answer
    return [answers[index] for index in range(len(questions.prompts))]


def write_answers(path: Path, example_ids: Sequence[str], answers: Sequence[Answer]) -> None:
    """Write one JSON object a row {example_id, answer, finish_reason, seconds}."""
    lines = [
        json.dumps(
            {
                "example_id": example_id,
                "answer": answer.text,
                "finish_reason": answer.finish_reason,
                "seconds": answer.seconds,
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
    return [Answer(line["answer"], line["finish_reason"], line["seconds"]) for line in lines]


def _read_kept(kept: Path) -> dict[int, Answer]:
    if not kept.exists():
        return {}
    *whole, half_written = kept.read_bytes().split(b"\n")
    if half_written:
        os.truncate(kept, kept.stat().st_size - len(half_written))
    found = [json.loads(line) for line in whole]
    return {line.pop("index"): Answer(**line) for line in found}


def _asked(questions: Questions, missing: list[int], url: str, label: str) -> Iterator[tuple[int, Answer]]:
    """Ask for the missing answers, PARALLEL at once; yields each as it comes."""
    with session() as requests_session, _progress() as progress, request_pool() as pool:
        task = progress.add_task(f"asking {label}", total=len(missing))
        # In order, so that neighbours in the queue meet a slot that holds their shared prefix.
        asked: dict[Future[Answer], int] = {
            pool.submit(_ask, requests_session, url, questions.body(index)): index for index in missing
        }
        for number, done in enumerate(as_completed(asked)):
            try:
                answer = done.result()
            except requests.ConnectionError as error:
                raise TinsmithError(
                    f"{label}: the server ended after {number} of {len(missing)} answers "
                    f"({type(error).__name__}); these are kept, so look into its log and run the stage again"
                ) from None
            progress.advance(task)
            yield asked[done], answer


def _ask(requests_session: requests.Session, url: str, body: dict[str, object]) -> Answer:
    started = time.perf_counter()
    try:
        response = requests_session.post(f"{url}/v1/chat/completions", json=body, timeout=(10, _REQUEST_SECONDS))
    except requests.ReadTimeout:
        return Answer("", "timeout", _seconds_since(started))
    if response.ok:
        choice = response.json()["choices"][0]
        return Answer(choice["message"]["content"] or "", choice["finish_reason"], _seconds_since(started))
    kind = _error_kind(response)
    if kind == _TOO_LONG:
        return Answer("", "prompt_too_long", _seconds_since(started))
    # The server's own sentence may quote the prompt, so only its kind is told.
    raise TinsmithError(f"the server refused a prompt with HTTP {response.status_code} ({kind}); look into its log")


def _error_kind(response: requests.Response) -> str:
    try:
        return str(response.json()["error"]["type"])
    except (ValueError, KeyError, TypeError):
        return "no error type"


def _seconds_since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _progress() -> Progress:
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
