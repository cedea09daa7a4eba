from pathlib import Path

import pytest

from pipelines import strict_yaml
from pipelines.recipe_reader import read_recipe
from pipelines.walk import PARAMS, is_walked, params_of, recipe_files, sources_of, write_params

REPOSITORY = Path(__file__).parents[1]


def recipe(source="data/raw/*.csv", name="tickets"):
    path = Path("recipes") / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    value = strict_yaml.load(REPOSITORY / "recipes/support_triage.yaml").value
    path.write_text(strict_yaml.dump(value | {"name": name}).replace("data/raw/support_tickets/*.csv", source))
    return read_recipe(path)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_committed_params_are_what_sync_would_write(monkeypatch, tmp_path):
    monkeypatch.chdir(REPOSITORY)
    recipes = [read_recipe(file) for file in recipe_files()]
    committed = PARAMS.read_text()
    # Written elsewhere, so that the test cannot mend what it looks at.
    monkeypatch.chdir(tmp_path)
    write_params(recipes)
    assert PARAMS.read_text() == committed


@pytest.mark.parametrize(
    ("source", "watched"),
    [
        ("data/raw/*.csv", "data/raw"),
        ("data/raw/2026/tickets.csv", "data/raw/2026/tickets.csv"),
        ("data/*/tickets.csv", "data"),
        ("data/raw/ticket[12].csv", "data/raw"),
        ("/srv/data/**/t?.jsonl", "/srv/data"),
        ("${COMPANY_DATA}/*.csv", "data_contracts/support_tickets.odcs.yaml"),
        ("s3://company/tickets/*.csv", "data_contracts/support_tickets.odcs.yaml"),
    ],
)
def test_dvc_watches_the_fixed_part_of_a_source(source, watched):
    assert sources_of(recipe(source))["tickets-tickets"]["path"] == watched


DATABASE = "type: database\n      dsn_env: CRM\n      table: tickets\n      as_of: 2026-01-31\n      as_of_column: at"
HUB = "type: hub\n      dataset: org/name@0123456789abcdef0123456789abcdef01234567\n      path: data/*.parquet"
DOCUMENTS = "type: documents\n      path: data/raw/*.pdf"


@pytest.mark.parametrize(
    ("kind", "watched"),
    [
        (DATABASE, "data_contracts/support_tickets.odcs.yaml"),
        (HUB, "data_contracts/support_tickets.odcs.yaml"),
        (DOCUMENTS, "data/raw"),
    ],
)
def test_dvc_watches_the_contract_of_what_is_no_file(kind, watched):
    path = Path("recipes/tickets.yaml")
    recipe()
    text = path.read_text()
    files = "type: files\n"
    begin = text.index("      path: data/raw/*.csv")
    end = text.index("  split:")
    path.write_text((text[:begin] + text[end:]).replace(f"      {files}", f"      {kind}\n"))
    assert sources_of(read_recipe(path))["tickets-tickets"]["path"] == watched


def test_params_are_written_once_and_then_left_alone():
    recipes = [recipe(name="b"), recipe(name="a")]
    assert write_params(recipes)
    assert not write_params(recipes)
    assert strict_yaml.load(PARAMS).value == params_of(recipes)
    assert [file.stem for file in recipe_files()] == ["a", "b"]


def test_a_recipe_is_walked_while_params_know_its_files():
    first = recipe()
    assert not is_walked(first)
    write_params([first])
    assert is_walked(first)
    assert not is_walked(recipe("data/other/*.csv"))
    assert not is_walked(recipe(name="another"))
