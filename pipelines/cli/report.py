"""`tinsmith report`: one recipe's report, or one page over all recipes."""

import sys
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.files import write_text
from pipelines.paths import Paths
from pipelines.recipe_reader import checked_name, read_resolved
from pipelines.scoring.report.leaderboard import leaderboard_page
from pipelines.scoring.report.reports import read_reports
from pipelines.walk import recipe_files

INDEX = Path("reports") / "index.html"


def print_report(name: str) -> None:
    """Print the Markdown that the report stage wrote, and on stderr where the pages are.

    Raises:
        TinsmithError: the stage has not run.
    """
    paths = Paths(checked_name(name))
    markdown = paths.reports / "report.md"
    if not markdown.exists():
        raise TinsmithError(f"{markdown}: not there yet; run `dvc repro report@{name}` first")
    print(markdown.read_text(encoding="utf-8"), end="")
    with_rows = paths.work / "report.html"
    also = f"; {with_rows} also shows the rows (it holds data: keep it here)" if with_rows.exists() else ""
    print(f"the page: {paths.reports / 'report.html'}{also}", file=sys.stderr)


def write_leaderboard() -> None:
    """Write reports/index.html over all recipes that were evaluated, and say so.

    Raises:
        TinsmithError: none was.
    """
    recipes, unjudged = [], []
    for name in (file.stem for file in recipe_files()):
        paths = Paths(name)
        if not (paths.reports / "evaluation.json").exists():
            unjudged.append(name)
            continue
        recipe = read_resolved(name)
        recipes.append(read_reports(paths.reports, name, recipe.purpose, recipe.owner))
    if not recipes:
        raise TinsmithError("reports: no recipe is evaluated yet; run `dvc repro` first")
    write_text(INDEX, leaderboard_page(recipes, unjudged))
    print(f"{INDEX}: {len(recipes)} evaluated, {len(unjudged)} not yet")
