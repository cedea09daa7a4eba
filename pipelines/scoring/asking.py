"""Asking a model: each reply is kept as it comes, a server that ends is started again, and nothing is asked twice."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipelines.errors import TinsmithError
from pipelines.files import kept_lines, sha256_of_json
from pipelines.llama_client import PARALLEL, ServerEndedError, request_pool, session

Server = Callable[[], AbstractContextManager[str]]

# To be raised with every change of the code that asks by which the same question gets another reply.
_CODE_VERSION = 1
# How often in a row a server may end without having brought a reply.
_MOST_DEATHS = 3


@dataclass(frozen=True)
class Reply:
    """What came of a question, as a JSON object; not kept where it is that nothing came in time."""

    said: Mapping[str, Any]
    in_time: bool = True


@dataclass(frozen=True)
class Question:
    """`key` names what is asked, whichever the model; `ask` asks it of the server at a URL."""

    key: str
    ask: Callable[[requests.Session, str], Reply]


def answerer(gguf_sha256: str, llama_cpp: str) -> str:
    """Names who answers: a model file, the version of llama.cpp that serves it, and how this code asks it."""
    return sha256_of_json([_CODE_VERSION, gguf_sha256, llama_cpp])


def replies(questions: Sequence[Sequence[Question]], kept: Path, server: Server, label: str) -> dict[str, Any]:
    """By the questions' keys, what was said; what the file `kept` holds of an earlier run is not asked again.

    The questions of one group are asked one behind the other, so that a slot still holds what they share. `server`
    starts a server and gives its base URL; it is not called when nothing is left to ask, and called again when the
    server ended. A killed run goes on with the first question without a reply. Where none came in time that is what is
    given, but it is asked again the next time: the machine may have been busy. `label` names the model in the progress
    bar and in errors.

    Raises:
        TinsmithError: the server refused, or went on ending without a reply; the replies so far are kept.
    """
    wanted = {question.key for group in questions for question in group}
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Recipes with the same base may ask it at the same time.
    with FileLock(kept.with_suffix(".lock")), _progress() as progress:
        found = {line["question"]: line["said"] for line in kept_lines(kept) if line["question"] in wanted}
        bar, deaths = progress.add_task(f"asking {label}", total=len(wanted), completed=len(found), rate="-"), 0
        while missing := list(_missing(questions, found)):
            before, started = len(found), time.perf_counter()
            try:
                with server() as url, kept.open("a", encoding="utf-8") as stream:
                    for key, reply in _replies(missing, url):
                        if reply.in_time:
                            stream.write(json.dumps({"question": key, "said": reply.said}) + "\n")
                            stream.flush()
                        found[key] = reply.said
                        rate = (len(found) - before) / (time.perf_counter() - started)
                        progress.update(bar, completed=len(found), rate=f"{rate:.1f}")
            except ServerEndedError as error:
                deaths = 0 if len(found) > before else deaths + 1
                ended = f"{label}: the server ended after {len(found)} of {len(wanted)} answers ({error.kind})"
                if deaths == _MOST_DEATHS:
                    raise TinsmithError(
                        f"{ended}, the last {deaths} times without a new one; these are kept, so look into its log and "
                        "run the stage again"
                    ) from None
                progress.console.print(f"{ended}; it is started again", soft_wrap=True)
    return found


def _missing(questions: Iterable[Sequence[Question]], found: Mapping[str, Any]) -> Iterator[Sequence[Question]]:
    """The groups, in order, with what is left to ask of them; the same question in two groups is asked once."""
    seen = set(found)
    for group in questions:
        if left := {question.key: question for question in group if question.key not in seen}:
            seen.update(left)
            yield list(left.values())


def _replies(groups: Iterable[Sequence[Question]], url: str) -> Iterator[tuple[str, Reply]]:
    """Ask PARALLEL groups at once; yields each group's replies, with the question's key, as they come.

    Groups are asked in order, so that neighbours meet a slot that holds the beginning they share, and no more requests
    are made ahead than keep the server busy, so that memory does not grow with the questions.
    """

    def replies_to(group: Sequence[Question]) -> list[tuple[str, Reply]]:
        return [(question.key, question.ask(requests_session, url)) for question in group]

    with session() as requests_session, request_pool() as pool:
        waiting = iter(groups)
        under_way = {pool.submit(replies_to, group) for group in islice(waiting, 2 * PARALLEL)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            under_way |= {pool.submit(replies_to, group) for group in islice(waiting, len(done))}
            # What was answered comes before the news that the server ended.
            for answered in sorted(done, key=lambda future: future.exception() is not None):
                yield from answered.result()


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} rows/s"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
