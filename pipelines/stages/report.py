"""report: what the other stages found, as pages for people and as Markdown for pull requests.

Reads the JSON reports and loss.csv of a recipe, and work/<r>/answers.jsonl. Writes reports/<r>/report.html and
report.md, which hold no row's text, and work/<r>/report.html, the same page with the rows side by side.
"""

from dataclasses import replace

from pipelines.data.datasheet import balance
from pipelines.files import write_text
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe
from pipelines.scoring.report.page import report_markdown, report_page
from pipelines.scoring.report.reports import read_reports
from pipelines.scoring.report.side_by_side import side_by_side
from pipelines.stage_runner import run


def report(recipe: Recipe, paths: Paths) -> None:
    """Write the two pages and the Markdown; raises TinsmithError where the recipe is not evaluated yet."""
    found = read_reports(paths.reports, recipe.name, recipe.purpose, recipe.owner)
    check_made("evaluate", recipe.name, paths.work / "answers.jsonl")
    if found.datasheet and found.ingest:
        found = replace(found, row_steps=balance(found.datasheet, found.ingest))
    rows = side_by_side(paths.work / "answers.jsonl", found)
    write_text(paths.reports / "report.html", report_page(found))
    write_text(paths.reports / "report.md", report_markdown(found))
    write_text(paths.work / "report.html", report_page(found, rows))


if __name__ == "__main__":
    run(report)
