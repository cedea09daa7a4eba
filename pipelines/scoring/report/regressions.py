"""Regressions: the rows that the base had right and the tuned model has wrong, by their ids."""

from pipelines.scoring.report.reports import Reports, Section

MOST_SHOWN = 200


def regressions(reports: Reports) -> Section | None:
    """By metric: all their number, and the first 200 ids."""
    found = reports.evaluation.get("regressions")
    if found is None:
        return None
    view = [(metric, len(ids), ids[:MOST_SHOWN]) for metric, ids in found.items()]
    return Section("Regressions", "regressions", {"metrics": view, "name": reports.name})
