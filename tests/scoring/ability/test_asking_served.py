"""Choices and texts asked of the embedded model itself."""

from contextlib import nullcontext

import pytest

from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import Continuation, likelihoods, token_ids
from pipelines.scoring.ability.asking import Answered, Asked, answers

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def url(embedded_gguf, tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(embedded_gguf, find_toolchain(), parallel=8, context_per_slot=256, log=log) as url:
        yield url


def answered(url, kept_in, *asked) -> list[Answered]:
    return answers({"task": asked}, "model", kept_in, lambda: nullcontext(url), "label")["task"]


def ids(url, text):
    return tuple(token_ids(url, text, special=False))


def test_one_request_tells_the_same_of_letters_as_one_for_each(url, tmp_path):
    prompt = ids(url, "Which is the first letter of apple?\nA. a\nB. b\nC. c\nD. d\nAnswer:")
    letters = tuple(ids(url, f" {letter}") for letter in "ABCD")
    assert all(len(letter) == 1 for letter in letters)
    (found,) = answered(url, tmp_path, Asked(prompt, letters, 0, ()))
    alone = [steps[0].logprob for steps in likelihoods(url, [Continuation(prompt, letter) for letter in letters])]
    assert found.answer == pytest.approx(alone, abs=0.05)


def test_letters_beyond_the_likeliest_are_asked_by_themselves(url, tmp_path):
    prompt = ids(url, "The sun rises in the")
    odd = tuple(ids(url, word) for word in (" east", "}", " D"))
    assert all(len(word) == 1 for word in odd)
    (found,) = answered(url, tmp_path, Asked(prompt, odd, 0, ()))
    alone = [steps[0].logprob for steps in likelihoods(url, [Continuation(prompt, word) for word in odd])]
    assert found.answer == pytest.approx(alone, abs=0.05)
    assert found.answer[0] > max(found.answer[1:])


def test_a_choice_of_several_tokens_has_the_sum_of_their_likelihoods(url, tmp_path):
    prompt = ids(url, "The capital of France is")
    choices = (ids(url, " Paris, of course"), ids(url, " zebra"))
    (found,) = answered(url, tmp_path, Asked(prompt, choices, 0, ()))
    alone = likelihoods(url, [Continuation(prompt, choice) for choice in choices])
    assert found.answer == pytest.approx([sum(step.logprob for step in steps) for steps in alone], abs=0.1)


def test_a_text_ends_before_its_stop(url, tmp_path):
    prompt = ids(url, "One, two, three, four, five,")
    free, stopped = answered(url, tmp_path, Asked(prompt, (), 8, ()), Asked(prompt, (), 8, (" seven",)))
    assert isinstance(free.answer, str)
    assert " seven" in free.answer
    assert stopped.answer == free.answer.partition(" seven")[0]
