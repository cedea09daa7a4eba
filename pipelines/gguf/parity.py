"""Whether a GGUF behaves, as llama-server serves it, like the model that was trained; if not, export stops."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from pipelines.errors import TinsmithError
from pipelines.llama_client import Continuation, TokenLikelihood, likelihoods, rendered_chat, request_pool, token_ids

TokenIds = list[int]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Tokens of an example whose distributions are compared, its last ones; those before them are its prompt.
COMPARED_TOKENS = 256
# The likeliest tokens whose probabilities are compared one by one, the others as one; of a tuned model's distribution
# they hold nearly all.
_TOP = 100
# Both compute with the same bf16 weights and differ by how they round in between: the sample's tuned model by a KL of
# 0.00014, with the same likeliest token at 99.8% of places. A GGUF with two heads permuted is above both limits.
KL_LIMIT = 0.01
TOP1_LIMIT = 0.95


@dataclass(frozen=True)
class Chat:
    """A chat as training saw it, up to where the model begins to answer: its text and its token ids."""

    example_id: str
    messages: Sequence[dict[str, Any]]
    tools: Sequence[dict[str, Any]] | None
    text: str
    token_ids: TokenIds


@dataclass(frozen=True)
class Beginning:
    """The beginning-of-sequence token, and how often it stands at a chat's beginning."""

    token: str | None
    in_training: int
    in_server: int


@dataclass(frozen=True)
class Agreement:
    """Mean KL(trained || served) in nats per token, the share of tokens at which both hold the same for the likeliest,
    and over how many tokens."""

    kl_mean: float
    top1: float
    tokens: int


def check_tokens(url: str, texts: Mapping[str, TokenIds], added: Mapping[str, TokenIds]) -> None:
    """Hold the server's token ids of texts and of every added token against training's.

    Raises:
        TinsmithError: some differ (PAINS 11).
    """
    if unknown := _read_otherwise(url, added):
        numbers = ", ".join(str(added[token][0]) for token in unknown[:5])
        raise TinsmithError(
            f"export: llama-server does not know {len(unknown)} of the base's {len(added)} added tokens (ids {numbers}"
            f"{', ...' if len(unknown) > 5 else ''}); its conversion to GGUF lost them, choose another base"
        )
    if different := _read_otherwise(url, texts):
        raise TinsmithError(
            f"export: llama-server reads {len(different)} of {len(texts)} texts as other tokens than training did; "
            "llama.cpp does not know this base's tokenizer, choose another base"
        )


def check_beginning(url: str, chats: Sequence[Chat], token: str | None, token_id: int | None) -> Beginning:
    """Count beginnings of sequence at each chat's beginning, in training and as the server reads its own prompt.

    `token` and `token_id` are the tokenizer's, None where it has none.

    Raises:
        TinsmithError: there is more than one, or the server has another number of them than training (PAINS 6).
    """
    own = token_ids(url, "", special=True, begin=True)
    if token_id is None and own:
        raise TinsmithError(
            "export: llama-server puts a beginning of sequence before every prompt, and the base's tokenizer has none; "
            "choose another base"
        )
    trained = {_leading(chat.token_ids, token_id) for chat in chats}
    served = {_leading(ids, token_id) for ids in _map(lambda chat: _asked_ids(url, chat), chats)}
    if len(trained) > 1 or served != trained or max(trained) > 1:
        raise TinsmithError(
            f"export: a chat begins with {_numbers(served)} beginning-of-sequence tokens in llama-server and with "
            f"{_numbers(trained)} in training; both need the same, one at most: mend the base's chat template"
        )
    return Beginning(token, trained.pop(), served.pop())


def check_chats(url: str, chats: Sequence[Chat], beginning: str | None) -> None:
    """Hold the prompts that the server makes of chats against training's, byte for byte.

    Where the server's tokenizer puts the `beginning` of sequence before a text, its prompts come without it.

    Raises:
        TinsmithError: some differ, or the server cannot render one (PAINS 13).
    """
    added = (beginning or "") if token_ids(url, "", special=True, begin=True) else ""
    prompts = _map(lambda chat: _rendered(url, chat), chats)
    different = [
        (chat, prompt) for chat, prompt in zip(chats, prompts, strict=True) if chat.text not in (prompt, added + prompt)
    ]
    if different:
        chat, prompt = different[0]
        place = next(
            (spot for spot, (ours, theirs) in enumerate(zip(chat.text, prompt, strict=False)) if ours != theirs),
            min(len(chat.text), len(prompt)),
        )
        raise TinsmithError(
            f"export: llama-server writes {len(different)} of {len(chats)} chats otherwise than training did, example "
            f"{chat.example_id} from character {place}; the GGUF has another chat template, or llama.cpp reads the "
            "template or the tools otherwise: give every tool a description, or choose another base"
        )


def served_distributions(url: str, examples: Sequence[TokenIds]) -> list[list[TokenLikelihood]]:
    """What the server holds likely for the last COMPARED_TOKENS of each example, token ids of at least two."""
    starts = [max(1, len(ids) - COMPARED_TOKENS) for ids in examples]
    asked = [Continuation(tuple(ids[:start]), tuple(ids[start:])) for ids, start in zip(examples, starts, strict=True)]
    return likelihoods(url, asked, top=_TOP)


def check_distributions(served: Sequence[Sequence[TokenLikelihood]], logprobs: Iterable[np.ndarray]) -> Agreement:
    """Compare the served model's next-token distributions with those of the model that was merged.

    Args:
        served: served_distributions of some examples.
        logprobs: for each of them, the merged model's log probabilities, (tokens - 1, vocabulary): row i is of the
            token at i + 1.

    Raises:
        TinsmithError: they are further apart than rounding explains (PAINS 9, 11).
    """
    kl: list[float] = []
    same = 0
    for likely, wanted in zip(served, logprobs, strict=True):
        for token, ours in zip(likely, wanted[-len(likely) :], strict=True):
            kl.append(lumped_kl(ours, token))
            same += int(ours.argmax()) == token.top[0][0]
    found = Agreement(round(float(np.mean(kl)), 6), round(same / len(kl), 5), len(kl))
    # Written so that a figure which is no number fails, too.
    if not (found.kl_mean <= KL_LIMIT and found.top1 >= TOP1_LIMIT):
        raise TinsmithError(
            f"export: the GGUF is not the model that was trained: KL {found.kl_mean:.4f} nats per token (at most "
            f"{KL_LIMIT}), the same likeliest token at {found.top1:.1%} of places (at least {TOP1_LIMIT:.0%}); "
            "llama.cpp does not convert this architecture truly, choose another base"
        )
    return found


def lumped_kl(ours: np.ndarray, theirs: TokenLikelihood) -> float:
    """KL(ours || theirs) in nats where all tokens but their likeliest count as one; never more than the whole KL.

    `ours` are log probabilities of the whole vocabulary.
    """
    ids, logprobs = zip(*theirs.top, strict=True)
    p_log, q_log = ours[list(ids)].astype(np.float64), np.array(logprobs)
    p, q = np.exp(p_log), np.exp(q_log)
    # What rounding leaves of nothing.
    p_rest, q_rest = max(1 - p.sum(), 1e-9), max(1 - q.sum(), 1e-9)
    return float((p * (p_log - q_log)).sum() + p_rest * np.log(p_rest / q_rest))


def _read_otherwise(url: str, wanted: Mapping[str, TokenIds]) -> list[str]:
    found = _map(lambda text: token_ids(url, text, special=True), wanted)
    return [text for text, ids in zip(wanted, found, strict=True) if ids != wanted[text]]


def _asked_ids(url: str, chat: Chat) -> TokenIds:
    """The token ids that the server makes of a chat that it is asked."""
    return token_ids(url, _rendered(url, chat), special=True, begin=True)


def _rendered(url: str, chat: Chat) -> str:
    try:
        return rendered_chat(url, chat.messages, chat.tools)
    except TinsmithError as error:
        raise TinsmithError(
            f"export: llama.cpp cannot render the base's chat template ({error}); choose another base"
        ) from None


def _leading(ids: TokenIds, token_id: int | None) -> int:
    """How often a token stands at the beginning."""
    return next((place for place, found in enumerate(ids) if found != token_id), len(ids))


def _numbers(counts: set[int]) -> str:
    return " or ".join(map(str, sorted(counts)))


def _map(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    with request_pool() as pool:
        return list(pool.map(function, items))
