"""The evaluation as a page for people (report.html); no row's text in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from pipelines.scoring.comparison import TUNED, Comparison
from pipelines.scoring.comparison_slices import SliceRow
from pipelines.scoring.comparison_statistics import Interval
from pipelines.scoring.gate import FEWEST_ROWS, RuleResult, Verdict

_LABELS = {"base": "base", "base_few_shot": "base (few-shot)", TUNED: "tuned"}
_TEMPLATE = "report.html.j2"

# The chart's geometry in SVG units, about one CSS pixel each on a phone.
_LABEL_WIDTH = 96
_PLOT_WIDTH = 200
_ROW_HEIGHT = 22


@dataclass(frozen=True)
class Subject:
    """What was judged: the recipe's words, the base with its revision, and the file."""

    name: str
    purpose: str
    owner: str
    base: str
    quant: str
    gguf_sha256: str


@dataclass(frozen=True)
class Report:
    """All that the page shows; `unanswered` counts, by variant, the rows that got no answer."""

    subject: Subject
    verdict: Verdict
    rows: int
    comparisons: Mapping[str, Comparison]
    rules: Sequence[RuleResult]
    slices: Sequence[SliceRow]
    unanswered: Mapping[str, int]

    @property
    def headline(self) -> str:
        """The result in one sentence, about the first metric."""
        metric, first = next(iter(self.comparisons.items()))
        low, high = first.interval
        better = "better" if first.difference >= 0 else "worse"
        return (
            f"On {metric} the tuned model is {abs(first.difference) * 100:.1f} points {better} than its "
            f"{_LABELS.get(first.compared_with, first.compared_with)}: {percent(first.means[TUNED])} against "
            f"{percent(first.means[first.compared_with])} on {self.rows} test rows "
            f"(difference {points(low)} to {points(high)} with {first.confidence * 100:g}% confidence)."
        )


@dataclass(frozen=True)
class Mark:
    """One line of the chart: a mean with its interval, in SVG units."""

    label: str
    variant: str
    y: float
    x: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Chart:
    """One metric's chart."""

    metric: str
    height: float
    marks: Sequence[Mark]


def render(report: Report) -> str:
    """The report as one self-contained HTML page, without scripts or links to elsewhere."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, points=points, interval=_interval)
    return environment.get_template(_TEMPLATE).render(
        report=report,
        labels=_LABELS,
        charts=[_chart(metric, comparison) for metric, comparison in report.comparisons.items()],
        plot={"left": _LABEL_WIDTH, "width": _PLOT_WIDTH},
        fewest_rows=FEWEST_ROWS,
    )


def percent(share: float) -> str:
    """0.2534 as 25.3%."""
    return f"{share * 100:.1f}%"


def points(difference: float) -> str:
    """0.2534 as +25.3, in percentage points."""
    return f"{difference * 100:+.1f}"


def _interval(interval: Interval) -> str:
    return f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f}"


def _chart(metric: str, comparison: Comparison) -> Chart:
    marks = [
        Mark(
            label=_LABELS.get(variant, variant),
            variant=variant,
            y=_ROW_HEIGHT * (index + 0.5),
            x=_x(mean),
            low=_x(comparison.intervals[variant][0]),
            high=_x(comparison.intervals[variant][1]),
            text=percent(mean),
        )
        for index, (variant, mean) in enumerate(comparison.means.items())
    ]
    return Chart(metric, _ROW_HEIGHT * len(marks), marks)


def _x(share: float) -> float:
    return round(_LABEL_WIDTH + share * _PLOT_WIDTH, 1)
