"""A recipe's report as a page and as Markdown, from its JSON reports alone: no row's text in either."""

import base64
import hashlib
from functools import cache

import jinja2

from pipelines.scoring.report.ability import ability
from pipelines.scoring.report.calibration import calibration
from pipelines.scoring.report.comparison import comparison
from pipelines.scoring.report.confusion import confusion
from pipelines.scoring.report.cost import cost
from pipelines.scoring.report.figures import worse_figures
from pipelines.scoring.report.lineage import lineage
from pipelines.scoring.report.loss import loss
from pipelines.scoring.report.parity import parity
from pipelines.scoring.report.quants import quants
from pipelines.scoring.report.regressions import regressions
from pipelines.scoring.report.reports import Reports, Section
from pipelines.scoring.report.safety import safety
from pipelines.scoring.report.side_by_side import SideBySide
from pipelines.scoring.report.slices import changed_slices, slices, slices_behind
from pipelines.scoring.report.verdict import WORDS, because, headline, rules
from pipelines.scoring.report.words import FILTERS

# In the order in which a reader wants them.
_SECTIONS = (
    *(rules, comparison, slices, confusion, calibration, regressions, ability, safety),
    *(quants, parity, loss, cost, lineage),
)


def report_page(reports: Reports, rows: SideBySide | None = None) -> str:
    """One self-contained HTML page, without links to elsewhere; with `rows` it shows what was asked and answered.

    Without rows it has no script; with them a few lines of its own, which only search in what is there.
    """
    script = environment().get_template("search.js.j2").render()
    # The page allows this one script, by its digest, and no other that a row's text might bring.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment().get_template("report.html.j2")
    return template.render(
        reports=reports,
        verdict=_verdict(reports),
        sections=_sections(reports),
        rows=rows,
        script=script,
        script_digest=f"sha256-{digest}",
    )


def report_markdown(reports: Reports) -> str:
    """The same, short, for a pull request: verdict, rules, metrics, quants, slices that changed, cost."""
    shown = {section.name: section.view for section in _sections(reports)}
    template = environment().get_template("report.md.j2")
    return template.render(
        reports=reports,
        verdict=_verdict(reports),
        shown=shown,
        changed=changed_slices(reports),
        behind=slices_behind(reports),
        worse=worse_figures(reports),
    )


def _verdict(reports: Reports) -> dict[str, str]:
    decided = reports.evaluation["verdict"]
    return {"is": decided, "word": WORDS[decided], "headline": headline(reports), "because": because(reports)}


def _sections(reports: Reports) -> list[Section]:
    made = (section(reports) for section in _SECTIONS)
    return [section for section in made if section is not None]


@cache
def environment() -> jinja2.Environment:
    """The templates beside this file; what is not Markdown is escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pipelines.scoring.report", "."),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",)),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    return made
