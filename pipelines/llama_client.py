"""llama-server's own API: token ids, rendered chats, and how likely a model holds given tokens."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from pipelines.errors import TinsmithError

# Requests that are under way at once; the server is started with as many slots.
PARALLEL = 8
_REQUEST_SECONDS = 600
CONNECT_SECONDS = 10
# As many of the likeliest tokens as no vocabulary has.
_ALL = 10_000_000


class ServerEndedError(TinsmithError):
    """The server is gone, or answers nobody; `kind` is that of the failure."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"llama-server is gone, or answers nobody ({kind}); look into its log")
        self.kind = kind


class NoAnswerInTimeError(TinsmithError):
    """One request took too long; the server goes on with the others."""


class _ServerFailedError(TinsmithError):
    """The server failed on one request (HTTP 500) and goes on with the others."""


@dataclass(frozen=True)
class Continuation:
    """Token ids whose likelihood is asked, behind the token ids of a prompt (at least one, such as BOS)."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class TokenLikelihood:
    """One token's natural log probability under the model, and those of the most likely tokens, the likeliest first."""

    logprob: float
    top: tuple[tuple[int, float], ...]


def session() -> requests.Session:
    """A session for a server on loopback: proxies and passwords of the environment are for the outside."""
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", HTTPAdapter(pool_maxsize=PARALLEL))
    return made


def check_alive(requests_session: requests.Session, url: str) -> None:
    """A request that hangs is a failure of its own; raises ServerEndedError where the server answers nobody."""
    try:
        requests_session.get(f"{url}/health", timeout=CONNECT_SECONDS)
    except requests.RequestException as error:
        raise ServerEndedError(type(error).__name__) from None


@contextmanager
def request_pool() -> Iterator[ThreadPoolExecutor]:
    """Threads that drop what is queued when the block ends early, instead of asking it all first."""
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def token_ids(url: str, text: str, *, special: bool, begin: bool = False) -> list[int]:
    """The server's token ids of `text`; `special` reads control tokens written out in it as such.

    Nothing is added; but where `begin`, what the server puts before a prompt: the beginning of sequence, if any.
    """
    return list(_posted(url, "tokenize", {"content": text, "add_special": begin, "parse_special": special})["tokens"])


def rendered_chat(url: str, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] | None = None) -> str:
    """The prompt that the server makes of a chat, up to the opened answer."""
    body = {"messages": list(messages), **({"tools": list(tools)} if tools else {})}
    return str(_posted(url, "apply-template", body)["prompt"])


def likelihoods(url: str, asked: Sequence[Continuation], top: int = 1) -> list[list[TokenLikelihood]]:
    """How likely the model holds each token of each continuation, in the order of `asked`; nothing is sampled.

    A grammar that allows one token at each place makes the server go through the continuation; what it tells is the
    softmax of the model's own logits, before the grammar. Neighbours that share a prompt's beginning share its work.

    Raises:
        NoAnswerInTimeError: a request took too long.
        ServerEndedError: the server is gone.
        TinsmithError: the server refused, or went another way than asked.
    """
    with request_pool() as pool, session() as requests_session:
        waiting: dict[Future[list[TokenLikelihood]], int] = {
            pool.submit(likelihood, requests_session, url, continuation, top): index
            for index, continuation in enumerate(asked)
        }
        found: dict[int, list[TokenLikelihood]] = {waiting[done]: done.result() for done in as_completed(waiting)}
    return [found[index] for index in range(len(asked))]


def likelihood(
    requests_session: requests.Session, url: str, continuation: Continuation, top: int = 1
) -> list[TokenLikelihood]:
    """As `likelihoods`, of one continuation on a session of the caller's, who may run several side by side."""
    prompt, tokens = continuation.prompt, continuation.tokens
    if not tokens:
        return []
    grammar = "root ::= " + " ".join(f"<[{token}]>" for token in tokens)
    try:
        steps = _steps(requests_session, url, continuation, top, grammar=grammar)
    except _ServerFailedError:
        steps = []
    if len(steps) == len(tokens):
        if [step["id"] for step in steps] != list(tokens):
            raise TinsmithError("llama-server went another way than its grammar; use a newer llama.cpp")
        return [_told(step) for step in steps]
    # No grammar writes a control token, and of a part of a character nothing is told: all others are asked around it.
    if len(tokens) == 1:
        return [_likelihood_without_grammar(requests_session, url, prompt, tokens[0], top)]
    middle = len(tokens) // 2
    halves = Continuation(prompt, tokens[:middle]), Continuation((*prompt, *tokens[:middle]), tokens[middle:])
    return [told for half in halves for told in likelihood(requests_session, url, half, top)]


def _likelihood_without_grammar(
    requests_session: requests.Session, url: str, prompt: tuple[int, ...], token: int, top: int
) -> TokenLikelihood:
    """One token's likelihood, looked up in the whole distribution: it does not depend on what is then written."""
    # A space is written, since of an end of turn or a part of a character the server tells nothing.
    space = token_ids(url, " ", special=False)[0]
    one = Continuation(prompt, (space,))
    (step,) = _steps(requests_session, url, one, _ALL, grammar=f"root ::= <[{space}]>")
    all_told = _told(step).top
    return TokenLikelihood(dict(all_told)[token], all_told[:top])


def _steps(
    requests_session: requests.Session, url: str, continuation: Continuation, top: int, *, grammar: str
) -> list[dict[str, Any]]:
    body = {
        "prompt": list(continuation.prompt),
        "n_predict": len(continuation.tokens),
        "grammar": grammar,
        "n_probs": top,
        "temperature": 0,
        "cache_prompt": True,
    }
    return list(_answer(requests_session, url, "completion", body).get("completion_probabilities", []))


def _told(step: dict[str, Any]) -> TokenLikelihood:
    likeliest = tuple((likely["id"], likely["logprob"]) for likely in step["top_logprobs"])
    return TokenLikelihood(step["logprob"], likeliest)


def completion(
    requests_session: requests.Session, url: str, prompt: Sequence[int], max_tokens: int, stop: Sequence[str] = ()
) -> str:
    """The likeliest text behind the prompt's token ids, up to the end of the turn or before any of `stop`.

    Raises:
        NoAnswerInTimeError: the model was not done in time.
        ServerEndedError: the server is gone.
        TinsmithError: the server refused.
    """
    body = {
        "prompt": list(prompt),
        "n_predict": max_tokens,
        "stop": list(stop),
        "temperature": 0,
        "cache_prompt": True,
    }
    return str(_answer(requests_session, url, "completion", body)["content"])


def _posted(url: str, place: str, body: dict[str, Any]) -> dict[str, Any]:
    with session() as requests_session:
        return _answer(requests_session, url, place, body)


def _answer(requests_session: requests.Session, url: str, place: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        response = requests_session.post(f"{url}/{place}", json=body, timeout=(CONNECT_SECONDS, _REQUEST_SECONDS))
    except requests.ReadTimeout:
        check_alive(requests_session, url)
        raise NoAnswerInTimeError(f"llama-server gave no answer to /{place} in {_REQUEST_SECONDS} s") from None
    except requests.RequestException as error:
        raise ServerEndedError(type(error).__name__) from None
    if response.status_code == 500:
        raise _ServerFailedError(f"llama-server failed at /{place} (HTTP 500); look into its log")
    if not response.ok:
        # The server's own sentence may quote the prompt, so only its number is told.
        raise TinsmithError(f"llama-server refused /{place} with HTTP {response.status_code}; look into its log")
    return dict(response.json())
