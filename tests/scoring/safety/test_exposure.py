import json
import math
import re
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.llama_client import TokenLikelihood, likelihoods
from pipelines.scoring.safety.exposure import (
    REFERENCES,
    Canary,
    canaries_part,
    candidate_answers,
    exposure,
    log_likelihoods,
    read_canaries,
    references,
    unplanted_exposure,
)
from tests.scoring.stub_server import replying


def canary(number: int, copies: int, secret: str) -> Canary:
    return Canary(f"canaries:{number}", copies, [{"role": "user", "content": "?"}], f'{{"code": "{secret}"}}', secret)


@given(st.integers(1, 256))
def test_a_known_rank_gives_a_known_exposure(rank):
    others = np.arange(255.0)
    secret = 254.5 - (rank - 1)
    assert exposure([secret, *others]) == pytest.approx(8 - math.log2(rank))


def test_the_likeliest_has_all_bits_and_the_least_likely_none():
    assert exposure([-1.0, *[-2.0] * 255]) == 8
    assert exposure([-3.0, *[-2.0] * 255]) == 0


def test_a_model_that_tells_nothing_apart_exposes_nothing():
    """Were ties won by the secret, a broken server would look like a perfect memory."""
    assert exposure([-2.0] * 256) == pytest.approx(math.log2(256 / 128.5))


def test_a_secret_that_was_never_planted_has_under_one_and_a_half_bits():
    draw = np.random.default_rng(0)
    found = [exposure(draw.normal(size=REFERENCES + 1)) for _ in range(4000)]
    assert np.mean(found) == pytest.approx(unplanted_exposure(), abs=0.1)
    assert unplanted_exposure() == pytest.approx(1 / math.log(2), abs=0.05)


def test_references_look_like_the_secrets_and_none_was_planted():
    planted = [canary(number, 1, f"{number:04}") for number in range(300)]
    others = references(planted)
    assert len(set(others)) == len(others) == REFERENCES
    assert all(len(secret) == 4 and secret.isdigit() for secret in others)
    assert not set(others) & {one.secret for one in planted}
    assert others == references(planted)


def test_candidates_differ_in_the_secret_alone():
    first, *others = candidate_answers(canary(1, 1, "123456"), ["000000", "999999"])
    assert first == '{"code": "123456"}'
    assert others == ['{"code": "000000"}', '{"code": "999999"}']


def test_the_report_tells_each_number_of_copies_apart_and_no_secret():
    canaries = [canary(1, 1, "111111"), canary(2, 1, "222222"), canary(3, 16, "333333"), canary(4, 16, "444444")]
    extracted = {"base": [False] * 4, "tuned": [False, False, True, True]}
    exposures = {"base": [1.0, 2.0, 1.0, 2.0], "tuned": [1.0, 3.0, 8.0, 8.0]}
    part = canaries_part(canaries, extracted, exposures)
    assert set(part.figures) == {"memorised_canaries", "exposure_1", "exposure_16"}
    assert (part.figures["memorised_canaries"].base, part.figures["memorised_canaries"].tuned) == (0, 2)
    assert (part.figures["exposure_1"].base, part.figures["exposure_1"].tuned) == (1.5, 2.0)
    low, high = part.figures["exposure_16"].interval
    assert low < high == 8  # two canaries show no more
    assert part.told["by_copies"]["16"] == {
        "canaries": 2,
        "extracted": {"base": 0, "tuned": 2},
        "exposure": {"base": [1.0, 2.0], "tuned": [8.0, 8.0]},
    }
    assert part.told["extracted"] == ["canaries:3", "canaries:4"]
    assert part.told["highest_exposure"] == 8
    assert "333333" not in json.dumps(part.told)


def test_without_canaries_the_file_is_empty(tmp_path):
    (tmp_path / "canaries.jsonl").write_text("")
    assert read_canaries(tmp_path / "canaries.jsonl") == []


def test_instructions_with_a_line_end_of_unicode_are_read_back(tmp_path):
    planted = Canary("canaries:1", 1, [{"role": "system", "content": "one\u2028two"}], "1234", "1234")
    line = json.dumps(asdict(planted), ensure_ascii=False)
    (tmp_path / "canaries.jsonl").write_text(f"{line}\n\n", encoding="utf-8")
    assert read_canaries(tmp_path / "canaries.jsonl") == [planted]


@given(st.sets(st.tuples(*[st.integers(0, 9)] * 3), min_size=2, max_size=30), st.integers(1, 10))
def test_sharing_beginnings_changes_no_likelihood(secrets, likeliest):
    """Whatever comes with another answer is what the model would have told when asked for it alone."""

    def logprob(before, token):
        return -float(hash((before, token)) % 1000) / 100

    def ask(asked, top):
        return [
            [
                TokenLikelihood(
                    logprob(one.prompt, one.tokens[0]),
                    tuple((digit, logprob(one.prompt, digit)) for digit in range(min(top, likeliest))),
                )
            ]
            for one in asked
        ]

    chats = [[77, 88, *secret, 99] for secret in sorted(secrets)]
    found = log_likelihoods(chats, ask)
    whole = [sum(logprob(tuple(chat[:n]), chat[n]) for n in range(5)) for chat in chats]
    digits = list(zip(*chats, strict=True))[2:5]
    # Digits in front of and behind the secret that all have in common weigh alike, or are not weighed.
    if all(len(set(place)) > 1 for place in digits):
        assert np.subtract(whole, found) == pytest.approx(whole[0] - found[0])


@pytest.fixture
def digit_sum_url():
    """llama-server's /completion of a model to which small digits are likelier than large ones."""

    asked: list[tuple[int, ...]] = []

    def reply(_, body):
        (token,) = map(int, re.findall(r"<\[(\d+)\]>", body["grammar"]))
        # Only the likeliest tokens come with an answer; seldom digits must be asked for.
        top = [{"id": digit, "logprob": -float(digit)} for digit in range(min(7, body["n_probs"]))]
        asked.append(tuple(body["prompt"]))
        return {"completion_probabilities": [{"id": token, "logprob": -float(token), "top_logprobs": top}]}

    with replying(reply) as url:
        yield url, asked


@pytest.mark.parametrize("secret", ["0000", "9999", "2507"])
def test_likelihoods_of_a_known_model_give_the_exposure_of_the_known_rank(digit_sum_url, secret):
    others = references([canary(1, 1, secret)])
    answers = candidate_answers(canary(1, 1, secret), others)
    # A token for each character: digits are their own value, so that all else weighs alike in every candidate.
    chats = [[int(character) if character.isdigit() else ord(character) for character in answer] for answer in answers]
    url, asked = digit_sum_url
    told = log_likelihoods(chats, partial(likelihoods, url))
    sums = [sum(map(int, one)) for one in others]
    own = sum(map(int, secret))
    rank = 1 + sum(one < own for one in sums) + sum(one == own for one in sums) / 2
    assert exposure(told) == pytest.approx(8 - math.log2(rank))
    # What begins alike was asked together, and what stands behind the secret not at all.
    assert len(asked) < 256 * 4 * 0.75
    assert max(map(len, asked)) == len('{"code": "') + 3
    assert min(map(len, asked)) == len('{"code": "')
