from pathlib import Path

import pytest

from pipelines.errors import TinsmithError
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.recipe_reader import read_recipe, read_resolved
from pipelines.stages.resolve import resolve
from pipelines.walk import write_params

SHORT = """\
name: tickets
purpose: Route a ticket.
owner: team@example.com
data:
  sources:
    tickets: {contract: data_contracts/tickets.odcs.yaml, type: files, path: data/tickets.csv}
  example: {user: "{body}", assistant: "{intent}"}
model: {base: embedded:smollm2-135m-instruct}
register: {model: tickets}
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch) -> Recipe:
    monkeypatch.chdir(tmp_path)
    Path("recipes").mkdir()
    Path("recipes/tickets.yaml").write_text(SHORT)
    return read_recipe(Path("recipes/tickets.yaml"))


def test_every_default_is_written_out_and_means_the_same(recipe):
    write_params([recipe])
    resolve(recipe, Paths("tickets"))
    assert read_resolved("tickets") == recipe
    text = Path("resolved/tickets.yaml").read_text()
    for field in (
        "max_steps: null",
        "learning_rate: 0.001",
        "personal: mask",
        "quants:",
        "on_fail: report",
        "encoding: utf-8",
    ):
        assert field in text


def test_what_is_resolved_resolves_to_itself(recipe):
    write_params([recipe])
    resolve(recipe, Paths("tickets"))
    once = Path("resolved/tickets.yaml").read_text()
    resolve(read_resolved("tickets"), Paths("tickets"))
    assert Path("resolved/tickets.yaml").read_text() == once


@pytest.mark.parametrize("params", ["none", "without it", "with another source"])
def test_params_yaml_that_is_behind_stops_before_anything_is_written(recipe, params):
    if params == "without it":
        write_params([])
    elif params == "with another source":
        write_params([recipe])
        Path("params.yaml").write_text(Path("params.yaml").read_text().replace("data/tickets.csv", "data/old.csv"))
    with pytest.raises(TinsmithError, match=r"^params\.yaml: behind recipes/tickets\.yaml; run `tinsmith sync`"):
        resolve(recipe, Paths("tickets"))
    assert not Path("resolved").exists()
