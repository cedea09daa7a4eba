from pathlib import Path

import pytest

from pipelines.data.labels import LabelCounts
from pipelines.data.splits import TEST, TRAIN
from pipelines.errors import TinsmithError

RECIPE = Path("recipes/triage.yaml")


def counted(fields, sides=None):
    counts = LabelCounts()
    rows = zip(*fields.values(), strict=True)
    for number, values in enumerate(rows):
        side = sides[number] if sides else TRAIN
        counts.add(dict(zip(fields, values, strict=True)), side, f"f.csv:{number + 2}")
    return counts


def test_labels_seen_only_in_test_are_refused_without_showing_them():
    fields = {"intent": ["a", "a", "secret", "secret"], "free": ["1", "2", "3", "4"]}
    with pytest.raises(TinsmithError) as caught:
        counted(fields, [TRAIN, TRAIN, TEST, TEST]).check(RECIPE)
    message = str(caught.value)
    assert message.startswith("recipes/triage.yaml: data.split: 1 label(s) of `intent` occur in test but not in train")
    assert "f.csv:4" in message
    assert "secret" not in message
    assert len(message.splitlines()) == 1


def test_labels_that_training_shows_pass():
    counts = counted({"intent": ["a", "b", "a", "b"]}, [TRAIN, TRAIN, TEST, TEST])
    counts.check(RECIPE)
    assert counts.choices() == {"intent": ["a", "b"]}


@pytest.mark.parametrize(
    ("values", "choices"),
    [
        (["b", "a", "b", "a"], {"x": ["a", "b"]}),
        ([1, None, 1, None], {"x": [1, None]}),
        (["a", "b", "c", "d"], {}),
        ([number % 101 for number in range(1000)], {}),
    ],
)
def test_a_choice_has_few_values_that_repeat(values, choices):
    assert counted({"x": values}).choices() == choices


def test_balance_counts_each_value_on_each_side():
    balance = counted({"x": ["a", "a", "b", "b"]}, [TRAIN, TEST, TRAIN, TRAIN]).balance()
    assert balance == {
        "x": {"a": {"train": 1, "validation": 0, "test": 1}, "b": {"train": 2, "validation": 0, "test": 0}}
    }
