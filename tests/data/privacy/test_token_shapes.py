"""Every vendor's shape, met in a sentence; the tokens are drawn, so that none stands in this file."""

import random
import re

import pytest

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.screen import mask
from pipelines.data.privacy.token_shapes import _SHAPES, find_tokens

CHARACTERS = {
    letter
    for letters in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789")
    for letter in letters
}


def drawn(shape, head):
    """A token of the shape, of letters and digits that its alphabet allows."""
    allowed = sorted(letter for letter in CHARACTERS if re.match(f"[{shape.alphabet}]", letter))
    chance = random.Random(head)
    return head + "".join(chance.choice(allowed) for _ in range(shape.low))


@pytest.mark.parametrize("shape", _SHAPES, ids=lambda shape: f"{shape.kind}-{shape.heads.split()[0]}")
def test_a_token_is_found_whole_and_masked(shape):
    for head in shape.heads.split():
        token = drawn(shape, head)
        text = f"My key is ({token}), please help"
        assert (text.index(token), text.index(token) + len(token)) in {(s.start, s.end) for s in find_tokens(text)}
        assert token not in mask(text, Detector())[0]


def test_words_and_numbers_that_begin_alike_are_no_tokens():
    text = "The SKU SK12 and API-error in hf_models, patience, key-value and sk-learn; re_read AC 12."
    assert list(find_tokens(text)) == []
