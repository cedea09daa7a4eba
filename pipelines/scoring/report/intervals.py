"""A picture of means with their intervals, one line each, under a heading for each group."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from pipelines.scoring.report.svg import WIDTH, Scale, circle, line, picture, text

_PLOT = (112, 300)
_ROW = 20
_HEADING = 22
_AXIS = 18


class Mark(NamedTuple):
    """One line of the picture; `kind` is `base` or `tuned`, without an interval it is a dot alone."""

    label: str
    kind: str
    value: float
    interval: Sequence[float] | None
    figure: str


class Group(NamedTuple):
    """The lines under one heading; without one they follow the lines before."""

    heading: str
    marks: Sequence[Mark]


def intervals_picture(
    title: str, groups: Sequence[Group], low: float, high: float, tick: Callable[[float], str]
) -> Markup:
    """All groups on one scale from `low` to `high`; `tick` writes a value of its axis."""
    scale = Scale(low, high, *_PLOT)
    rows, top = [], 4.0
    for group in groups:
        if group.heading:
            rows.append(text(0, top + 13, group.heading, "heading"))
            top += _HEADING
        for mark in group.marks:
            rows += _mark(mark, top + _ROW / 2, scale)
            top += _ROW
        top += 6 if group.heading else 0
    axis = []
    for value in scale.ticks():
        x = scale.place(value)
        axis += [
            line((x, 0), (x, top), "axis zero" if value == 0 and low < 0 else "axis"),
            text(x, top + 13, tick(value), "quiet", "middle"),
        ]
    told = "; ".join(
        " ".join(filter(None, [group.heading, mark.label, mark.figure])) for group in groups for mark in group.marks
    )
    return picture(top + _AXIS, f"{title}: {told}", [*axis, *rows])


def _mark(mark: Mark, y: float, scale: Scale) -> list[str]:
    kind = f"mark {mark.kind}"
    parts = [text(0, y + 4, _short(mark.label))]
    if mark.interval is not None:
        low, high = (scale.place(end) for end in mark.interval)
        parts.append(line((low, y), (high, y), kind))
        parts += [line((x, y - 4), (x, y + 4), kind) for x in (low, high)]
    return [*parts, circle(scale.place(mark.value), y, 4.5, kind), text(WIDTH, y + 4, mark.figure, "", "end")]


def _short(label: str) -> str:
    """What has room before the plot; the table beside the picture has the whole."""
    return label if len(label) <= 19 else f"{label[:18]}…"
