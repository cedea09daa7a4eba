"""No text of a row becomes the name of a slice."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.slice_columns import slice_values
from pipelines.errors import TinsmithError

RECIPE = Path("recipes/triage.yaml")


def accepted(tmp_path: Path, values: list) -> Path:
    file = tmp_path / "accepted.parquet"
    table = {"_record": [f"rows.csv:{number}" for number in range(len(values))], "part": values}
    pq.write_table(pa.table(table), file)
    return file


def test_values_come_in_the_order_of_the_records(tmp_path):
    file = accepted(tmp_path, ["Card", None, "Loan", "Card", None, "Loan"])
    found = slice_values(file, ["part"], ["rows.csv:2", "rows.csv:0", "rows.csv:1"], RECIPE)
    assert found == [{"part": "Loan"}, {"part": "Card"}, {"part": None}]
    assert slice_values(file, [], ["rows.csv:2"], RECIPE) == [{}]


def test_numbers_are_names_too(tmp_path):
    file = accepted(tmp_path, [Decimal("1.50"), Decimal("2.00")] * 2)
    assert len(slice_values(file, ["part"], ["rows.csv:0"], RECIPE)) == 1


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"Anna {number}" for number in range(150)] * 3, "has more than 100 different values, so it may be free text"),
        ([f"Anna {number}" for number in range(40)], "has 40 different values in 40 rows, so it may be free text"),
        (["Anna wrote a lot. " * 8] * 40, "has values of more than 100 characters, so it is free text"),
    ],
)
def test_what_may_be_free_text_is_refused_with_a_count_and_without_a_value(tmp_path, values, why):
    with pytest.raises(TinsmithError) as error:
        slice_values(accepted(tmp_path, values), ["part"], ["rows.csv:0"], RECIPE)
    assert str(error.value) == f"recipes/triage.yaml: evaluate.slices: part {why}; leave it out"
