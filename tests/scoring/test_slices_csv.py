import csv
import io

from pipelines.scoring.comparison import SliceRow
from pipelines.scoring.slices_csv import slices_csv

NASTY = 'a "quoted", and\nbroken = value'


def test_commas_quotes_and_lines_come_back():
    row = SliceRow("product", NASTY, 3, "exact_match", 0.25, 0.5)
    (read,) = csv.DictReader(io.StringIO(slices_csv([row])))
    assert list(read) == ["slice", "value", "rows", "metric", "base", "tuned"]
    assert (read["value"], read["tuned"]) == (NASTY, "0.5")
