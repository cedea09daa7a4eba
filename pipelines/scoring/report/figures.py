"""Figures of general ability and safety: base against tuned on what the recipe did not train for."""

from collections.abc import Callable
from typing import Any, NamedTuple

from markupsafe import Markup

from pipelines.scoring.report.intervals import Group, Mark, intervals_picture
from pipelines.scoring.report.reports import Json, Reports
from pipelines.scoring.report.words import percent, plain, points

# Figures that are no share of rows, by a part of their names: areas, and bits.
_PLAIN = ("auc", "exposure")


class Figure(NamedTuple):
    """A line of the table, written out; `finding` is better, worse or empty where the rows cannot tell."""

    name: str
    better: str
    rows: str
    base: str
    tuned: str
    interval: str
    difference: str
    difference_interval: str
    could_see: str
    finding: str


def worse_figures(reports: Reports) -> list[str]:
    """The dotted names of the figures that are worse than the base beyond its interval."""
    found: Json = {**reports.ability.get("figures", {}), **reports.safety.get("figures", {})}
    return [name for name, values in found.items() if finding(values) == "worse"]


def figures_view(title: str, name: str, found: Json) -> Json:
    """What figures.html.j2 shows of the `figures` of reports/<r>/<name>.json."""
    figures = [_figure(key.removeprefix(f"{name}."), values) for key, values in found.items()]
    return {"title": title, "figures": figures, "picture": _picture(title, name, found)}


def _figure(name: str, values: Json) -> Figure:
    written = _written(name, values)
    shares = written is percent
    signed: Callable[[Any], str] = points if shares else _plus
    low, high = values.get("difference_interval") or (None, None)
    return Figure(
        name.replace("_", " "),
        values["better"],
        plain(values.get("rows")),
        written(values.get("base")),
        written(values["tuned"]),
        _range(values.get("interval"), written),
        signed(values.get("difference")),
        "" if low is None else f"{signed(low)} to {signed(high)}",
        written(values.get("smallest_difference")),
        finding(values),
    )


def finding(values: Json) -> str:
    """better or worse where the whole interval of the difference says so."""
    interval = values.get("difference_interval")
    if interval is None or interval[0] <= 0 <= interval[1]:
        return ""
    return "better" if (interval[0] > 0) == (values["better"] == "higher") else "worse"


def _picture(title: str, name: str, found: Json) -> Markup | None:
    """Of the shares alone, since counts have no common scale with them."""
    shares = {key: values for key, values in found.items() if _written(key, values) is percent}
    if not shares:
        return None
    groups = [
        Group(key.removeprefix(f"{name}.").replace("_", " "), list(_marks(values))) for key, values in shares.items()
    ]
    return intervals_picture(title, groups, 0, 1, lambda share: f"{share * 100:.0f}%")


def _marks(values: Json) -> list[Mark]:
    tuned = Mark("tuned", "tuned", values["tuned"], values.get("interval"), percent(values["tuned"]))
    if values.get("base") is None:
        return [tuned]
    return [Mark("base", "base", values["base"], values.get("base_interval"), percent(values["base"])), tuned]


def _written(name: str, values: Json) -> Callable[[Any], str]:
    """A share of rows as percent; a count, or what is no share, as it is."""
    known = [values[key] for key in ("base", "tuned") if values.get(key) is not None]
    is_share = all(isinstance(value, float) and 0 <= value <= 1 for value in known) and not any(
        part in name for part in _PLAIN
    )
    return percent if is_share else plain


def _range(interval: Any, written: Callable[[Any], str]) -> str:
    return "" if interval is None else f"{written(interval[0])} to {written(interval[1])}"


def _plus(figure: Any) -> str:
    if figure is None:
        return "–"
    return f"+{plain(figure)}" if figure > 0 else plain(figure)
