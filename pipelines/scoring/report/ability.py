"""General ability: what fine-tuning did to the rest of what the base could do."""

from pipelines.scoring.report.figures import figures_view
from pipelines.scoring.report.reports import Reports, Section

_TITLE = "General ability"


def ability(reports: Reports) -> Section | None:
    """Public benchmarks, base and tuned on the same rows."""
    if not reports.ability:
        return None
    if not reports.ability["asked"]:
        return Section(_TITLE, "not_asked", None)
    tasks = reports.ability.get("tasks", {})
    late = {name: len(task["unanswered"]["tuned"]) for name, task in tasks.items() if task["unanswered"]["tuned"]}
    return Section(_TITLE, "ability", figures_view(_TITLE, "ability", reports.ability["figures"]) | {"late": late})
