"""The rows of a split as the later stages read them, however many there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_BATCH = 10_000


@dataclass(frozen=True)
class SideRows:
    """The rows of one of prepare's files, in order: read anew each time, a batch in memory at a time."""

    path: Path

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each row with its `example_id`, `group`, `prompt` and `answer`."""
        for batch in pq.ParquetFile(self.path).iter_batches(_BATCH):
            yield from batch.to_pylist()
