import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.labels import accuracy, answered_codes, check_labels, choices, confusion, macro_f1
from tests.scoring.metrics.strategies import rows_expecting

LABELS = ["card", "loan", "other", "cash"]
codes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30)


def choice_of(*expected, labels=LABELS):
    (found,) = choices(rows_expecting(*expected), {"answer": labels}, is_json=False)
    return found


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("loan", "loan"),
        (" Loan.\n", "loan"),
        ('"LOAN"', "loan"),
        ("`loan`", "loan"),
        ("a loan", None),
        ("", None),
        ("loan, card", None),
        ("loans", None),
    ],
)
def test_a_label_may_differ_in_capitals_and_marks_around_it(answer, label):
    choice = choice_of("card", "loan")
    (code,) = answered_codes(choice, [answer], is_json=False)
    assert code == (choice.other if label is None else LABELS.index(label))


def test_labels_that_differ_in_capitals_alone_must_be_met_exactly():
    choice = choice_of("US", labels=["US", "us", "them"])
    assert answered_codes(choice, ["US", "us\n", "Us", "THEM"], is_json=False).tolist() == [0, 1, choice.other, 2]


def test_fields_of_an_object_are_read_as_json_means_them():
    rows = rows_expecting('{"n": 1, "s": "a", "free": "x"}', '{"n": true, "s": ["a"], "free": "y"}')
    number, text = choices(rows, {"n": [1, True, None], "s": ["a", ["a"]]}, is_json=True)
    assert (number.expected.tolist(), text.expected.tolist()) == ([0, 1], [0, 1])
    said = ['{"n": 1.0, "s": "A"}', '```json\n{"n": null, "s": ["a"]}\n```', "no JSON", '{"s": {"a": 1}}', '{"n": "1"}']
    assert answered_codes(number, said, is_json=True).tolist() == [0, 2, 3, 3, 3]
    assert answered_codes(text, said, is_json=True).tolist() == [0, 1, 2, 2, 2]


def test_a_label_that_the_datasheet_does_not_know_is_no_zero():
    with pytest.raises(TinsmithError, match=r"a label of `answer` that the datasheet does not know; run the prepare"):
        choice_of("card", "house")


def test_free_answers_and_a_single_label_are_refused():
    with pytest.raises(TinsmithError, match="accuracy judges labels, but no field"):
        check_labels([], "accuracy")
    with pytest.raises(TinsmithError, match="macro_f1: the judged rows expect one label only"):
        check_labels([choice_of("card", "card")], "macro_f1")
    check_labels([choice_of("card", "loan"), choice_of("card", "card")], "macro_f1")


def arrays(pairs):
    expected, answered = np.array(pairs, dtype=np.intp).T
    return expected, answered


@settings(deadline=None)
@given(codes)
def test_macro_f1_is_scikit_learns_of_the_labels_that_occur(pairs):
    expected, answered = arrays(pairs)
    found = macro_f1([expected], [answered], [4])(np.arange(len(pairs)))
    known = sorted(set(expected.tolist()) | set(answered.tolist()) - {4})
    assert found == pytest.approx(f1_score(expected, answered, labels=known, average="macro", zero_division=0))
    assert found == pytest.approx(f1_score(expected, answered, labels=range(4), average="macro", zero_division=np.nan))


@settings(deadline=None)
@given(codes, st.randoms(use_true_random=False))
def test_macro_f1_stays_between_zero_and_one_whatever_the_order(pairs, random):
    expected, answered = arrays(pairs)
    figure = macro_f1([expected, expected], [answered, expected], [4, 4])
    places = np.arange(len(pairs))
    shuffled = places.tolist()
    random.shuffle(shuffled)
    assert figure(places) == pytest.approx(figure(np.array(shuffled)))
    assert 0.5 <= figure(places) <= 1
    assert macro_f1([expected], [expected], [4])(places) == 1


@settings(deadline=None)
@given(codes)
def test_accuracy_and_confusion_are_scikit_learns(pairs):
    expected, answered = arrays(pairs)
    assert accuracy([expected], [answered]).mean() == pytest.approx(accuracy_score(expected, answered))
    choice = choice_of(*(LABELS[code] for code in expected))
    found = confusion(choice, answered)
    shown = [LABELS.index(label) for label in found["labels"]]
    whole = confusion_matrix(expected, answered, labels=range(5))
    assert found["counts"] == whole[np.ix_(shown, shown)].tolist()
    assert found["other"] == whole[shown, 4].tolist()
    assert np.sum(found["counts"]) + np.sum(found["other"]) == len(pairs)


def test_accuracy_of_an_object_is_the_share_of_its_fields():
    rows = rows_expecting('{"a": 1, "b": 2}', '{"a": 2, "b": 1}')
    fields = choices(rows, {"a": [1, 2], "b": [1, 2]}, is_json=True)
    answered = [
        answered_codes(field, ['{"a": 1, "b": 1}', json.dumps({"a": 2, "b": 1})], is_json=True) for field in fields
    ]
    assert accuracy([field.expected for field in fields], answered).tolist() == [0.5, 1]
