"""A Sankey picture of rows that are kept and dropped, step by step, as SVG."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

Column = Sequence[tuple[str, int]]

_HEIGHT = 220  # of all rows, in pixels
_TOP = 26
_STEP = 170
_NODE = 10
_GAP = 15  # between nodes of a column, so that each has room for its words
_WORDS = 150


def sankey(columns: Sequence[Column]) -> str:
    """One picture, without scripts: `columns` are the steps, each a list of (words, rows).

    The first of a column goes on to the next, whose rows add up to it; so do those of the last column. Empty ones are
    left out.

    Raises:
        ValueError: a column does not add up to what goes on to it.
    """
    for before, after in pairwise(columns):
        if before[0][1] != sum(rows for _, rows in after):
            raise ValueError(f"{before[0][1]} rows go on from {before[0][0]!r}, but the next step has another number")
    scale = _HEIGHT / max(1, columns[0][0][1])
    bands, nodes = [], []
    bottom = 0.0
    for step, column in enumerate(columns):
        left, flow, place = step * _STEP, float(_TOP), float(_TOP)
        for number, (words, rows) in enumerate(column):
            if not rows and number:
                continue
            height, kept = max(1.0, rows * scale), number == 0 or step == len(columns) - 1
            kind = "kept" if kept else "dropped"
            if step:
                bands.append(_band(left - _STEP + _NODE, flow, left, place, height, kind))
            nodes.append(_node(left, place, height, kind, f"{words} {rows:,}"))
            flow += rows * scale
            place += height + _GAP
        bottom = max(bottom, place)
    width = (len(columns) - 1) * _STEP + _NODE + _WORDS
    return (
        f'<svg viewBox="0 0 {width} {bottom:.0f}" width="{width}" role="img" class="sankey" '
        'aria-label="rows kept and dropped, step by step">\n' + "\n".join([*bands, *nodes]) + "\n</svg>"
    )


def _band(left: float, top: float, right: float, place: float, height: float, kind: str) -> str:
    middle = (left + right) / 2
    upper = f"M{left:.0f},{top:.1f} C{middle:.0f},{top:.1f} {middle:.0f},{place:.1f} {right:.0f},{place:.1f}"
    low, below = place + height, top + height
    lower = f"V{low:.1f} C{middle:.0f},{low:.1f} {middle:.0f},{below:.1f} {left:.0f},{below:.1f} Z"
    return f'<path class="{kind}" d="{upper} {lower}"/>'


def _node(left: float, place: float, height: float, kind: str, words: str) -> str:
    box = f'<rect class="{kind}" x="{left}" y="{place:.1f}" width="{_NODE}" height="{height:.1f}"/>'
    # Words of a tall node stand above it, where the picture is empty; those of the others beside it.
    spot = (left, place - 6) if place == _TOP else (left + _NODE + 4, place + min(height / 2, 8) + 4)
    return f'{box}<text x="{spot[0]}" y="{spot[1]:.1f}">{escape(words)}</text>'
