"""Masking what is found in a row's text, and the row's personal columns."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.people import OwnValue, mask_word, own_values
from pipelines.data.privacy.rule import Span


@dataclass(frozen=True)
class Screened:
    """A row whose text is masked, and how often each kind was found in it.

    `personal` and `secrets` count what stood in free text; `whole` counts personal columns that were masked entirely.
    """

    row: dict[str, Any]
    personal: Counter[str]
    secrets: Counter[str]
    whole: Counter[str]


def screen_row(
    row: Mapping[str, Any], columns: Iterable[str], personal: Mapping[str, str], detector: Detector
) -> Screened:
    """Mask `columns` of a row: personal columns entirely, the other text where something is found in it.

    `personal` maps the contract's personal columns to their kind (name, email, phone, ...); their values are also
    looked for in the text of the row. Columns that are not in `columns` are left out of the result.
    """
    own = [found for column, kind in personal.items() for found in own_values(kind, row.get(column))]
    masked: dict[str, Any] = {}
    personal_found: Counter[str] = Counter()
    secrets: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for column in columns:
        value = row[column]
        if column in personal and value is not None:
            kind = mask_word(personal[column])
            masked[column] = f"[{kind}]"
            whole[kind] += 1
        elif isinstance(value, str):
            masked[column], spans = mask(value, detector, own)
            secrets.update(span.kind for span in spans if span.secret)
            personal_found.update(span.kind for span in spans if not span.secret)
        else:
            masked[column] = value
    return Screened(masked, personal_found, secrets, whole)


def mask(text: str, detector: Detector, own: Sequence[OwnValue] = ()) -> tuple[str, list[Span]]:
    """Replace everything that is found; gives the masked text, in which nothing more is found, and the spans.

    Spans found only after others were masked are positions in the text of that moment.
    """
    found: list[Span] = []
    while spans := detector.find(text, own):
        parts, end = [], 0
        for span in spans:
            parts += [text[end : span.start], span.mask]
            end = span.end
        text = "".join([*parts, text[end:]])
        found += spans
    return text, found
