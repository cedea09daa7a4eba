"""What the columns of a sample seem to be: their types, closed lists, keys and personal data."""

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from pipelines.cli.sample import Sample, SampleColumn
from pipelines.data.contracts.contract import RECORD
from pipelines.data.contracts.personal import kind_by_name, words_of
from pipelines.data.contracts.values import typed
from pipelines.data.privacy.detector import PATTERN_KINDS, Detector

# The types of a CSV's text in the order tried, and those of each kind of JSON value; what is none of them is a string.
_TYPES = {
    frozenset[str](): ("integer", "number", "boolean", "timestamp", "date"),
    frozenset("n"): ("integer", "number"),
    frozenset("b"): ("boolean",),
    frozenset("s"): ("timestamp", "date"),
    frozenset("-"): (),
}
# Exports hold a few impossible dates; ingest refuses those rows. A number that is none is rather a code.
_WRONG_DATES = 0.02
_LONGEST_LABEL = 60
MOST_LABELS = 100
_MOST_LISTED = {"string": 20, "integer": 10}
# A value that comes less often may be a mistake, and may end up in the test split alone.
_OFTEN = 5
_COVERED = 0.95
_UNIQUE = 0.98
_LOOKED_AT = 200

_ID_WORDS = {"id", "uuid", "guid", "key", "number", "no", "nr", "num", "ref"}


@dataclass(frozen=True)
class ColumnDraft:
    """A column of the contract to be: `name` in the recipe, `source_name` in the file; `personal` its kind or None."""

    name: str
    source_name: str
    logical_type: str
    personal: str | None
    texts: list[str | None]

    @cached_property
    def given(self) -> list[str]:
        """The texts that are not empty."""
        return [text for text in self.texts if text is not None]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each text comes."""
        return Counter(self.given)

    @property
    def words(self) -> list[str]:
        """The words of its name in small letters, as customer and id in customerId."""
        return words_of(self.source_name)

    @property
    def mean_length(self) -> float:
        """Characters of the texts that are not empty, on average."""
        return sum(map(len, self.given)) / max(1, len(self.given))

    @property
    def is_id(self) -> bool:
        """Whether its name says that it identifies something."""
        return self.words[-1:] != [] and self.words[-1] in _ID_WORDS

    @property
    def is_unique_id(self) -> bool:
        """Whether it identifies the rows; a few copies are mistakes that ingest will refuse."""
        return self.is_id and not self.personal and len(self.counts) >= max(2, _UNIQUE * len(self.texts))

    @property
    def is_closed(self) -> bool:
        """Whether few values, each coming often, make up (nearly) all the column."""
        most = _MOST_LISTED.get(self.logical_type, 0)
        return not self.personal and 2 <= len(self.frequent) <= most and self._frequent_cover()

    @property
    def could_be_label(self) -> bool:
        """Whether its values are short and few enough to be answers to choose from."""
        few = 2 <= len(self.counts) <= MOST_LABELS and self.mean_length <= _LONGEST_LABEL
        return few and not self.personal and not self.is_id and self.logical_type in ("string", "integer", "boolean")

    @property
    def frequent(self) -> list[str]:
        """The values that come often enough to be meant, sorted."""
        return sorted(value for value, count in self.counts.items() if count >= _OFTEN)

    def listed(self, is_answer: bool) -> list[Any]:
        """The values that the contract will allow; none where it is no closed list."""
        as_label = is_answer and self.could_be_label and self._frequent_cover() and self.logical_type in _MOST_LISTED
        if not (self.is_closed or as_label):
            return []
        return sorted(map(int, self.frequent)) if self.logical_type == "integer" else list(self.frequent)

    def _frequent_cover(self) -> bool:
        return sum(self.counts[value] for value in self.frequent) >= _COVERED * max(1, len(self.given))


def draft_columns(sample: Sample) -> tuple[list[ColumnDraft], list[str]]:
    """The columns that a contract can hold, and the names of those it cannot (nested values, values of two types)."""
    drafts: list[ColumnDraft] = []
    left_out = []
    for column in sample.columns:
        candidates = _TYPES.get(column.kinds if column.kinds == {"-"} else column.kinds - {"-"})
        if candidates is None:
            left_out.append(column.name)
            continue
        logical_type = next((kind for kind in candidates if _is_of(kind, column.given)), "string")
        name = _free_name(column.name, {draft.name for draft in drafts})
        drafts.append(ColumnDraft(name, column.name, logical_type, _personal(column, logical_type), column.texts))
    return drafts, left_out


def _is_of(logical_type: str, texts: list[str]) -> bool:
    if not texts:
        return False
    query = f"SELECT count({typed(logical_type, 'text', {})}) FROM (SELECT unnest(?) AS text)"  # noqa: S608 (fixed words)
    found = duckdb.execute(query, [texts]).fetchone()
    assert found is not None
    wrong = len(texts) - found[0]
    return bool(wrong <= (_WRONG_DATES * len(texts) if logical_type in ("date", "timestamp") else 0))


def _free_name(source_name: str, taken: set[str]) -> str:
    """The column's own name, or the nearest that a template can hold and no other column has."""
    name = source_name
    if not name.isidentifier() or name == RECORD:
        plain = unicodedata.normalize("NFKC", source_name).lower()
        name = "".join(letter if f"a{letter}".isidentifier() else " " for letter in plain)
        name = "_".join(name.replace("_", " ").split())
        name = name if name.isidentifier() else f"column_{name}".rstrip("_")
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(other for other in numbered if other not in taken)


def _personal(column: SampleColumn, logical_type: str) -> str | None:
    """The kind that the column's name tells, or that half of its values are from end to end."""
    if kind := kind_by_name(column.name):
        return kind
    # A measure such as 250.1234 may look like a telephone number.
    looked_at = column.given[:_LOOKED_AT] if logical_type in ("string", "integer") else []
    kinds = Counter(kind for text in looked_at if (kind := _kind_of(text)))
    return next((kind for kind, count in kinds.most_common(1) if count * 2 >= len(looked_at)), None)


def _kind_of(text: str) -> str | None:
    """The kind of personal data that a text is as a whole."""
    spans = Detector().find(text)
    whole = len(spans) == 1 and (spans[0].start, spans[0].end) == (0, len(text))
    return spans[0].kind.lower() if whole and spans[0].kind in PATTERN_KINDS else None
