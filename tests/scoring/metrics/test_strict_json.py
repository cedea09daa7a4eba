import json

import pytest
from hypothesis import given, settings

from pipelines.scoring.metrics.strict_json import EXACT, hashable, object_in, plain_object_in, without_fence
from tests.scoring.metrics.strategies import objects


@pytest.mark.parametrize(
    ("answer", "inside"),
    [
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('  ```\n{"a": 1}```  ', '{"a": 1}'),
        ("```SQL\nSELECT 1\n```\n", "SELECT 1"),
        ('```json {"a": 1}```', '{"a": 1}'),
        ("```SELECT 1 FROM t```", "SELECT 1 FROM t"),
        ("```sql SELECT 1```", "SELECT 1"),
        ("```", "```"),
        ("`````", "`````"),
        ("``````", ""),
        ("Look: ```json\n{}\n```", "Look: ```json\n{}\n```"),
        ("```json\n{}", "```json\n{}"),
        ("```" + " " * 1_000_000, "```" + " " * 1_000_000),
    ],
)
def test_a_fence_around_the_whole_answer_is_taken_off(answer, inside):
    assert without_fence(answer) == inside


@pytest.mark.parametrize(
    "broken", ["", "null", "[1]", '{"a": NaN}', '{"a": Infinity}', '{"a": 1, "a": 1}', '{"a":' * 9999]
)
def test_what_is_no_json_object_is_none(broken):
    assert object_in(broken) is None
    assert plain_object_in(broken) is None


@settings(deadline=None)
@given(objects)
def test_objects_are_read_whole_and_compare_whatever_their_order(value):
    text = json.dumps(value)
    assert plain_object_in(text) == value
    turned = json.dumps(dict(reversed(value.items())))
    assert object_in(turned) == object_in(text)
    assert hashable(object_in(turned)) == hashable(object_in(text))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("1", "1.0", True),
        ("1", "true", False),
        ("0", "false", False),
        ('["a", 1]', '["a", 1.0]', True),
        ('["a", "b"]', '["b", "a"]', False),
        ("9007199254740993", "9007199254740992", False),
        ('"1"', "1", False),
        ("null", "0", False),
        ('{"a": []}', '{"a": {}}', False),
    ],
)
def test_values_are_equal_as_json_means_them(one, other, equal):
    assert (hashable(EXACT.decode(one)) == hashable(EXACT.decode(other))) is equal
