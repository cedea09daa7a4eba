"""The columns by whose values results are shown apart, read from the rows as ingest left them.

Examples do not carry them, so that other slices change no example and train nothing anew. Nothing in them is masked,
and every value becomes a slice's name in committed reports: a column that might be free text is refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.data.contracts.columns import RECORD
from pipelines.data.labels import MOST_LABELS
from pipelines.data.rendering import json_value
from pipelines.errors import TinsmithError

LONGEST_VALUE = 100  # characters
_BATCH_ROWS = 1_000


def slice_values(accepted: Path, columns: Sequence[str], records: Sequence[str], recipe: Path) -> list[dict[str, Any]]:
    """The values of `columns` in each of `records`; `accepted` is the parquet file that ingest wrote.

    Raises:
        TinsmithError: a column has many different values or long ones, one line each.
    """
    reasons = {column: _why_not(accepted, column) for column in columns}
    if mistakes := [f"{recipe}: evaluate.slices: {column} {why}" for column, why in reasons.items() if why]:
        raise TinsmithError("\n".join(mistakes))
    table = pq.read_table(accepted, columns=[RECORD, *columns], filters=[(RECORD, "in", list(records))])
    by_record = {row.pop(RECORD): row for row in table.to_pylist()}
    return [{column: json_value(value) for column, value in by_record[record].items()} for record in records]


def _why_not(accepted: Path, column: str) -> str | None:
    """Why a column's values cannot name slices; what prepare takes for a closed list of labels can."""
    file, values = pq.ParquetFile(accepted), set[str]()
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[column]):
        values.update(str(json_value(value)) for value in batch.column(0).to_pylist())
        if any(len(value) > LONGEST_VALUE for value in values):
            return f"has values of more than {LONGEST_VALUE} characters, so it is free text; leave it out"
        if len(values) > MOST_LABELS:
            return f"has more than {MOST_LABELS} different values, so it may be free text; leave it out"
    rows = file.metadata.num_rows
    if 2 * len(values) > rows:
        return f"has {len(values)} different values in {rows} rows, so it may be free text; leave it out"
    return None
