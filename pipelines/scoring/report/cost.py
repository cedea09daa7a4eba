"""What each stage took and cost, and all of them together."""

from typing import NamedTuple

from pipelines.scoring.report.reports import Json, Reports, Section

# In the order of the walk.
STAGES = (
    *("resolve", "collect", "ingest", "prepare", "train", "export", "baseline"),
    *("ability", "safety", "evaluate", "report", "register"),
)


class Spent(NamedTuple):
    """What one stage took: seconds, bytes at its peak, money; `share` is of the longest stage's time."""

    stage: str
    seconds: float
    peak_memory_bytes: int
    cost: float
    share: float


def cost(reports: Reports) -> Section | None:
    """By stage, in the order of the walk."""
    if not reports.timing:
        return None
    return Section("Cost", "cost", spending(reports))


def spending(reports: Reports) -> Json:
    """`stages`, `total`, `currency` and `machines`; a stage that runs once for each source is added up."""
    notes: dict[str, list[Json]] = {}
    for file, note in reports.timing.items():
        notes.setdefault(file.partition("-")[0], []).append(note)
    known = [*(stage for stage in STAGES if stage in notes), *sorted(set(notes) - set(STAGES))]
    longest = max(sum(note["seconds"] for note in found) for found in notes.values()) or 1.0
    stages = [_spent(stage, notes[stage], longest) for stage in known]
    everything = [note for found in notes.values() for note in found]
    return {
        "stages": stages,
        "total": _spent("in all", everything, longest),
        "currency": ", ".join(sorted({note["currency"] for note in everything})),
        "machines": sorted({note["machine"] for note in everything}),
    }


def _spent(stage: str, notes: list[Json], longest: float) -> Spent:
    seconds = sum(note["seconds"] for note in notes)
    peak = max(note["peak_memory_bytes"] for note in notes)
    return Spent(stage, seconds, peak, sum(note["cost"] for note in notes), min(1.0, seconds / longest))
