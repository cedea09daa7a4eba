"""How surprising a model finds the expected answers behind their prompts: the lower, the better."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import requests
from scipy import stats

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_json, write_json
from pipelines.llama_client import Continuation, likelihood
from pipelines.scoring.asking import Question, Reply, Server, replies
from pipelines.scoring.metrics.figures import Scores

_BASE, _TUNED = "base", "tuned"
_RESAMPLES = 9_999
_SEED = 20_240_229
# Resamples held in memory at once.
_BATCH = 200
_DIGITS = 6


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
    answers, as asking.answering names it.

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


def perplexity_figure(found: Mapping[str, Sequence[AnswerLikelihood]]) -> dict[str, Any]:
    """The perplexity of tuned against the base's best variant, as a figure that the gate can rule over.

    Perplexity is exp of the mean negative log probability of a token, over all tokens of the expected answers. `found`
    is by variant, "tuned" and those of the base, all of the same rows. Intervals are percentile bootstraps over rows at
    95%; None where there is but one row.
    """
    variants = {variant: _perplexity(*_sums(likelihoods)) for variant, likelihoods in found.items()}
    base = min((variant for variant in variants if variant.startswith(_BASE)), key=lambda variant: variants[variant])
    interval, difference_interval = _intervals(*_sums(found[_TUNED]), *_sums(found[base]))
    return {
        "better": "lower",
        "rows": len(found[_TUNED]),
        "base": _rounded(variants[base]),
        "tuned": _rounded(variants[_TUNED]),
        "interval": interval,
        "difference": _rounded(variants[_TUNED] - variants[base]),
        "difference_interval": difference_interval,
        "compared_with": base,
        "variants": {variant: _rounded(value) for variant, value in variants.items()},
    }


def _answer_likelihood(continuation: Continuation, requests_session: requests.Session, url: str) -> Reply:
    tokens = likelihood(requests_session, url, continuation)
    return Reply(asdict(AnswerLikelihood(math.fsum(token.logprob for token in tokens), len(tokens))))


def _sums(likelihoods: Sequence[AnswerLikelihood]) -> tuple[Scores, Scores]:
    """Each row's log probability and number of tokens."""
    logprobs = [likelihood.logprob for likelihood in likelihoods]
    return np.array(logprobs), np.array([likelihood.tokens for likelihood in likelihoods], dtype=float)


def _perplexity(logprobs: Scores, tokens: Scores, axis: int = -1) -> Any:
    return np.exp(-logprobs.sum(axis=axis) / tokens.sum(axis=axis))


def _intervals(*sums: Scores) -> tuple[list[float] | None, list[float] | None]:
    """Of tuned, and of tuned minus base: both from the same resampled rows."""
    if len(sums[0]) == 1:
        return None, None

    def both(tuned: Scores, tuned_tokens: Scores, base: Scores, base_tokens: Scores, axis: int) -> Scores:
        of_tuned = _perplexity(tuned, tuned_tokens, axis)
        return np.stack([of_tuned, of_tuned - _perplexity(base, base_tokens, axis)])

    found = stats.bootstrap(
        sums,
        both,
        paired=True,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    tuned, difference = ([_rounded(low), _rounded(high)] for low, high in zip(found.low, found.high, strict=True))
    return tuned, difference


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)


def _of_rows(path: Path, example_ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_json(path) if path.exists() else []
    if [one["example_id"] for one in found] != list(example_ids):
        raise TinsmithError(f"{path}: is not of the rows that judge now; run the baseline stage again")
    return found
