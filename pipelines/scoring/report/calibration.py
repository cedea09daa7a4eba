"""Calibration: whether answers of which the model is sure are right as often as it is sure."""

from markupsafe import Markup

from pipelines.scoring.report.reports import Json, Reports, Section
from pipelines.scoring.report.svg import Scale, circle, line, path, picture, text
from pipelines.scoring.report.words import percent

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 250, 8, 218
_LARGEST = 9.0


def calibration(reports: Reports) -> Section | None:
    """The reliability diagram with its bins."""
    found = reports.evaluation.get("calibration")
    if not found:
        return None
    bins = [each for each in found["bins"] if each["rows"]]
    return Section("Calibration", "calibration", {"bins": bins, "ece": found["ece"], "picture": _diagram(bins)})


def _diagram(bins: list[Json]) -> Markup:
    across, up = Scale(0, 1, _LEFT, _RIGHT), Scale(0, 1, _BOTTOM, _TOP)
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = across.place(share), up.place(share)
        parts += [line((x, _TOP), (x, _BOTTOM), "axis"), line((_LEFT, y), (_RIGHT, y), "axis")]
        parts += [text(x, _BOTTOM + 14, f"{share:.0%}", "quiet", "middle")]
        parts += [text(_LEFT - 6, y + 4, f"{share:.0%}", "quiet", "end")]
    parts.append(line((_LEFT, _BOTTOM), (_RIGHT, _TOP), "ideal"))
    places = [(across.place(each["confidence"]), up.place(each["accuracy"])) for each in bins]
    parts.append(path(places, "curve tuned"))
    most = max((each["rows"] for each in bins), default=1)
    for (x, y), each in zip(places, bins, strict=True):
        parts.append(circle(x, y, round(2.5 + (_LARGEST - 2.5) * (each["rows"] / most) ** 0.5, 1), "dot tuned"))
    parts.append(text(_LEFT, _BOTTOM + 30, "how sure (across) and how often right (up)", "quiet"))
    told = "; ".join(
        f"{percent(each['confidence'])} sure, {percent(each['accuracy'])} right, {each['rows']} rows" for each in bins
    )
    return picture(_BOTTOM + 36, f"How sure against how often right: {told}", parts)
