from dataclasses import replace

from pipelines.scoring.report.confusion import OTHER, confusion
from pipelines.scoring.report.reports import Reports


def of(reports: Reports, **fields) -> list[dict]:
    return confusion(replace(reports, evaluation=reports.evaluation | {"confusion": fields})).view


def test_a_cell_is_as_warm_as_its_share_of_the_rows_that_expect_it(full):
    (matrix,) = of(full, answer={"labels": ["a", "b"], "counts": [[3, 1], [0, 0]], "other": [4, 0]})
    assert [cell.heat for cell in matrix["cells"][0]] == [3 / 8, 1 / 8, 4 / 8]
    assert [cell.right for cell in matrix["cells"][0]] == [True, False, False]
    assert [cell.heat for cell in matrix["cells"][1]] == [0, 0, 0]
    assert (matrix["right"], matrix["rows"]) == (3, 8)
    assert matrix["answered"] == ["a", "b", OTHER]


def test_where_every_answer_is_a_label_there_is_no_column_for_others(full):
    (matrix,) = of(full, answer={"labels": ["a", "b"], "counts": [[3, 1], [0, 2]], "other": [0, 0]})
    assert matrix["answered"] == ["a", "b"]


def test_a_large_matrix_becomes_its_most_confused_pairs(full):
    labels = [f"intent {number}" for number in range(77)]
    counts = [[9 if row == column else 0 for column in range(77)] for row in range(77)]
    counts[4][7], counts[7][4], counts[0][76] = 5, 2, 3
    (matrix,) = of(full, intent={"labels": labels, "counts": counts, "other": [0] * 75 + [1, 0]})
    assert matrix["cells"] is None
    told = [(pair.expected, pair.answered, pair.rows) for pair in matrix["pairs"]]
    assert told == [
        ("intent 4", "intent 7", 5),
        ("intent 0", "intent 76", 3),
        ("intent 7", "intent 4", 2),
        ("intent 75", OTHER, 1),
    ]


def test_a_task_without_labels_has_no_matrix(full):
    assert confusion(replace(full, evaluation=full.evaluation | {"confusion": None})) is None
