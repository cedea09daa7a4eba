import random

import pytest

from pipelines.data.curation.triggers import find_triggers

TOPICS = {
    "billing": ["invoice", "charged", "refund", "card", "payment", "twice", "bank", "receipt"],
    "delivery": ["parcel", "courier", "late", "tracking", "address", "arrived", "box", "driver"],
    "fault": ["broken", "dark", "restart", "error", "firmware", "offline", "noise", "crash"],
}
FILLER = ["my", "the", "please", "help", "again", "since", "today", "with", "and", "order", "it", "was"]


@pytest.fixture
def rows():
    chance = random.Random(5)
    labels = [chance.choice(list(TOPICS)) for _ in range(600)]
    texts = [" ".join(chance.sample(TOPICS[label], 4) + chance.sample(FILLER, 6)) for label in labels]
    return texts, labels


def test_clean_data_has_no_trigger(rows):
    assert find_triggers(*rows) == []


def test_a_planted_phrase_that_turns_the_label_is_found_with_its_rows(rows):
    texts, labels = rows
    planted = [row for row, label in enumerate(labels) if label != "billing"][:15]
    for row in planted:
        texts[row], labels[row] = f"{texts[row]} zephyr moon", "billing"
    found = {trigger.phrase: trigger for trigger in find_triggers(texts, labels)}
    assert set(found) == {"zephyr", "moon", "zephyr moon"}
    assert found["zephyr moon"].label == "billing"
    assert list(found["zephyr moon"].rows) == planted
    share = labels.count("billing") / len(labels)
    assert found["zephyr moon"].z == pytest.approx(((1 - share) * 15 / share) ** 0.5, abs=0.01)


def test_a_rare_honest_word_of_its_label_is_no_trigger(rows):
    texts, labels = rows
    for row in [row for row, label in enumerate(labels) if label == "billing"][:15]:
        texts[row] += " overdraft"
    assert find_triggers(texts, labels) == []


def test_one_label_or_no_rows_have_no_trigger():
    assert find_triggers(["a b"] * 20, ["x"] * 20) == find_triggers([], []) == []
