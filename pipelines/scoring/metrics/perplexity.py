"""How likely a model holds the expected answers behind their prompts."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_json, write_json
from pipelines.llama_client import Continuation, likelihood
from pipelines.scoring.asking import Question, Reply, Server, replies


@dataclass(frozen=True)
class AnswerLikelihood:
    """The natural log probability of an expected answer behind its prompt, summed over its tokens."""

    logprob: float
    tokens: int


def answer_likelihoods(
    model: str, expected: Sequence[Continuation], kept_in: Path, server: Server, label: str
) -> list[AnswerLikelihood]:
    """How likely a model holds the expected answers, in their order, asked and kept in the folder `kept_in` as
    asking.replies does.

    Each continuation is a prompt's token ids and those of the expected answer, its end of turn left out. `model` is who
    answers, as asking.answerer names it.

    Raises:
        TinsmithError: the server refused, was late, or went on ending; the likelihoods so far are kept.
    """
    keys = [sha256_of_json(asdict(continuation)) for continuation in expected]
    pairs = zip(keys, expected, strict=True)
    groups = [[Question(key, partial(_answer_likelihood, continuation))] for key, continuation in pairs]
    found = replies(groups, kept_in / f"{model}.jsonl", server, label)
    return [AnswerLikelihood(**found[key]) for key in keys]


def write_likelihoods(path: Path, example_ids: Sequence[str], found: Sequence[AnswerLikelihood]) -> None:
    """Write the likelihoods of rows for another stage."""
    pairs = zip(example_ids, found, strict=True)
    write_json(path, [{"example_id": example_id, **asdict(likelihood)} for example_id, likelihood in pairs])


def read_likelihoods(path: Path, example_ids: Sequence[str]) -> list[AnswerLikelihood]:
    """Read what write_likelihoods wrote for the same rows; raises TinsmithError where it is not there or of others."""
    return [AnswerLikelihood(one["logprob"], one["tokens"]) for one in _of_rows(path, example_ids)]


def write_expected(path: Path, example_ids: Sequence[str], expected: Sequence[Continuation]) -> None:
    """Write the token ids of prompts and expected answers, for a stage that has no tokenizer."""
    pairs = zip(example_ids, expected, strict=True)
    write_json(path, [{"example_id": example_id, **asdict(continuation)} for example_id, continuation in pairs])


def read_expected(path: Path, example_ids: Sequence[str]) -> list[Continuation]:
    """Read what write_expected wrote for the same rows; raises TinsmithError where it is not there or of others."""
    return [Continuation(tuple(one["prompt"]), tuple(one["tokens"])) for one in _of_rows(path, example_ids)]


def _answer_likelihood(continuation: Continuation, requests_session: requests.Session, url: str) -> Reply:
    tokens = likelihood(requests_session, url, continuation)
    return Reply(asdict(AnswerLikelihood(math.fsum(token.logprob for token in tokens), len(tokens))))


def _of_rows(path: Path, example_ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_json(path) if path.exists() else []
    if [one["example_id"] for one in found] != list(example_ids):
        raise TinsmithError(f"{path}: is not of the rows that judge now; run the baseline stage again")
    return found
