"""Asking one model the questions of benchmarks, so that nothing is asked twice."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import requests

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_json
from pipelines.llama_client import PARALLEL, Continuation, NoAnswerInTimeError, completion, likelihood
from pipelines.scoring.ability.questions import Question, Scores, Task
from pipelines.scoring.asking import Question as KeptQuestion
from pipelines.scoring.asking import Reply, Server, replies

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
    """Log likelihoods of the choices, or the text; an empty text where the model was not done in time.

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


def answers(
    asked: Mapping[str, Sequence[Asked]], model: str, kept_in: Path, server: Server, label: str
) -> dict[str, list[Answered]]:
    """The model's answers by task, in the order of `asked`, asked and kept in the folder `kept_in` as asking.replies
    does.

    `model` is who answers, as asking.answerer names it.

    Raises:
        TinsmithError: the server refused, or went on ending; the answers so far are kept.
    """
    keys = {task: [question.digest() for question in rows] for task, rows in asked.items()}
    groups = [
        [KeptQuestion(key, partial(_answer, question))]
        for task, rows in asked.items()
        for key, question in zip(keys[task], rows, strict=True)
    ]
    found = replies(groups, kept_in / f"{model}.jsonl", server, label)
    return {task: [Answered(**found[key]) for key in of_task] for task, of_task in keys.items()}


def scores(task: Task, question: Question, answered: Answered) -> Scores:
    """The task's scores of an answer; of one that was late, those of a wrong one."""
    if answered.in_time or not question.choices:
        return task.score(question, answered.answer)
    # No choice was made: neither the right one nor one that counts for a bias.
    return dict.fromkeys(task.score(question, [0.0] * len(question.choices)), 0.0)


def rows_per_second(answered: Sequence[Answered]) -> float:
    """Answered side by side, as they were asked."""
    return round(PARALLEL * len(answered) / max(sum(one.seconds for one in answered), 1e-3), 2)


def _answer(question: Asked, requests_session: requests.Session, url: str) -> Reply:
    """The choices of a question one after another: they find their prompt in the slot that has just become free."""
    started = time.perf_counter()
    answer: list[float] | str
    in_time = True
    try:
        if question.choices:
            answer = _likelihoods(requests_session, url, question)
        else:
            answer = completion(requests_session, url, question.prompt, question.max_tokens, question.stop)
    except NoAnswerInTimeError:
        answer, in_time = "", False
    return Reply(asdict(Answered(answer, round(time.perf_counter() - started, 3), in_time)), in_time)


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
