"""The slices as a table for plots and spreadsheets."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields

from pipelines.scoring.comparison import SliceRow


def slices_csv(rows: Sequence[SliceRow]) -> str:
    """CSV with a header, a line a row, its columns the fields of SliceRow."""
    text = io.StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(SliceRow)], lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(row) for row in rows)
    return text.getvalue()
