import json
from pathlib import Path

import pytest

from pipelines.data.contracts.contract import read_contract
from pipelines.data.labels import LabelCounts, choices_by_contract
from pipelines.data.splits import TEST, TRAIN
from pipelines.errors import TinsmithError
from pipelines.recipe import Example

RECIPE = Path("recipes/triage.yaml")


def counted(fields, sides=None, choices=None):
    counts = LabelCounts(choices or {})
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


LETTER = "Dear Mrs Okafor, your order goes to 12 High Street"


@pytest.mark.parametrize(
    ("value", "is_choice"),
    [
        ("Notice Period To Terminate Renewal", True),
        ("balance_not_updated_after_cheque_or_cash_deposit", True),
        (LETTER, False),
        ("亲爱的王女士" * 9, False),
        ({"to": LETTER}, False),
        (["a", "b"], True),
    ],
)
def test_a_choice_that_no_contract_lists_has_short_values(value, is_choice):
    counts = counted({"x": [value] * 4, "y": ["a"] * 4})
    assert ("x" in counts.choices(), "x" in counts.balance()) == (is_choice, is_choice)
    assert counts.choices()["y"] == ["a"]


def test_what_the_contract_tells_of_a_field_goes_before_its_values():
    counts = counted({"listed": [LETTER] * 4, "person": ["Okafor"] * 4}, choices={"listed": True, "person": False})
    assert counts.choices() == {"listed": [LETTER]}


CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: notes
version: 1.0.0
status: active
schema:
  - name: notes
    properties:
      - {name: listed, logicalType: string, enum: [{value: a}]}
      - {name: valid, logicalType: string, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [a]}}]}
      - {name: truth, logicalType: boolean}
      - {name: free, logicalType: string}
      - {name: person, logicalType: string, tags: [pii]}
      - {name: sex, logicalType: string, tags: [pii], enum: [{value: f}]}
      - name: label
        logicalType: object
        properties:
          - {name: kind, logicalType: string, enum: [{value: a}]}
          - {name: reason, logicalType: string}
"""
ALL = ["listed", "valid", "truth", "free", "person", "sex", "label.kind", "label.reason"]


@pytest.mark.parametrize(
    ("example", "choices"),
    [
        (
            {"user": "{free}", "assistant": {"json": ALL}},
            {"listed": True, "valid": True, "truth": True, "person": False, "sex": True, "kind": True},
        ),
        ({"user": "{free}", "assistant": {"json": ["label"]}}, {}),
        ({"user": "{free}", "assistant": "{listed} of {valid}"}, {"answer": True}),
        ({"user": "{free}", "assistant": "{listed}: {free}"}, {}),
        ({"user": "{free}", "assistant": "{listed}: {person}"}, {"answer": False}),
        ({"messages": "free"}, {}),
    ],
)
def test_the_contract_tells_which_fields_are_closed_lists_and_which_are_personal(tmp_path, example, choices):
    (tmp_path / "notes.odcs.yaml").write_text(CONTRACT)
    assert (
        choices_by_contract(
            Example.model_validate_json(json.dumps(example)), read_contract(tmp_path / "notes.odcs.yaml")
        )
        == choices
    )


def test_balance_counts_each_value_on_each_side():
    balance = counted({"x": ["a", "a", "b", "b"]}, [TRAIN, TEST, TRAIN, TRAIN]).balance()
    assert balance == {
        "x": {"a": {"train": 1, "validation": 0, "test": 1}, "b": {"train": 2, "validation": 0, "test": 0}}
    }
