"""How likely a model holds the expected answers behind their prompts."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_json, write_json
from pipelines.llama_client import Continuation, likelihoods


@dataclass(frozen=True)
class AnswerLikelihood:
    """The natural log probability of an expected answer behind its prompt, summed over its tokens."""

    logprob: float
    tokens: int


def answer_likelihoods(
    gguf_sha256: str,
    expected: Sequence[Continuation],
    kept_in: Path,
    server: Callable[[], AbstractContextManager[str]],
) -> list[AnswerLikelihood]:
    """How likely a model holds the expected answers, in their order; what an earlier run asked is read from `kept_in`.

    Each continuation is a prompt's token ids and those of the expected answer, its end of turn left out. `server`
    starts a server of the model file whose digest is `gguf_sha256` and gives its URL.

    Raises:
        TinsmithError: the server ended or refused.
    """
    asked = [asdict(continuation) for continuation in expected]
    kept = kept_in / f"likelihoods-{sha256_of_json([gguf_sha256, asked])}.json"
    if not kept.exists():
        with server() as url:
            found = likelihoods(url, expected)
        sums = [AnswerLikelihood(math.fsum(token.logprob for token in tokens), len(tokens)) for tokens in found]
        write_json(kept, [asdict(likelihood) for likelihood in sums])
    return [AnswerLikelihood(**likelihood) for likelihood in read_json(kept)]


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


def _of_rows(path: Path, example_ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_json(path) if path.exists() else []
    if [one["example_id"] for one in found] != list(example_ids):
        raise TinsmithError(f"{path}: is not of the rows that judge now; run the baseline stage again")
    return found
