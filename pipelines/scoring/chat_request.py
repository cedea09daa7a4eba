"""One chat request to a server that may fail in any way: there comes an answer, a counted failure or an error."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from pipelines.errors import TinsmithError
from pipelines.llama_client import CONNECT_SECONDS, ServerEndedError, check_alive

_CHUNK = 2**16
_LATE = "timeout"
_FAILURES = (_LATE, "prompt_too_long", "too_large", "unreadable")
# What llama-server calls a prompt that does not fit into a slot.
_TOO_LONG = "exceed_context_size_error"
_DIGITS = 4


@dataclass(frozen=True)
class Answer:
    """What a model said to one prompt.

    `finish_reason` is the API's `stop` or `length`; or, with an empty text, why there is none: `timeout` where no
    answer came in time, `prompt_too_long` where the prompt does not fit into the model's context, `too_large` where the
    server's reply had no end, `unreadable` where it was no chat completion. `seconds` is the request's wall time.
    `logprob` is the natural log probability of the whole answer, the sum over its tokens, the end of turn among them;
    None where the server told none.
    """

    text: str
    finish_reason: str
    seconds: float
    logprob: float | None = None

    @property
    def answered(self) -> bool:
        """Whether the model said anything; if not, the row counts as wrong."""
        return self.finish_reason not in _FAILURES

    @property
    def in_time(self) -> bool:
        """Whether the model was waited for to its end; on another day it may be done in time."""
        return self.finish_reason != _LATE


def ask(session: requests.Session, url: str, body: Mapping[str, object], *, seconds: float, most_bytes: int) -> Answer:
    """Post one chat request to the server at `url`.

    Given up after `seconds` and, where the reply then is still coming, at most as long again; the connection is closed,
    by which llama-server sees that nobody waits, and frees the slot. No more than `most_bytes` of a reply are held.

    Raises:
        ServerEndedError: the connection broke, or the server answers not even to /health.
        TinsmithError: the server refused the request; the same request would be refused again.
    """
    started = time.perf_counter()
    try:
        with session.post(
            f"{url}/v1/chat/completions",
            json=body,
            headers={"Accept-Encoding": "identity"},
            timeout=(CONNECT_SECONDS, seconds),
            stream=True,
        ) as response:
            status, reply = response.status_code, bytearray()
            while chunk := response.raw.read1(_CHUNK):
                reply += chunk
                if len(reply) > most_bytes:
                    return Answer("", "too_large", _seconds_since(started))
                if time.perf_counter() - started > seconds:
                    return Answer("", _LATE, _seconds_since(started))
    except (requests.ReadTimeout, ReadTimeoutError):
        check_alive(session, url)
        return Answer("", _LATE, _seconds_since(started))
    except (requests.ConnectionError, HTTPError) as error:
        raise ServerEndedError(type(error).__name__) from None
    # What is no UTF-8 is shown as such in the answer instead of hiding all of it.
    text = reply.decode("utf-8", errors="replace")
    return _completion(text, _seconds_since(started)) if status == 200 else _refusal(text, status, started)


def _completion(text: str, seconds: float) -> Answer:
    try:
        choice = json.loads(text)["choices"][0]
        content, reason = choice["message"]["content"] or "", choice["finish_reason"]
        logprob = _logprob(choice)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Answer("", "unreadable", seconds)
    if not isinstance(content, str) or not isinstance(reason, str):
        return Answer("", "unreadable", seconds)
    return Answer(_storable(content), reason, seconds, logprob)


def _logprob(choice: Mapping[str, Any]) -> float | None:
    tokens = (choice.get("logprobs") or {}).get("content")
    if not tokens:
        return None
    total = math.fsum(token["logprob"] for token in tokens)
    return round(total, _DIGITS) if math.isfinite(total) else None


def _storable(text: str) -> str:
    """The text with half surrogate pairs, which JSON can hold and UTF-8 cannot, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refusal(text: str, status: int, started: float) -> Answer:
    try:
        kind = str(json.loads(text)["error"]["type"])
    except (ValueError, LookupError, TypeError, RecursionError):
        kind = "no error type"
    if kind == _TOO_LONG:
        return Answer("", "prompt_too_long", _seconds_since(started))
    # The server's own sentence may quote the prompt, so only its kind is told.
    raise TinsmithError(f"the server refused a prompt with HTTP {status} ({kind}); look into its log")


def _seconds_since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
