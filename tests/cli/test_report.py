from pathlib import Path

import pytest

from pipelines.cli.report import INDEX
from pipelines.files import write_text
from tests.scoring.report.full_reports import write_full


@pytest.mark.usefixtures("good_recipe")
def test_the_markdown_is_printed_alone_and_the_pages_are_told_beside(tinsmith):
    write_text(Path("reports/tickets/report.md"), "## tickets: Pass\n")
    code, out, err = tinsmith("report", "tickets")
    assert (code, out) == (0, "## tickets: Pass\n")
    assert err == "the page: reports/tickets/report.html\n"
    write_text(Path("work/tickets/report.html"), "")
    assert "work/tickets/report.html also shows the rows" in tinsmith("report", "tickets")[2]


@pytest.mark.usefixtures("project")
def test_a_recipe_without_a_report_says_how_to_get_one(tinsmith):
    code, _, err = tinsmith("report", "tickets")
    assert (code, err) == (
        2,
        "error: reports/tickets/report.md: not there yet; run `dvc repro report@tickets` first\n",
    )


@pytest.mark.parametrize("words", [[], ["tickets", "--all"]])
def test_one_recipe_or_all_of_them(tinsmith, words):
    code, _, err = tinsmith("report", *words)
    assert code == 2
    assert "name one recipe, or say --all" in err


def test_all_recipes_make_one_page(tinsmith, good_recipe):
    write_text(Path("resolved/tickets.yaml"), good_recipe.read_text())
    write_text(Path("recipes/refunds.yaml"), "name: refunds\n")
    write_full(Path()).rename("reports/tickets")
    code, out, _ = tinsmith("report", "--all")
    assert (code, out) == (0, "reports/index.html: 1 evaluated, 1 not yet\n")
    page = INDEX.read_text()
    assert 'href="tickets/report.html"' in page
    assert "Tell the intent of a ticket." in page
    assert "Not evaluated yet: refunds." in page


@pytest.mark.usefixtures("good_recipe")
def test_without_any_evaluation_there_is_no_such_page(tinsmith):
    code, _, err = tinsmith("report", "--all")
    assert (code, err) == (2, "error: reports: no recipe is evaluated yet; run `dvc repro` first\n")
