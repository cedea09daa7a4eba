"""The quantisations: what each costs in quality and brings in size and speed."""

from collections.abc import Callable
from typing import Any, NamedTuple

from markupsafe import Markup

from pipelines.scoring.report.reports import Json, Reports, Section
from pipelines.scoring.report.svg import WIDTH, Scale, circle, line, picture, text
from pipelines.scoring.report.words import percent, plain, size

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 344, 24, 200
_LETTER = 6.2  # of the picture's words, on average


class Column(NamedTuple):
    """A column of the table: its key in export.json, its heading, and how a figure is written."""

    key: str
    heading: str
    written: Callable[[Any], str]


COLUMNS = (
    Column("bytes", "size", size),
    Column("perplexity", "perplexity", plain),
    Column("kl_mean", "KL, mean", plain),
    Column("kl_p99", "KL, 99%", plain),
    Column("top1", "top-1", percent),
    Column("prompt_tokens_per_second", "prompt tokens/s", lambda speed: f"{speed:,.0f}"),
    Column("decode_tokens_per_second", "decode tokens/s", lambda speed: f"{speed:,.0f}"),
)


def quants(reports: Reports) -> Section | None:
    """The table, the same on general text where that was measured, and the picture of size against KL."""
    found: Json = reports.export.get("quants", {})
    if not found:
        return None
    general = {name: quant["general"] for name, quant in found.items() if quant.get("general")}
    view = {
        "columns": columns_of(found),
        "rows": found,
        "judged": reports.evaluation["quant"],
        "sixteen_bit": reports.export.get("sixteen_bit"),
        "imatrix": reports.export.get("imatrix"),
        "measured_on": reports.export.get("measured_on"),
        "tolerance": (reports.export.get("parity", {}).get("limits") or {}).get("quants"),
        "refused": reports.export.get("refused") or {},
        "general": general,
        "general_columns": columns_of(general),
        "picture": _size_against_kl(found, reports.evaluation["quant"]),
    }
    return Section("Quantisations", "quants", view)


def columns_of(found: Json) -> list[Column]:
    """The columns of which any row has a figure."""
    return [column for column in COLUMNS if any(row.get(column.key) is not None for row in found.values())]


def _size_against_kl(found: Json, judged: str) -> Markup | None:
    drawn = {name: quant for name, quant in found.items() if quant.get("kl_mean") is not None and quant["kl_mean"] > 0}
    if len(drawn) < 2:
        return None
    sizes = [quant["bytes"] / 2**20 for quant in drawn.values()]
    losses = [quant["kl_mean"] for quant in drawn.values()]
    margin = (max(sizes) - min(sizes)) * 0.2 or 1
    across = Scale(min(sizes) - margin, max(sizes) + margin, _LEFT, _RIGHT)
    up = Scale(min(losses) / 1.5, max(losses) * 1.5, _BOTTOM, _TOP, logarithmic=True)
    parts = [text(0, 12, "KL to 16 bits, mean (logarithmic)", "quiet")]
    for tick in up.ticks():
        parts.append(line((_LEFT, up.place(tick)), (_RIGHT, up.place(tick)), "axis"))
        parts.append(text(_LEFT - 6, up.place(tick) + 4, f"{tick:g}", "quiet", "end"))
    for tick in across.ticks():
        parts.append(line((across.place(tick), _TOP), (across.place(tick), _BOTTOM), "axis"))
        parts.append(text(across.place(tick), _BOTTOM + 14, f"{tick:,.0f}", "quiet", "middle"))
    parts.append(text(_RIGHT, _BOTTOM + 29, "size, MiB", "quiet", "end"))
    dots = {name: (across.place(quant["bytes"] / 2**20), up.place(quant["kl_mean"])) for name, quant in drawn.items()}
    parts += [circle(x, y, 5, "dot tuned" if name == judged else "dot base") for name, (x, y) in dots.items()]
    parts += _labels(dots, judged)
    told = "; ".join(f"{name} {size(quant['bytes'])}, KL {plain(quant['kl_mean'])}" for name, quant in drawn.items())
    return picture(_BOTTOM + 36, f"Size against KL: {told}", parts)


def _labels(dots: dict[str, tuple[float, float]], judged: str) -> list[str]:
    """Each name beside its dot, at the first place where it lies on no other name and no dot."""
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in dots.values()]
    parts = []
    for name, (x, y) in dots.items():
        wide = len(name) * _LETTER
        places = [(x + 8, y + 4), (x - 8 - wide, y + 4), (x - wide / 2, y - 9), (x - wide / 2, y + 17)]
        places += [(x + 8, y + shift) for shift in (-8, 16, -20, 28)]
        free = [place for place in places if _is_free(place, wide, taken)]
        left, bottom = (free or places)[0]
        taken.append((left, bottom - 9, left + wide, bottom + 2))
        parts.append(text(round(left, 1), bottom, name, "strong" if name == judged else ""))
    return parts


def _is_free(place: tuple[float, float], wide: float, taken: list[tuple[float, float, float, float]]) -> bool:
    left, bottom = place
    if left < _LEFT or left + wide > WIDTH:
        return False
    return not any(
        left < right and left + wide > start and bottom - 9 < end and bottom + 2 > top
        for start, top, right, end in taken
    )
