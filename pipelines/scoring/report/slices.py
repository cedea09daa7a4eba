"""Slices: where the tuned model is better or worse than its base, or than elsewhere, corrected for their number."""

from itertools import groupby

from pipelines.scoring.report.reports import Json, Reports, Section

_MOST_NAMED = 12  # in the list above the tables


def slices(reports: Reports) -> Section | None:
    """Every slice by column; those that changed, as far as the rows can tell, come first."""
    rows = [row for row in reports.evaluation.get("slices") or [] if row["slice"] != "all"]
    if not rows:
        return None
    view = {
        "changed": changed_slices(reports),
        "behind": slices_behind(reports),
        "held_against_others": any(row.get("gap") is not None for row in rows),
        "tables": _tables(rows),
        "most": _MOST_NAMED,
    }
    return Section("Slices", "slices", view)


def changed_slices(reports: Reports) -> list[Json]:
    """The slices that are better or worse after the correction, the worse ones first."""
    found = [row for row in reports.evaluation.get("slices") or [] if row["slice"] != "all" and row.get("finding")]
    return sorted(found, key=lambda row: (row["finding"] != "worse", row["difference"]))


def slices_behind(reports: Reports) -> list[Json]:
    """The slices on which the tuned model does worse than on all other rows, the farthest behind first."""
    # Evaluations from before this was measured know nothing of it.
    found = [row for row in reports.evaluation.get("slices") or [] if row.get("gap_finding") == "worse"]
    return sorted(found, key=lambda row: row["gap"])


def _tables(rows: list[Json]) -> list[tuple[str, str, list[Json]]]:
    """(column, metric, its rows), in the order of the recipe."""
    order: dict[tuple[str, str], list[Json]] = {}
    for (column, metric), found in groupby(rows, key=lambda row: (row["slice"], row["metric"])):
        order.setdefault((column, metric), []).extend(found)
    return [(column, metric, found) for (column, metric), found in order.items()]
