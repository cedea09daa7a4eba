"""The few parts that pictures are drawn from, as SVG; colours are classes, so that the page's style chooses them."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from markupsafe import Markup

WIDTH = 360  # of every picture, in SVG units: about a CSS pixel each on a phone


class Scale(NamedTuple):
    """Where a value lies between `start` and `end`, in SVG units; on a logarithmic scale all values are positive."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """The coordinate of a value; one outside of the scale is put at its end."""
        low, high, value = (math.log(x) if self.logarithmic else x for x in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(share, 0), 1) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Some three to eight round values within the scale."""
        if self.logarithmic:
            return _powers(self.low, self.high)
        step = _round_step((self.high - self.low) / 3)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def picture(height: float, label: str, parts: Sequence[str]) -> Markup:
    """An image that reads itself out as `label`."""
    shape = f'viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(label)}"'
    return Markup(f"<svg {shape}>\n" + "\n".join(parts) + "\n</svg>")  # noqa: S704 (every part escapes its words)


def line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    """A straight line; `kind` is its class."""
    return f'<line class="{kind}" x1="{start[0]:g}" y1="{start[1]:g}" x2="{end[0]:g}" y2="{end[1]:g}"/>'


def path(points: Sequence[tuple[float, float]], kind: str) -> str:
    """A line through points."""
    return f'<polyline class="{kind}" points="{" ".join(f"{x:g},{y:g}" for x, y in points)}"/>'


def circle(x: float, y: float, radius: float, kind: str) -> str:
    """A dot."""
    return f'<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>'


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Words whose `anchor` (start, middle, end) lies at x."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _round_step(step: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= step * (1 + 1e-9))


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten within a scale, with 2 and 5 between them where these alone are few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
        found = [factor * 10.0**exponent for exponent in exponents for factor in factors]
        within = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(within) >= 3:
            return within
    return [low, high]
