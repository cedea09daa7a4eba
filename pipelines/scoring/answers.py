"""A model's answers to many prompts, asked over the OpenAI chat API and kept, so that nothing is asked twice."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipelines.errors import TinsmithError
from pipelines.files import kept_lines, write_text
from pipelines.llama_client import PARALLEL, request_pool, session
from pipelines.scoring.chat_request import Answer as Answer
from pipelines.scoring.chat_request import ServerEndedError, ask

Prompt = Sequence[dict[str, Any]]
Tools = list[dict[str, Any]] | None
Server = Callable[[], AbstractContextManager[str]]

# Longer than the longest training answer, so that a base model has room for a code fence or a stray space.
ANSWER_MARGIN_TOKENS = 16
_SEED = 20_240_229
# How often in a row a server may end without having brought an answer.
_MOST_DEATHS = 3
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
    """Prompts for one model file, answered greedily in at most `max_tokens` tokens each.

    `tools` are those that may be called, for each prompt; none at all where it is empty. `grammar` is the GBNF that
    every answer keeps, None where answers are free.
    """

    gguf_sha256: str
    prompts: Sequence[Prompt]
    max_tokens: int
    tools: Sequence[Tools] = ()
    grammar: str | None = None

    def digest(self) -> str:
        """Names the answers: any other model file, prompt, setting or grammar has another digest."""
        bounds = [_SECONDS_TO_BEGIN, _SECONDS_PER_TOKEN, _SECONDS_PER_CHARACTER, _BYTES_PER_TOKEN, _BYTES_BESIDE_TOKENS]
        digest = hashlib.sha256(json.dumps([self.gguf_sha256, bounds]).encode())
        for row in range(len(self.prompts)):
            digest.update(json.dumps(self.body(row), sort_keys=True).encode())
        return digest.hexdigest()

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


class _KeptAnswers:
    """The answers so far to one set of questions: by row, and in a file that a kill leaves readable."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.by_row: dict[int, Answer] = {line.pop("index"): Answer(**line) for line in kept_lines(file)}

    def add(self, row: int, answer: Answer) -> None:
        """Write one answer down."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"index": row, **asdict(answer)}) + "\n")
        self.by_row[row] = answer


def answers_to(questions: Questions, kept_in: Path, server: Server, label: str) -> list[Answer]:
    """The answers in the order of the prompts, as answers_side_by_side gets them."""
    return answers_side_by_side({label: questions}, kept_in, server)[label]


def answers_side_by_side(asked: Mapping[str, Questions], kept_in: Path, server: Server) -> dict[str, list[Answer]]:
    """The answers to each of `asked` in the order of the prompts; those of an earlier run are read from `kept_in`.

    All have equally many prompts, and those of one row are asked one behind the other, so that a slot still holds what
    they share. `server` starts a server and gives its base URL; it is not called when nothing is left to ask, and
    called again when the server ended. A killed run goes on with the first row that has no answer. The keys of `asked`
    name the models in the progress bar and in errors.

    Raises:
        TinsmithError: the server refused to answer, or went on ending without an answer; the answers so far are kept.
    """
    kept = {label: _KeptAnswers(kept_in / f"{questions.digest()}.jsonl") for label, questions in asked.items()}
    rows = max(len(questions.prompts) for questions in asked.values())
    label, wanted, deaths = ", ".join(asked), rows * len(asked), 0
    with _progress() as progress:
        bar = progress.add_task(f"asking {label}", total=wanted, completed=_count(kept), rate="-")
        while missing := _missing(kept, rows):
            before, started = _count(kept), time.perf_counter()
            try:
                with server() as url:
                    for name, row, answer in _replies(asked, missing, url):
                        kept[name].add(row, answer)
                        done = _count(kept)
                        rate = (done - before) / (time.perf_counter() - started)
                        progress.update(bar, completed=done, rate=f"{rate:.1f}")
            except ServerEndedError as error:
                deaths = 0 if _count(kept) > before else deaths + 1
                ended = f"{label}: the server ended after {_count(kept)} of {wanted} answers ({error})"
                if deaths == _MOST_DEATHS:
                    raise TinsmithError(
                        f"{ended}, the last {deaths} times without a new one; these are kept, so look into its log and "
                        "run the stage again"
                    ) from None
                progress.console.print(f"{ended}; it is started again", soft_wrap=True)
    return {name: [found.by_row[row] for row in range(rows)] for name, found in kept.items()}


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


def _missing(kept: Mapping[str, _KeptAnswers], rows: int) -> dict[int, list[str]]:
    """By row, in order, whose answers are still to be asked for."""
    found = {row: [name for name, answers in kept.items() if row not in answers.by_row] for row in range(rows)}
    return {row: names for row, names in found.items() if names}


def _count(kept: Mapping[str, _KeptAnswers]) -> int:
    return sum(len(answers.by_row) for answers in kept.values())


def _replies(
    asked: Mapping[str, Questions], missing: Mapping[int, list[str]], url: str
) -> Iterator[tuple[str, int, Answer]]:
    """Ask what is missing, PARALLEL rows at once; yields each row's answers as they come.

    Rows are asked in order, so that neighbours meet a slot that holds the beginning they share, and no more requests
    are made ahead than keep the server busy, so that memory does not grow with the rows.
    """

    def answers_of(row: int) -> list[tuple[str, int, Answer]]:
        return [(name, row, _reply(requests_session, url, asked[name], row)) for name in missing[row]]

    with session() as requests_session, request_pool() as pool:
        rows = iter(missing)
        under_way = {pool.submit(answers_of, row) for row in islice(rows, 2 * PARALLEL)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            under_way |= {pool.submit(answers_of, row) for row in islice(rows, len(done))}
            # What was answered comes before the news that the server ended.
            for answered in sorted(done, key=lambda future: future.exception() is not None):
                yield from answered.result()


def _reply(requests_session: requests.Session, url: str, questions: Questions, row: int) -> Answer:
    most_bytes = _BYTES_BESIDE_TOKENS + questions.max_tokens * _BYTES_PER_TOKEN
    return ask(requests_session, url, questions.body(row), seconds=questions.seconds(row), most_bytes=most_bytes)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} rows/s"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
