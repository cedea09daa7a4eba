"""How surprising a model finds the expected answers behind their prompts: the lower, the better."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_json, write_json
from pipelines.llama_client import Continuation, likelihoods
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
