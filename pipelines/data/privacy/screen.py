"""What is done with the personal data and secrets of a row: masked, replaced by surrogates, or a reason to drop it.

Screening a row needs nothing but the row, so that rows can be screened side by side; surrogates are filled in
afterwards, row by row, since they depend on what was given before.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count
from typing import Any, NamedTuple

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.gazetteer import ordinary_words
from pipelines.data.privacy.people import OwnValue, own_values, value_kind
from pipelines.data.privacy.policy import Policy
from pipelines.data.privacy.rule import Span
from pipelines.data.privacy.surrogates import Surrogates
from pipelines.data.rendering import plain_text

Place = tuple[str | int, ...]


class Masked(NamedTuple):
    """The mask at `start` to `end` of a masked text stands for `value`, which is of a kind."""

    start: int
    end: int
    kind: str
    value: str


@dataclass(frozen=True)
class Screened:
    """A row whose text is masked, where the masks stand, and how often each kind was found.

    `masks` are by the place of a text: its column and, within a list or an object, the keys that lead to it.
    `personal` and `secrets` count what stood in free text; `whole` counts personal columns that were masked entirely.
    """

    row: dict[str, Any]
    masks: dict[Place, list[Masked]]
    personal: Counter[str]
    secrets: Counter[str]
    whole: Counter[str]


def screen_row(
    row: Mapping[str, Any], columns: Iterable[str], personal: Mapping[str, str], detector: Detector, policy: Policy
) -> Screened:
    """Mask `columns` of a row: personal columns entirely, other values where something is found in them.

    `personal` maps the contract's personal columns to their kind (NAME, EMAIL, PHONE, ...); their values are also
    looked for in the text of the row. Columns that are not in `columns` are left out of the result.
    """
    sought = {column: kind for column, kind in personal.items() if policy.column_action(kind) != "keep"}
    sought = {column: value_kind(kind, row.get(column)) for column, kind in sought.items()}
    own = [found for column, kind in sought.items() for found in own_values(kind, row.get(column))]
    screened = Screened({}, {}, Counter(), Counter(), Counter())
    for column in columns:
        value = row[column]
        if column in sought and value is not None:
            kind = sought[column]
            screened.row[column] = f"[{kind}]"
            screened.masks[column,] = [Masked(0, len(kind) + 2, kind, plain_text(value))]
            screened.whole[kind] += 1
        else:
            screened.row[column] = _screened_value(value, (column,), screened, detector, own)
    return screened


def _screened_value(value: Any, place: Place, screened: Screened, detector: Detector, own: Sequence[OwnValue]) -> Any:
    """A value with every text in it masked, and every number and time in whose shown form something is found.

    What was found is added to `screened`.
    """
    if isinstance(value, dict):
        masked: dict[str, Any] = {}
        for key, one in value.items():
            key = _screened_key(key, masked, screened, detector, own)
            masked[key] = _screened_value(one, (*place, key), screened, detector, own)
        return masked
    if isinstance(value, list):
        return [_screened_value(one, (*place, at), screened, detector, own) for at, one in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    is_text = isinstance(value, str)
    text, masks = mask(value if is_text else _searched(value), detector, own, prose=is_text)
    _count(masks, screened)
    if masks or is_text:
        screened.masks[place] = masks
        return text
    return value


def _searched(value: Any) -> str:
    """A number or a time as it is shown; of a fraction what stands before its point, as 555.0147 is no phone."""
    text = plain_text(value)
    return text.partition(".")[0] if isinstance(value, float | Decimal) else text


def _screened_key(
    key: str, taken: Mapping[str, Any], screened: Screened, detector: Detector, own: Sequence[OwnValue]
) -> str:
    """A key with a mask over what is found, and a number where that key is `taken`.

    Keys may be data, as in {"ann@example.com": 3}. One of ordinary words in small letters names a field: a customer
    called Card must not take `card_type` away. In camelCase nothing is a name that only prose tells.
    """
    if not ordinary_words().issuperset(filter(None, key.split("_"))):
        key, masks = mask(key, detector, own, prose=not key.isidentifier() or key.istitle())
        _count(masks, screened)
    return next(one for one in chain([key], (f"{key} {number}" for number in count(2))) if one not in taken)


def _count(masks: Sequence[Masked], screened: Screened) -> None:
    for one in masks:
        (screened.secrets if one.kind.islower() else screened.personal)[one.kind] += 1


def reason_to_drop(screened: Screened, policy: Policy) -> str | None:
    """`secret` or `personal` where a kind was found whose rows are dropped, else None."""
    if screened.secrets and policy.secrets == "drop_row":
        return "secret"
    return "personal" if any(policy.action(kind) == "drop_row" for kind in screened.personal) else None


def with_surrogates(screened: Screened, policy: Policy, surrogates: Surrogates) -> tuple[dict[str, Any], Counter[str]]:
    """The row with surrogates in place of the masks of every kind that is pseudonymised, and their number by kind.

    A mask stays where its value has no surrogate.
    """
    row, replaced = dict(screened.row), Counter[str]()
    for (*outer, last), masks in screened.masks.items():
        inside: Any = row
        for key in outer:
            inside = inside[key]
        for one in reversed(masks):
            if policy.action(one.kind) == "pseudonymise":
                instead = surrogates.surrogate(one.kind, one.value)
                if instead is not None:
                    inside[last] = f"{inside[last][: one.start]}{instead}{inside[last][one.end :]}"
                    replaced[one.kind] += 1
    return row, replaced


def mask(
    text: str, detector: Detector, own: Sequence[OwnValue] = (), *, prose: bool = True
) -> tuple[str, list[Masked]]:
    """Replace all that is found; gives the masked text, in which nothing more is found, and its masks in order."""
    masks: list[Masked] = []
    while spans := detector.find(text, own, prose=prose):
        text, masks = _masked(text, spans, masks)
    return text, masks


def _masked(text: str, spans: Sequence[Span], before: Sequence[Masked]) -> tuple[str, list[Masked]]:
    """One round: new masks over `spans`, and the earlier masks where they stand now; those within a span are gone."""
    parts: list[str] = []
    masks: list[Masked] = []
    place = length = 0
    kept = [one for one in before if not any(span.start < one.end and one.start < span.end for span in spans)]
    fresh = [(Masked(span.start, span.end, span.kind, text[span.start : span.end]), span.mask) for span in spans]
    for one, instead in sorted([*fresh, *((one, text[one.start : one.end]) for one in kept)]):
        length += one.start - place
        masks.append(Masked(length, length + len(instead), one.kind, one.value))
        parts += [text[place : one.start], instead]
        length += len(instead)
        place = one.end
    return "".join([*parts, text[place:]]), masks
