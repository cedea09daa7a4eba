"""Which columns of a sample seem to be asked, which answered: guesses, for a person to mend."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.cli.column_draft import ColumnDraft
from pipelines.errors import TinsmithError

_LABEL_WORDS = frozenset(
    (
        "label",
        "category",
        "class",
        "classification",
        "intent",
        "product",
        "priority",
        "topic",
        "type",
        "department",
        "team",
        "severity",
        "sentiment",
        "urgency",
        "queue",
    )
)
_ANSWER_WORDS = frozenset(("answer", "response", "completion", "output", "reply", "target", "assistant", "summary"))
_TITLE_WORDS = frozenset(("subject", "title", "headline", "question"))
_GROUP_WORDS = frozenset(
    ("customer", "user", "account", "thread", "conversation", "session", "client", "patient", "member", "contact")
)
_MOST_ANSWERS = 5
_FEWEST_GROUPS = 50
_LARGEST_GROUP = 0.1


@dataclass(frozen=True)
class Roles:
    """Which columns are asked (`main` is their longest text), answered, and keep rows together; `key` names rows."""

    asked: list[ColumnDraft]
    main: ColumnDraft
    answered: list[ColumnDraft]
    groups: list[ColumnDraft]
    key: ColumnDraft | None


def guess_roles(columns: Sequence[ColumnDraft], sample_file: Path) -> Roles:
    """Guess by names and values; raises TinsmithError where no column is left to ask or to answer."""
    key = next((column for column in columns if column.is_unique_id), None)
    free = [column for column in columns if not column.personal and column is not key]
    answered = _answered(free)
    rest = [column for column in free if column not in answered]
    if not answered or not rest:
        raise TinsmithError(f"{sample_file}: needs a text and an answer beside personal and id columns; add a column")
    texts = [column for column in rest if column.logical_type == "string" and not column.is_id and not column.is_closed]
    # What was once replied is longer than the question, and not there yet when the model is asked.
    texts = [column for column in texts if not set(column.words) & _ANSWER_WORDS] or texts
    main = max(texts or rest, key=lambda column: column.mean_length)
    asked = [column for column in texts if column is main or set(column.words) & _TITLE_WORDS] or rest
    return Roles(asked, main, answered, [column for column in free if _keeps_together(column)], key)


def _answered(free: Sequence[ColumnDraft]) -> list[ColumnDraft]:
    labels = [column for column in free if set(column.words) & _LABEL_WORDS and column.could_be_label]
    texts = [column for column in free if set(column.words) & _ANSWER_WORDS]
    closed = [column for column in free if column.is_closed]
    return labels[:_MOST_ANSWERS] or texts[:1] or closed[-1:] or list(free[-1:])


def _keeps_together(column: ColumnDraft) -> bool:
    """Whether rows of one value belong to one person or thread, in enough small groups to be split."""
    if not set(column.words) & _GROUP_WORDS or column.is_unique_id or len(column.counts) < _FEWEST_GROUPS:
        return False
    return column.is_id and max(column.counts.values()) <= _LARGEST_GROUP * len(column.texts)
