"""A judge model, behind any OpenAI-compatible URL, that says which of two answers is better.

Every pair is shown in both orders, since judges lean to a place (Zheng et al. 2023, arXiv:2306.05685); where they
disagree the pair is a tie.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pipelines.errors import TinsmithError
from pipelines.files import kept_lines, sha256_of_json
from pipelines.llama_client import PARALLEL, request_pool
from pipelines.recipe_evaluate import Judge
from pipelines.scoring.metrics.figures import Row, Scores, Texts

FIRST, SECOND, TIE, UNREADABLE = "first", "second", "tie", "unreadable"

_INSTRUCTIONS = (
    "You compare two answers to the same question. Do not let their order or their length decide. Reply with one word: "
    "A where answer A is better, B where answer B is better, TIE where they are equally good."
)
# "A", "**B**", "Answer A", "B is better"; neither "A tie" nor "A better answer is B" is an A.
_VERDICT = re.compile(r"\W*(?:answer\s+)?(a|b|tie)(?:\W*|\s+(?:is|wins)\b.*)", re.I | re.S)
_VERDICTS = {"A": FIRST, "B": SECOND, "TIE": TIE}
_VERDICT_TOKENS = 16
_REQUEST_SECONDS = 600
# A service that is busy says so by these; a judge that is down is not asked again.
_BUSY = (429, 502, 503, 504)
_RETRIES = 4


@dataclass(frozen=True)
class Judgement:
    """What the judge found: each row's score of base and tuned, and what was counted on the way."""

    base: Scores
    tuned: Scores
    summary: dict[str, Any]


def judge_answers(judge: Judge, rows: Sequence[Row], base: Texts, tuned: Texts, kept_in: Path) -> Judgement:
    """Each row's scores: 1 for the answer that is better in both orders, else 0; half for both where neither is.

    Equal answers tie without being shown. Verdicts are kept in the folder `kept_in`, so that none is asked twice.
    `agreement` is the share of the shown pairs on which both orders say the same; a verdict that cannot be read agrees
    with none, and is counted.

    Raises:
        TinsmithError: the judge is down or refuses (the verdicts so far are kept), or none of its verdicts can be read.
    """
    shown = [place for place in range(len(rows)) if base[place].strip() != tuned[place].strip()]
    bodies = [
        _body(judge, rows[place], *pair)
        for place in shown
        for pair in ((base[place], tuned[place]), (tuned[place], base[place]))
    ]
    verdicts = _verdicts(judge, bodies, kept_in)
    if bodies and set(verdicts) == {UNREADABLE}:
        raise TinsmithError(
            f"evaluate.judge: none of {len(bodies)} verdicts of {judge.model} is A, B or TIE; use a larger judge, or "
            "mend evaluate.judge.question"
        )
    pairs = list(zip(verdicts[::2], verdicts[1::2], strict=True))
    scores = np.full(len(rows), 0.5)
    scores[shown] = [_tuned_score(*pair) for pair in pairs]
    agreeing = [pair for pair in pairs if pair in ((FIRST, SECOND), (SECOND, FIRST), (TIE, TIE))]
    summary = {
        "model": judge.model,
        "question": judge.question,
        "rows": len(rows),
        "equal_answers": len(rows) - len(shown),
        "wins": int((scores == 1).sum()),
        "losses": int((scores == 0).sum()),
        "ties": int((scores == 0.5).sum()),
        "agreement": round(len(agreeing) / len(pairs), 6) if pairs else None,
        "preferred_first": verdicts.count(FIRST),
        "preferred_second": verdicts.count(SECOND),
        "unreadable": verdicts.count(UNREADABLE),
    }
    return Judgement(1 - scores, scores, summary)


def check_judge(judge: Judge) -> None:
    """Raise TinsmithError where the environment lacks the judge's key."""
    if judge.key_env and not os.environ.get(judge.key_env):
        raise TinsmithError(f"evaluate.judge.key_env: the environment has no {judge.key_env}; set it, or take it out")


def _tuned_score(base_first: str, tuned_first: str) -> float:
    """By the verdicts on (base, tuned) and on (tuned, base)."""
    return {(SECOND, FIRST): 1.0, (FIRST, SECOND): 0.0}.get((base_first, tuned_first), 0.5)


def _body(judge: Judge, row: Row, first: str, second: str) -> dict[str, Any]:
    asked = "\n\n".join(f"[{turn['role']}]\n{turn['content']}" for turn in row["prompt"])
    parts = [
        f"The conversation:\n{asked}",
        f"An answer known to be good:\n{row['answer']}",
        f"Answer A:\n{first}",
        f"Answer B:\n{second}",
        f"{judge.question} Reply A, B or TIE.",
    ]
    messages = [{"role": "system", "content": _INSTRUCTIONS}, {"role": "user", "content": "\n\n".join(parts)}]
    return {"model": judge.model, "messages": messages, "temperature": 0, "max_tokens": _VERDICT_TOKENS}


def _verdicts(judge: Judge, bodies: Sequence[dict[str, Any]], kept_in: Path) -> list[str]:
    kept = kept_in / f"judge-{sha256_of_json([judge.url, judge.model])}.jsonl"
    keys = [sha256_of_json(body) for body in bodies]
    known: dict[str, str] = {line["key"]: line["verdict"] for line in kept_lines(kept)}
    missing = {key: body for key, body in zip(keys, bodies, strict=True) if key not in known}
    if missing:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with kept.open("a", encoding="utf-8") as stream:
            for key, verdict in _asked(judge, missing):
                stream.write(json.dumps({"key": key, "verdict": verdict}) + "\n")
                stream.flush()
                known[key] = verdict
    return [known[key] for key in keys]


def _asked(judge: Judge, missing: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    with requests.Session() as session, request_pool() as pool:
        retry = Retry(
            total=_RETRIES, connect=0, read=0, backoff_factor=1, status_forcelist=_BUSY, allowed_methods=None,
            raise_on_status=False,
        )  # fmt: skip
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=PARALLEL, max_retries=retry))
        if judge.key_env:
            session.headers["Authorization"] = f"Bearer {os.environ[judge.key_env]}"
        waiting = {pool.submit(_ask, session, judge, body): key for key, body in missing.items()}
        for number, done in enumerate(as_completed(waiting)):
            try:
                verdict = done.result()
            except _NoVerdictError as error:
                raise TinsmithError(
                    f"evaluate.judge: {judge.model} at {judge.url} {error} after {number} of {len(missing)} verdicts; "
                    "these are kept, so mend it and run the evaluate stage again"
                ) from None
            yield waiting[done], verdict


class _NoVerdictError(Exception):
    """What the judge did instead of answering."""


def _ask(session: requests.Session, judge: Judge, body: dict[str, Any]) -> str:
    try:
        response = session.post(f"{judge.url.rstrip('/')}/chat/completions", json=body, timeout=(10, _REQUEST_SECONDS))
    except requests.RequestException as error:
        raise _NoVerdictError(f"gives no answer ({type(error).__name__})") from None
    if response.status_code in (401, 403):
        raise _NoVerdictError(f"refuses the key of evaluate.judge.key_env (HTTP {response.status_code})")
    try:
        # The judge's own sentence may quote a row, so only the number is told.
        response.raise_for_status()
        said = str(response.json()["choices"][0]["message"]["content"] or "")
    except requests.HTTPError:
        raise _NoVerdictError(f"refuses with HTTP {response.status_code}") from None
    except (ValueError, KeyError, IndexError, TypeError):
        raise _NoVerdictError("answers in another form than the OpenAI API's") from None
    found = _VERDICT.fullmatch(said)
    return _VERDICTS[found[1].upper()] if found else UNREADABLE
