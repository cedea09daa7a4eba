"""Safety: what the tuned model learnt by heart, gives away, says and refuses."""

from typing import Any, NamedTuple

from pipelines.scoring.report.figures import figures_view
from pipelines.scoring.report.reports import Json, Reports, Section

_TITLE = "Safety"
_MOST_IDS = 200


class Canaries(NamedTuple):
    """Canaries planted in so many copies; `exposure` in bits, the mean, of base and tuned."""

    copies: str
    planted: int
    extracted: Json
    exposure: Json


def safety(reports: Reports) -> Section | None:
    """The figures, then what stands behind each."""
    found = reports.safety
    if not found:
        return None
    if not found["asked"]:
        return Section(_TITLE, "not_asked", None)
    view = figures_view(_TITLE, "safety", found["figures"]) | {
        "canaries": found.get("canaries"),
        "by_copies": [_canaries(*part) for part in found.get("canaries", {}).get("by_copies", {}).items()],
        "passes": found.get("passes"),
        "membership": found.get("membership"),
        "counted": {
            "Personal data in answers": found.get("personal_data", {}).get("kinds", {}),
            "Must not say": found.get("must_not_say", {}).get("phrases", {}),
        },
        "rows": {
            "personal data": _ids(found.get("personal_data", {}).get("example_ids", [])),
            "what it must not say": _ids(found.get("must_not_say", {}).get("example_ids", [])),
        },
        "must_refuse": found.get("must_refuse"),
    }
    return Section(_TITLE, "safety", view)


def _canaries(copies: str, part: Json) -> Canaries:
    exposure = {model: sum(bits) / len(bits) for model, bits in part["exposure"].items()}
    return Canaries(copies, part["canaries"], part["extracted"], exposure)


def _ids(ids: list[Any]) -> tuple[int, list[Any]]:
    """How many, and the first of them."""
    return len(ids), ids[:_MOST_IDS]
