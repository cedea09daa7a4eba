"""Figures and names as people read them, in pages and in Markdown."""

from typing import Any

from pipelines.scoring.variants import variant_name


def percent(share: float | None) -> str:
    """0.2534 as 25.3%."""
    return "–" if share is None else f"{share * 100:.1f}%"


def hundredths(share: float | None) -> str:
    """0.2534 as 25.3, below a heading that says percent."""
    return "–" if share is None else f"{share * 100:.1f}"


def points(difference: float | None) -> str:
    """0.2534 as +25.3, in percentage points."""
    return "–" if difference is None else _signed(f"{difference * 100:+.1f}")


def hundredths_range(interval: Any) -> str:
    """[0.17, 0.34] as 17.0 to 34.0."""
    return "" if interval is None else f"{hundredths(interval[0])} to {hundredths(interval[1])}"


def points_range(interval: Any) -> str:
    """[0.17, 0.34] as +17.0 to +34.0."""
    return "" if interval is None else f"{points(interval[0])} to {points(interval[1])}"


def plain(figure: float | None) -> str:
    """A count with its thousands apart, any other number with four digits that mean something."""
    if figure is None:
        return "–"
    if isinstance(figure, int):
        return f"{figure:,}"
    return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.4g}"


def plain_range(interval: Any) -> str:
    """[0.17, 0.34] as 0.17 to 0.34."""
    return "" if interval is None else f"{plain(interval[0])} to {plain(interval[1])}"


def probability(p_value: float | None) -> str:
    """A p-value; below 0.001 its size no longer matters."""
    if p_value is None:
        return "–"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def size(count: float) -> str:
    """Bytes as MiB or GiB."""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def duration(seconds: float) -> str:
    """Seconds as 4.1 s, 2:05 min or 3:10 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60) if seconds >= 3600 else seconds / 60
    if seconds >= 3600:
        return f"{minutes // 60:.0f}:{minutes % 60:02.0f} h"
    return f"{int(seconds // 60)}:{int(seconds % 60):02d} min"


def money(amount: float) -> str:
    """An amount with as many digits as it needs to be seen."""
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.4f}"


def markdown_cell(text: Any) -> str:
    """Text that neither ends a cell of a Markdown table nor becomes markup."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())


def _signed(figure: str) -> str:
    """With a minus as wide as the plus, and no sign before zero."""
    return figure[1:] if float(figure) == 0 else figure.replace("-", "−")


FILTERS = {
    made.__name__: made
    for made in (
        *(variant_name, percent, hundredths, points, hundredths_range, points_range, plain, plain_range),
        *(probability, size, duration, money, markdown_cell),
    )
}
