"""Base against tuned: every variant with its interval, the differences, and rows won and lost."""

from typing import Any

from pipelines.scoring.report.intervals import Group, Mark, intervals_picture
from pipelines.scoring.report.reports import Json, Reports, Section
from pipelines.scoring.report.words import percent, points
from pipelines.scoring.variants import variant_name

TUNED = "tuned"


def comparison(reports: Reports) -> Section:
    """Means and differences of every metric; what the test could not have seen is said."""
    evaluation = reports.evaluation
    metrics: Json = evaluation["metrics"]
    variants = [*(name for name in _variants(metrics) if name != TUNED), TUNED]
    view = {
        "metrics": metrics,
        "variants": variants,
        "asked": evaluation.get("variants") or {},
        "means": _means(metrics, variants),
        "differences": _differences(metrics),
        "unseen": [(metric, found) for metric, found in metrics.items() if _too_small(found)],
        "sees": any(found.get("smallest_difference") is not None for found in metrics.values()),
        "tested": any(found.get("p_value") is not None for found in metrics.values()),
        "counted": {metric: found for metric, found in metrics.items() if found.get("wins") is not None},
        "rows": evaluation["rows"],
        "unanswered": {name: len(ids) for name, ids in evaluation.get("unanswered", {}).items() if ids},
        "perplexity": evaluation.get("perplexity"),
        "refusals": evaluation.get("refusals"),
        "judge": {key: value for key, value in (evaluation.get("judge") or {}).items() if _told(value)},
    }
    return Section("Base against tuned", "comparison", view)


def _variants(metrics: Json) -> list[str]:
    """Those that any metric has a mean of, in the order of evaluation.json."""
    names = [name for found in metrics.values() for name in found["intervals"] if found.get(name) is not None]
    return list(dict.fromkeys(names))


def _too_small(found: Json) -> bool:
    """Whether the test is too small to see a difference like the one it found."""
    smallest = found.get("smallest_difference")
    return smallest is not None and abs(found["difference"]) < smallest


def _means(metrics: Json, variants: list[str]) -> str:
    groups = [
        Group(
            metric,
            [
                Mark(
                    variant_name(name),
                    TUNED if name == TUNED else "base",
                    found[name],
                    found["intervals"].get(name),
                    percent(found[name]),
                )
                for name in variants
                if found.get(name) is not None
            ],
        )
        for metric, found in metrics.items()
    ]
    return intervals_picture("Means and intervals", groups, 0, 1, lambda share: f"{share * 100:.0f}%")


def _differences(metrics: Json) -> str:
    marks = [
        Mark(metric, TUNED, found["difference"], found["interval"], points(found["difference"]))
        for metric, found in metrics.items()
    ]
    ends = [end for found in metrics.values() for end in found["interval"]]
    low, high = min(0.0, *ends), max(0.0, *ends)
    wide = max(high - low, 0.1)
    low, high = (low - wide * 0.08 if low < 0 else 0.0), high + wide * 0.08
    title = "Differences to the best of the base's variants, in points"
    return intervals_picture(title, [Group("", marks)], low, high, lambda share: f"{share * 100:.3g}")


def _told(value: Any) -> bool:
    return isinstance(value, str | int | float)
