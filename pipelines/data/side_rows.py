"""The rows of a split as the later stages read them, however many there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.data.tokenizing import stored_chat
from pipelines.parquet import batches_in

# How the ids of canaries begin (see canaries.py); no source's name holds a colon.
CANARY = "canaries:"


@dataclass(frozen=True)
class SideRows:
    """The rows of one of prepare's files, in order: read anew each time, a batch in memory at a time.

    Without `canaries`, those that prepare planted are left out.
    """

    path: Path
    canaries: bool = True

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each row with its `example_id`, `group`, `answer`, `prompt` (all messages before the answer) and `tools`."""
        for batch in batches_in(self.path):
            for row in batch.to_pylist():
                if not self.canaries and row["example_id"].startswith(CANARY):
                    continue
                (*prompt, _), tools = stored_chat(row)
                yield {**row, "prompt": prompt, "tools": tools}
