"""Planted faults between training and the served GGUF: each is caught, and told apart from the others."""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import trl
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.tokenizing import chat_text
from pipelines.errors import TinsmithError
from pipelines.gguf.convert import convert
from pipelines.gguf.parity import (
    KL_LIMIT,
    Chat,
    check_beginning,
    check_chats,
    check_distributions,
    check_tokens,
    lumped_kl,
    served_distributions,
)
from pipelines.gguf.server import serving
from pipelines.llama_client import TokenLikelihood
from pipelines.model.base import load_tokenizer
from pipelines.model.distributions import next_token_logprobs
from tests.gguf.faults import drop_added_token, permute_heads, rewrite_template

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TEXTS = ["Where is my order 4711?", "naïve café — 12.50 €", "  two  spaces\n\n\tand a tab", "日本語 🧵", "<|im_start|>"]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "Ask.", "parameters": PARAMETERS}}]
TOOL_TEMPLATE = Path(trl.__file__).parent / "chat_templates" / "qwen2_5.jinja"


@contextmanager
def served(folder, toolchain, tmp_path):
    gguf = tmp_path / "16bit.gguf"
    convert(folder, gguf, toolchain)
    with serving(gguf, toolchain, parallel=8, context_per_slot=256, log=tmp_path / "log") as url:
        yield url


def ids_of(tokenizer, texts):
    return {text: tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts}


def chats_of(tokenizer, tools=None):
    made = []
    for text in TEXTS[:4]:
        messages = [{"role": "system", "content": "Route."}, {"role": "user", "content": text}]
        rendered = chat_text(tokenizer, messages, tools, asking=True)
        made.append(Chat(text, messages, tools, rendered, ids_of(tokenizer, [rendered])[rendered]))
    return made


def examples_of(tokenizer):
    return [chat.token_ids for chat in chats_of(tokenizer)]


def test_a_sound_gguf_passes(tiny_model, toolchain, tokenizer, tmp_path):
    """PAINS 6, 11, 13: one beginning, the same tokens, the same bytes; PAINS 24: all of it asked of llama-server."""
    added = ids_of(tokenizer, [str(token) for token in tokenizer.added_tokens_decoder.values()])
    assert len(added) >= 17
    examples = examples_of(tokenizer)
    with served(tiny_model, toolchain, tmp_path) as url:
        check_tokens(url, ids_of(tokenizer, TEXTS), added)
        beginning = check_beginning(url, chats_of(tokenizer), tokenizer.bos_token, tokenizer.bos_token_id)
        check_chats(url, chats_of(tokenizer), tokenizer.bos_token)
        agreement = check_distributions(
            served_distributions(url, examples),
            next_token_logprobs(tiny_model, examples),
        )
    assert (beginning.token, beginning.in_training, beginning.in_server) == ("<|im_start|>", 1, 1)
    assert agreement.tokens == sum(len(ids) - 1 for ids in examples)
    assert 0 <= agreement.kl_mean < KL_LIMIT / 5
    assert agreement.top1 > 0.97


def test_a_template_with_tools_has_the_same_bytes_pain_13(changed, toolchain, tmp_path):
    rewrite_template(changed, lambda _: TOOL_TEMPLATE.read_text())
    tokenizer = load_tokenizer(changed)
    with served(changed, toolchain, tmp_path) as url:
        check_chats(url, chats_of(tokenizer, TOOLS), tokenizer.bos_token)
        # llama.cpp writes an empty description where a tool has none.
        bare = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
        with pytest.raises(TinsmithError, match=r"writes 4 of 4 chats otherwise .* give every tool a description"):
            check_chats(url, chats_of(tokenizer, bare), tokenizer.bos_token)


def test_a_wrong_template_is_caught_pain_13(changed, toolchain, tokenizer, tmp_path):
    rewrite_template(changed, lambda template: template.replace("<|im_end|>", "<|im_end|> "))
    chats = chats_of(tokenizer)
    with (
        served(changed, toolchain, tmp_path) as url,
        pytest.raises(TinsmithError) as failure,
    ):
        check_chats(url, chats, tokenizer.bos_token)
    place = chats[0].text.index("<|im_end|>") + len("<|im_end|>")
    told = f"writes 4 of 4 chats otherwise than training did, example {TEXTS[0]} from character {place};"
    assert str(failure.value).startswith(f"export: llama-server {told}")


@pytest.mark.parametrize("broken", ["{{ messages | frobnicate }}", "{{ raise_exception('no') }}", "{% if %}"])
def test_a_template_that_will_not_render_is_told(changed, toolchain, tokenizer, tmp_path, broken):
    rewrite_template(changed, lambda _: broken)
    with pytest.raises(TinsmithError) as failure, served(changed, toolchain, tmp_path) as url:
        check_chats(url, chats_of(tokenizer), tokenizer.bos_token)
    assert "\n" not in str(failure.value)
    print(failure.value)


def test_two_beginnings_are_caught_pain_6(changed, toolchain, tokenizer, tmp_path):
    rewrite_template(changed, lambda template: "{{ bos_token }}" + template)
    with (
        served(changed, toolchain, tmp_path) as url,
        pytest.raises(TinsmithError, match=r"begins with 2 beginning-of-sequence tokens in llama-server and with 1"),
    ):
        check_beginning(url, chats_of(tokenizer), tokenizer.bos_token, tokenizer.bos_token_id)


def test_a_beginning_that_training_did_not_have_is_caught_pain_6(changed, toolchain, tokenizer, tmp_path):
    """The GGUF says that a beginning goes before every prompt, and the template does not know of it."""
    settings = changed / "tokenizer_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "add_bos_token": True}))
    rewrite_template(changed, lambda template: " " + template)
    chats = [Chat(**{**vars(chat), "text": f" {chat.text}"}) for chat in chats_of(tokenizer)]
    chats = [Chat(**{**vars(chat), "token_ids": ids_of(tokenizer, [chat.text])[chat.text]}) for chat in chats]
    with (
        served(changed, toolchain, tmp_path) as url,
        pytest.raises(TinsmithError, match=r"begins with 1 beginning-of-sequence tokens in llama-server and with 0"),
    ):
        check_beginning(url, chats, tokenizer.bos_token, tokenizer.bos_token_id)


def test_a_dropped_added_token_is_caught_pain_11(changed, toolchain, tokenizer, tmp_path):
    dropped = drop_added_token(changed, "<file_sep>")
    added = ids_of(tokenizer, [str(token) for token in tokenizer.added_tokens_decoder.values()])
    with (
        served(changed, toolchain, tmp_path) as url,
        pytest.raises(
            TinsmithError, match=rf"does not know 1 of the base's {len(added)} added tokens \(ids {dropped}\)"
        ),
    ):
        check_tokens(url, ids_of(tokenizer, TEXTS), added)


def test_other_tokens_are_caught_pain_11(tiny_model, toolchain, tokenizer, tmp_path):
    """As where llama.cpp cuts words otherwise: here training's ids are what is wrong."""
    wanted = ids_of(tokenizer, TEXTS)
    wanted[TEXTS[1]] = wanted[TEXTS[1]][::-1]
    with (
        served(tiny_model, toolchain, tmp_path) as url,
        pytest.raises(TinsmithError, match=r"reads 1 of 5 texts as other tokens than training did"),
    ):
        check_tokens(url, wanted, {})


@pytest.mark.parametrize("fault", ["permuted heads", "no-op merge"])
def test_other_weights_are_caught_pain_9(changed, tiny_model, toolchain, tokenizer, tmp_path, fault):
    """Heads in another order, and a GGUF of the base where a merged model was meant."""
    gguf_of, trained = (changed, tiny_model) if fault == "permuted heads" else (tiny_model, changed)
    permute_heads(changed)
    examples = examples_of(tokenizer)
    with (
        served(gguf_of, toolchain, tmp_path) as url,
        pytest.raises(TinsmithError, match=r"^export: the GGUF is not the model that was trained: KL \d"),
    ):
        check_distributions(
            served_distributions(url, examples),
            next_token_logprobs(trained, examples),
        )


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_the_lumped_kl_is_never_more_than_the_whole_and_none_for_the_same(seed, top):
    random = np.random.default_rng(seed)
    ours, theirs = (np.log(random.dirichlet(np.ones(12))) for _ in range(2))
    likeliest = np.argsort(theirs)[::-1][:top]
    likely = TokenLikelihood(0.0, tuple((int(token), float(theirs[token])) for token in likeliest))
    whole = float((np.exp(ours) * (ours - theirs)).sum())
    assert -1e-6 <= lumped_kl(ours, likely) <= whole + 1e-6
    same = TokenLikelihood(0.0, tuple((int(token), float(ours[token])) for token in likeliest))
    assert lumped_kl(ours, same) == pytest.approx(0, abs=1e-6)
