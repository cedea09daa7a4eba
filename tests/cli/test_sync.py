from pathlib import Path

import pytest

from pipelines import strict_yaml


def test_sync_says_what_changed_and_then_that_nothing_did(tinsmith, good_recipe):
    text = good_recipe.read_text()
    Path("recipes/added.yaml").write_text(text.replace("name: tickets", "name: added"))
    good_recipe.write_text(text.replace("data/*.csv", "data/tickets.csv"))
    code, out, _ = tinsmith("sync")
    assert (code, out) == (0, "params.yaml: added added; changed tickets (2 recipes)\n")
    assert strict_yaml.load(Path("params.yaml")).value["sources"]["tickets-tickets"]["path"] == "data/tickets.csv"
    assert tinsmith("sync")[1] == "params.yaml: up to date (2 recipes)\n"


def test_a_recipe_that_went_is_told(tinsmith, good_recipe):
    good_recipe.unlink()
    assert tinsmith("sync")[1] == "params.yaml: removed tickets (0 recipes)\n"


@pytest.mark.usefixtures("good_recipe")
def test_a_broken_recipe_leaves_params_as_they_were(tinsmith):
    before = Path("params.yaml").read_text()
    Path("recipes/broken.yaml").write_text("name: broken\n")
    code, _, err = tinsmith("sync")
    assert code == 2
    assert "recipes/broken.yaml:1: purpose: is missing" in err
    assert Path("params.yaml").read_text() == before
