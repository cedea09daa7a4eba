import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import Continuation, likelihoods, rendered_chat, session, token_ids

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def url(embedded_gguf, tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(embedded_gguf, find_toolchain(), parallel=8, context_per_slot=256, log=log) as url:
        yield url


def distribution_behind(url, ids):
    """Each token's log probability; a zebra is written, of which the server always tells."""
    (zebra,) = token_ids(url, " zebra", special=False)[:1]
    body = {"prompt": ids, "n_predict": 1, "n_probs": 100_000, "temperature": 0, "logit_bias": [[zebra, 10_000]]}
    with session() as requests_session:
        (step,) = requests_session.post(f"{url}/completion", json=body).json()["completion_probabilities"]
    return {entry["id"]: entry["logprob"] for entry in step["top_logprobs"]}


def test_a_likelihood_is_the_softmax_of_the_models_own_logits(url):
    prompt = token_ids(url, "The capital of France is", special=False)
    tokens = token_ids(url, " a zebra in Paris", special=False)
    (found,) = likelihoods(url, [Continuation(tuple(prompt), tuple(tokens))], top=5)
    for place, token in enumerate(tokens):
        wanted = distribution_behind(url, prompt + tokens[:place])
        assert found[place].logprob == pytest.approx(wanted[token], abs=0.02)
        likeliest = sorted(wanted, key=wanted.__getitem__, reverse=True)
        assert found[place].top[0][0] in likeliest[:2]
        assert len(found[place].top) == 5


@pytest.mark.parametrize("text", ["Paris 🧵 日本", "Paris.<|im_end|>\n", "<|im_end|>"])
def test_tokens_that_no_grammar_writes_are_told_like_all_others(url, text):
    """Control tokens, and characters of several tokens."""
    prompt = token_ids(url, "The capital of France is", special=False)
    tokens = token_ids(url, text, special=True)
    (found,) = likelihoods(url, [Continuation(tuple(prompt), tuple(tokens))], top=3)
    assert len(found) == len(tokens)
    for place, token in enumerate(tokens):
        wanted = distribution_behind(url, prompt + tokens[:place])
        assert found[place].logprob == pytest.approx(wanted[token], abs=0.02)
        assert len(found[place].top) == 3
        assert found[place].top[0][1] == pytest.approx(max(wanted.values()), abs=0.02)


def test_many_continuations_come_back_in_the_order_asked(url):
    prompt = tuple(token_ids(url, "One, two,", special=False))
    words = [" three", " zebra", " four"] * 5
    asked = [Continuation(prompt, tuple(token_ids(url, word, special=False))) for word in words]
    found = [likely[0].logprob for likely in likelihoods(url, [*asked, Continuation(prompt, ())])[:-1]]
    for place, word in enumerate(words):
        assert found[place] == pytest.approx(found[words.index(word)], abs=0.1)
    assert found[0] > found[2] > found[1]


def test_control_tokens_are_read_as_such_only_where_asked(url):
    assert len(token_ids(url, "<|im_end|>", special=True)) == 1
    assert len(token_ids(url, "<|im_end|>", special=False)) > 1


def test_a_rendered_chat_opens_the_answer(url):
    prompt = rendered_chat(url, [{"role": "user", "content": "Hi"}])
    assert "user\nHi<|im_end|>" in prompt
    assert prompt.endswith("<|im_start|>assistant\n")


def test_a_server_that_is_gone_gives_one_line():
    with pytest.raises(TinsmithError, match=r"^llama-server is gone, .* \(ConnectionError\); look into its log$"):
        likelihoods("http://127.0.0.1:9", [Continuation((1,), (2,))])
