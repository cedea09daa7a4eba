"""Asking one model a benchmark's questions, and keeping what it answered, so that nothing is asked twice."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
from filelock import FileLock
from rich.console import Console
from rich.progress import Progress

from pipelines.errors import TinsmithError
from pipelines.files import kept_lines, sha256_of_json
from pipelines.llama_client import (
    PARALLEL,
    Continuation,
    NoAnswerInTimeError,
    completion,
    likelihood,
    request_pool,
    session,
)
from pipelines.scoring.ability.questions import Question, Task

# Where choices are one token long, a single request tells them all if they are among the likeliest so many.
_TOP = 64


@dataclass(frozen=True)
class Asked:
    """A question as token ids: the prompt and its choices; or how long a text may grow, and what stops it."""

    prompt: tuple[int, ...]
    choices: tuple[tuple[int, ...], ...]
    max_tokens: int
    stop: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """Of prompt and longest answer together."""
        return len(self.prompt) + max([self.max_tokens, *map(len, self.choices)])

    def digest(self) -> str:
        """Names the answer; any other prompt, choice or setting has another."""
        return sha256_of_json(asdict(self))


@dataclass(frozen=True)
class Answered:
    """Log likelihoods of the choices, or the text, which is empty where the model was not done in time.

    `seconds` is the wall time of the question's requests.
    """

    answer: list[float] | str
    seconds: float
    in_time: bool = True


def tokenised(task: Task, question: Question, encode: Callable[[str], list[int]], chat: Callable[[str], str]) -> Asked:
    """The question in token ids, split as lm-eval splits them: context and choice are encoded together, and what is
    longer than the context alone is the choice's.

    `encode` gives a text's token ids with what the tokenizer puts before every text; `chat` writes a user's turn as
    the model's template does.

    Raises:
        TinsmithError: a choice adds no token to its prompt.
    """
    context = chat(question.prompt) if task.chat else question.prompt
    if not question.choices:
        return Asked(tuple(encode(context)), (), task.max_tokens, task.stop)
    # A space at the context's end belongs to the choice's first word.
    bare = context.rstrip()
    prompt = encode(bare)
    choices = [tuple(encode(context + choice)[len(prompt) :]) for choice in question.choices]
    if not all(choices):
        raise TinsmithError(f"{task.name}: {question.place}: a choice adds no token to its prompt; take the task out")
    return Asked(tuple(prompt), tuple(choices), 0, ())


def answers(asked: Sequence[Asked], kept: Path, server: Callable[[], str], label: str) -> list[Answered]:
    """The model's answers in the order of `asked`; those that the file `kept` holds already are not asked again.

    `server` gives the base URL of a server with the model; it is not called when nothing is left to ask. A killed run
    goes on with the first question that has no answer, and one that was too late for an answer is asked again the next
    time: the machine may have been busy. `label` names model and task in the progress bar.

    Raises:
        TinsmithError: the server ended or refused; the answers so far are kept.
    """
    digests = [question.digest() for question in asked]
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Recipes with the same base may ask it at the same time.
    with FileLock(kept.with_suffix(".lock")):
        found = {line.pop("question"): Answered(**line) for line in kept_lines(kept)}
        missing = {digest: question for digest, question in zip(digests, asked, strict=True) if digest not in found}
        if missing:
            with kept.open("a", encoding="utf-8") as stream:
                for digest, answered in _asked(missing, server(), label):
                    if answered.in_time:
                        stream.write(json.dumps({"question": digest, **asdict(answered)}) + "\n")
                        stream.flush()
                    found[digest] = answered
    return [found[digest] for digest in digests]


def rows_per_second(answered: Sequence[Answered]) -> float:
    """Answered side by side, as they were asked."""
    return round(PARALLEL * len(answered) / max(sum(one.seconds for one in answered), 1e-3), 2)


def _asked(missing: dict[str, Asked], url: str, label: str) -> Iterator[tuple[str, Answered]]:
    """Ask PARALLEL questions at once, the choices of each one after another: they find their prompt in the slot that
    has just become free. Yields each as it comes."""
    progress = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
    with session() as requests_session, progress, request_pool() as pool:
        bar = progress.add_task(label, total=len(missing))
        waiting = {
            pool.submit(_answer, requests_session, url, question): digest for digest, question in missing.items()
        }
        for done in as_completed(waiting):
            progress.advance(bar)
            yield waiting[done], done.result()


def _answer(requests_session: requests.Session, url: str, question: Asked) -> Answered:
    started = time.perf_counter()
    answer: list[float] | str
    in_time = True
    if question.choices:
        answer = _likelihoods(requests_session, url, question)
    else:
        try:
            answer = completion(requests_session, url, question.prompt, question.max_tokens, question.stop)
        except NoAnswerInTimeError:
            # Counted as a wrong answer, and listed in the report.
            answer, in_time = "", False
    return Answered(answer, round(time.perf_counter() - started, 3), in_time)


def _likelihoods(requests_session: requests.Session, url: str, question: Asked) -> list[float]:
    """Each choice's log likelihood, the sum of its tokens'."""
    single = all(len(choice) == 1 for choice in question.choices)
    known: dict[int, float] = {}
    sums = []
    for choice in question.choices:
        if single and choice[0] in known:
            sums.append(known[choice[0]])
            continue
        continuation = Continuation(question.prompt, choice)
        steps = likelihood(requests_session, url, continuation, _TOP if single else 1)
        if single:
            known.update(steps[0].top)
        sums.append(sum(step.logprob for step in steps))
    return sums
