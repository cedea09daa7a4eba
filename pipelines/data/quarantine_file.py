"""The quarantine's file, as people look at it: which rows were refused, where they stand, and why."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipelines.errors import TinsmithError


class RefusedRow(NamedTuple):
    """A row of the quarantine; `source` is its file, `line` where it begins there, `raw` what it holds.

    `called` is the file as reports may call it: a document, which may be named after a person, by its alias.
    """

    source: str
    called: str
    line: int
    kind: str
    reasons: tuple[str, ...]
    raw: str

    @property
    def place(self) -> str:
        """Where to mend it, and why, for who may see the data."""
        return self._behind(self.source)

    @property
    def told_place(self) -> str:
        """Where to mend it, and why, without what it holds or a document's name."""
        return self._behind(self.called)

    def _behind(self, file: str) -> str:
        return f"{file}:{self.line}: {', '.join(self.reasons)}"


def refused_rows(path: Path) -> Iterator[RefusedRow]:
    """The rows of a quarantine, in its order; raises TinsmithError where there is none yet."""
    if not path.is_file():
        raise TinsmithError(f"{path}: not there yet; run `dvc repro ingest@{path.parent.name}` first")
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            entry = json.loads(line)
            source = entry["source"]
            called = f"{source.partition('/')[0]}/{entry['alias']}" if "alias" in entry else source
            yield RefusedRow(source, called, entry["line"], entry["kind"], tuple(entry["reasons"]), entry["raw"])


def counted_reasons(rows: Iterable[RefusedRow]) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """How many rows were refused of each kind, and of each file, as reports call it, for each of their reasons."""
    kinds: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    for row in rows:
        kinds[row.kind] += 1
        reasons.update((row.called, reason) for reason in row.reasons)
    return kinds, reasons
