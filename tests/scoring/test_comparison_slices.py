import csv
import io

import numpy as np
import pytest

from pipelines.scoring.comparison_slices import (
    INPUT_LENGTH,
    LABEL,
    OTHERS,
    column_slices,
    label_slices,
    length_slices,
    slice_rows,
    slices_csv,
    without_twins,
)


def scores(base, tuned):
    return {"exact_match": {"base": np.array(base, float), "tuned": np.array(tuned, float)}}


def test_slices_split_all_rows_by_value():
    parts = column_slices(
        ["product"], [{"product": "Card"}, {"product": "Loan"}, {"product": "Card"}, {"product": None}]
    )
    rows = slice_rows(parts, scores([0, 0, 1, 0], [1, 0, 1, 1]), {"exact_match": "base"})
    assert [(row.slice, row.value, row.rows, row.base, row.tuned, row.difference) for row in rows] == [
        ("product", "(empty)", 1, 0, 1, 1),
        ("product", "Card", 2, 0.5, 1, 0.5),
        ("product", "Loan", 1, 0, 0, 0),
    ]


def test_a_column_with_very_many_values_pools_the_rare_ones():
    parts = column_slices(["customer"], [{"customer": f"c{number % 60}"} for number in range(110)])
    assert len(parts) == 51
    assert sum(len(part.places) for part in parts) == 110
    assert next(len(part.places) for part in parts if part.value == OTHERS) == 10


def test_prompts_are_split_by_quartiles_of_their_length():
    parts = length_slices(list(range(100, 0, -1)))
    assert {part.slice for part in parts} == {INPUT_LENGTH}
    assert parts[0].value == "1 to 25 characters"
    assert [len(part.places) for part in parts] == [25] * 4
    assert sorted(np.concatenate([part.places for part in parts])) == list(range(100))


@pytest.mark.parametrize(("lengths", "slices"), [([7], 0), ([7] * 9, 0), ([7] * 9 + [8], 2), ([1, 2], 2)])
def test_prompts_of_one_length_are_no_slices(lengths, slices):
    assert len(length_slices(lengths)) == slices


def test_labels_are_slices_and_free_text_is_not():
    assert [(part.slice, part.value) for part in label_slices(["b", "a", "b"], ["answer"], is_json=False)] == [
        (LABEL, "a"),
        (LABEL, "b"),
    ]
    answers = ['{"product": "Card", "note": "x", "urgent": true}', '{"product": null, "note": "y", "urgent": false}']
    assert [part.value for part in label_slices(answers, ["product", "urgent"], is_json=True)] == [
        "product: (empty)",
        "product: Card",
        "urgent: False",
        "urgent: True",
    ]
    assert label_slices(["free", "text"], [], is_json=False) == []
    assert label_slices(["a", "a"], ["answer"], is_json=False) == []


def test_a_field_called_answer_brings_no_other_field_into_the_slices():
    answers = ['{"answer": "yes", "note": "free text of one"}', '{"answer": "no", "note": "free text of another"}']
    assert [part.value for part in label_slices(answers, ["answer"], is_json=True)] == ["answer: no", "answer: yes"]


def test_a_slice_is_a_finding_only_after_the_correction_for_all_of_them():
    """One slice of 20 has 7 wins of 7: p is 0.016, and more than 0.05 once it is one of many."""
    values = [{"shop": f"s{number // 8:02}"} for number in range(160)]
    tuned = np.zeros(160)
    tuned[:7] = 1
    parts = column_slices(["shop"], values)
    first, *others = slice_rows(parts, scores(np.zeros(160), tuned), {"exact_match": "base"})
    assert (first.p_value, first.finding) == (0.015625, None)
    assert first.p_corrected > 0.25
    assert first.interval[0] > 0
    assert {row.finding for row in others} == {None}
    alone = slice_rows(parts[:1], scores(np.zeros(160), tuned), {"exact_match": "base"})
    assert alone[0].finding == "better"
    worse = slice_rows(parts[:1], scores(tuned, np.zeros(160)), {"exact_match": "base"})
    assert worse[0].finding == "worse"


def test_the_correction_is_over_all_metrics_together():
    """6 wins of 6: p is 0.031, a finding where one metric is looked at, and none where it is one of two."""
    (part, *_) = column_slices(["shop"], [{"shop": "only"}] * 6)
    won = scores(np.zeros(6), np.ones(6))
    assert slice_rows([part], won, {"exact_match": "base"})[0].finding == "better"
    two = won | {"valid_json": won["exact_match"]}
    found = slice_rows([part], two, dict.fromkeys(two, "base"))
    assert [(row.p_corrected, row.finding) for row in found] == [(0.0625, None)] * 2


@pytest.mark.parametrize("right", [1.0, 0.9])
def test_a_slice_on_which_the_tuned_model_does_worse_than_elsewhere_is_found(right):
    """Though it is no worse there than its base; 0/1 scores and others."""
    values = [{"language": "de" if number % 4 == 0 else "en"} for number in range(120)]
    tuned = np.where(np.arange(120) % 4 == 0, np.arange(120) % 8 == 0, right)
    german, english = slice_rows(column_slices(["language"], values), scores(tuned, tuned), {"exact_match": "base"})
    assert (german.finding, english.finding) == (None, None)
    assert (german.tuned, german.rest, german.gap) == (0.5, right, pytest.approx(0.5 - right))
    assert (german.gap_finding, english.gap_finding) == ("worse", "better")
    assert german.gap_p_value <= german.gap_p_corrected < 0.05


def test_a_slice_of_all_rows_has_no_others_to_be_held_against():
    parts = column_slices(["shop"], [{"shop": "only"}] * 4)
    (row,) = slice_rows(parts, scores([0, 1, 0, 1], [1, 1, 1, 0]), {"exact_match": "base"})
    assert (row.rest, row.gap, row.gap_p_value, row.gap_p_corrected, row.gap_finding) == (None,) * 5


def test_without_a_difference_anywhere_hardly_any_table_has_a_finding():
    """By simulation, of three metrics with slices that overlap: at most 5% of tables may have one."""
    generator = np.random.default_rng(11)
    found = 0
    for _ in range(20):
        values = [{"shop": int(shop), "kind": int(shop) // 3} for shop in generator.integers(0, 9, 120)]
        exact, valid = ((generator.random((2, 120)) < share).astype(float) for share in (0.5, 0.9))
        measured = {
            name: dict(zip(("base", "tuned"), pair, strict=True))
            for name, pair in {"exact_match": exact, "valid_json": valid, "chrf": generator.random((2, 120))}.items()
        }
        parts = [*column_slices(["shop", "kind"], values), *length_slices(generator.integers(10, 500, 120).tolist())]
        rows = slice_rows(parts, measured, dict.fromkeys(measured, "base"))
        found += any(row.finding or row.gap_finding for row in rows)
    assert found <= 2


def test_a_metric_of_the_whole_set_is_nothing_within_a_label():
    right = np.array([0, 1, 1, 0, 1, 1], float)
    whole = {"macro_f1": {"base": lambda _: 0.5, "tuned": lambda places: float(right[places].mean())}}
    parts = [
        *column_slices(["shop"], [{"shop": n % 2} for n in range(6)]),
        *label_slices(list("abcabc"), ["answer"], is_json=False),
    ]
    rows = slice_rows(parts, whole, {"macro_f1": "base"})
    assert [(row.slice, row.value, row.tuned) for row in rows] == [("shop", "0", 0.666667), ("shop", "1", 0.666667)]
    assert {row.gap for row in rows} == {None}


def test_the_table_survives_commas_and_quotes_and_has_the_interval_in_two_columns():
    parts = column_slices(["shop"], [{"shop": 'a "b", c'}, {"shop": "d"}])
    (first, second) = csv.DictReader(
        io.StringIO(slices_csv(slice_rows(parts, scores([0, 1], [1, 1]), {"exact_match": "base"})))
    )
    assert first["value"] == 'a "b", c'
    assert float(first["low"]) < float(first["difference"]) <= float(first["high"])
    assert (second["finding"], second["p_corrected"]) == ("", "1.0")


def test_a_column_that_is_the_answer_is_no_slice_besides_the_labels():
    labels = label_slices(list("abca"), ["answer"], is_json=False)
    columns = column_slices(["kind", "shop"], [{"kind": kind, "shop": "x"} for kind in "ABCA"])
    assert [(part.slice, part.value) for part in without_twins(columns, labels)] == [("shop", "x")]
