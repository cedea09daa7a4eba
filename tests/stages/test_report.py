from pathlib import Path

import pytest

from pipelines.errors import TinsmithError
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.report import report
from tests.scoring.report.full_evaluation import SECRET_WORD
from tests.scoring.report.full_reports import NAME, write_full, write_minimal

RECIPE = Path(__file__).parents[2] / "recipes" / "support_triage.yaml"


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    found = read_recipe(RECIPE)
    monkeypatch.chdir(tmp_path)
    return found.model_copy(update={"name": NAME})


def test_pages_and_markdown_are_written_and_only_the_page_in_work_shows_rows(recipe):
    write_full(Path())
    paths = Paths(NAME)
    report(recipe, paths)
    committed = [(paths.reports / name).read_text() for name in ("report.html", "report.md")]
    assert all(SECRET_WORD not in text for text in committed)
    with_rows = (paths.work / "report.html").read_text()
    assert SECRET_WORD in with_rows
    assert 'id="side-by-side"' in with_rows
    assert "quarantined 65" in committed[0]


def test_a_walk_that_asked_for_nothing_has_its_pages_too(recipe):
    write_minimal(Path())
    report(recipe, Paths(NAME))
    assert "claims: Pass" in (Paths(NAME).reports / "report.md").read_text()
    assert (Paths(NAME).work / "report.html").exists()


def test_before_evaluate_there_is_nothing_to_report(recipe):
    with pytest.raises(TinsmithError, match="not there yet"):
        report(recipe, Paths(NAME))
