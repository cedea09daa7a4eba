import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipelines.data.privacy.detector import _RULES
from pipelines.data.privacy.identity_numbers import bitcoin_length
from pipelines.data.privacy.normalise import fold
from pipelines.data.privacy.rule import Prefilter

FREE = st.text(st.sampled_from(" .,-(/:@'\nabzAZ019"), max_size=20)


# No text drawn at random has the right check bytes; test_identity_numbers.py has one that does.
DRAWN = [rank for rank, rule in enumerate(_RULES) if rule.length is not bitcoin_length]


@pytest.mark.parametrize("rank", DRAWN, ids=lambda rank: f"{rank}-{_RULES[rank].kind}")
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=10)
@given(st.data(), FREE, FREE)
def test_no_text_that_a_rule_matches_is_kept_from_it(rank, data, before, after):
    rule = _RULES[rank]
    text = before + data.draw(st.from_regex(rule.pattern)) + after
    values = [match["value"] for match in rule.pattern.finditer(text)]
    assume(any(map(rule.length, values)))
    longest = max(map(len, text.split()))
    assert (rank, rule) in Prefilter([(rank, rule)]).possible(fold(text), longest)


def test_a_text_without_hints_is_tried_against_nothing():
    assert Prefilter(enumerate(_RULES)).possible("nothing to see in here", 7) == []


def test_every_rule_names_its_value():
    assert all("value" in re.compile(rule.pattern).groupindex for rule in _RULES)
