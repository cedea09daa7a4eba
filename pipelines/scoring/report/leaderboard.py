"""One page over all recipes: whose model is proven, by how much, at what size, speed and cost."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from pipelines.scoring.report.cost import spending
from pipelines.scoring.report.page import environment
from pipelines.scoring.report.reports import Json, Reports, judged_entry, judged_metric
from pipelines.scoring.report.svg import Scale, circle, line, picture
from pipelines.scoring.report.verdict import WORDS
from pipelines.scoring.report.words import percent
from pipelines.scoring.variants import variant_name

_ORDER = ("pass", "not-enough-data", "fail")


class Standing(NamedTuple):
    """One recipe's line; `metric` is its first."""

    name: str
    purpose: str
    verdict: str
    word: str
    metric: str
    against: str
    base: float
    found: Json
    picture: Markup
    rows: int
    quant: str
    file: Json
    seconds: float
    cost: float
    currency: str


def leaderboard_page(recipes: Sequence[Reports], unjudged: Sequence[str]) -> str:
    """Passed ones first, then by the lower end of the difference; `unjudged` are named below the table.

    Links lead to each recipe's page beside it and nowhere else.
    """
    standings = sorted((_standing(reports) for reports in recipes), key=_place)
    template = environment().get_template("leaderboard.html.j2")
    return template.render(standings=standings, unjudged=unjudged)


def _place(standing: Standing) -> tuple[int, float, str]:
    return _ORDER.index(standing.verdict), -standing.found["interval"][0], standing.name


def _standing(reports: Reports) -> Standing:
    evaluation = reports.evaluation
    metric = judged_metric(reports)
    found = evaluation["metrics"][metric]
    base = found[found["compared_with"]]
    spent = spending(reports) if reports.timing else None
    return Standing(
        reports.name,
        reports.purpose,
        evaluation["verdict"],
        WORDS[evaluation["verdict"]],
        metric,
        variant_name(found["compared_with"]),
        base,
        found,
        _strip(base, found["tuned"], found["intervals"]["tuned"]),
        evaluation["rows"],
        evaluation["quant"],
        judged_entry(reports),
        spent["total"].seconds if spent else 0.0,
        spent["total"].cost if spent else 0.0,
        spent["currency"] if spent else "",
    )


def _strip(base: float, tuned: float, interval: Sequence[float]) -> Markup:
    """Base and tuned with its interval on one line from 0 to 1."""
    scale, y = Scale(0, 1, 8, 352), 16.0
    parts = [line((8, y), (352, y), "axis")]
    parts += [line((scale.place(share), y - 9), (scale.place(share), y + 9), "axis") for share in (0, 0.5, 1)]
    parts.append(line((scale.place(interval[0]), y), (scale.place(interval[1]), y), "mark tuned"))
    parts.append(circle(scale.place(base), y, 8, "mark base"))
    parts.append(circle(scale.place(tuned), y, 8, "mark tuned"))
    return picture(32, f"base {percent(base)}, tuned {percent(tuned)}", parts)
