import json
import shutil
from pathlib import Path

from jsonschema import Draft202012Validator

from pipelines import strict_yaml
from pipelines.cli.schema import field_table, with_field_table
from pipelines.recipe import json_schema

REPOSITORY = Path(__file__).parents[2]


def test_the_committed_schema_and_reference_are_up_to_date():
    assert json.loads((REPOSITORY / "recipes.schema.json").read_text()) == json_schema()
    reference = REPOSITORY / "docs/recipes.md"
    assert reference.read_text() == with_field_table(reference, field_table(json_schema()))


def test_editors_accept_the_sample_recipe_and_mark_a_misspelt_field():
    validator = Draft202012Validator(json.loads((REPOSITORY / "recipes.schema.json").read_text()))
    recipe = strict_yaml.load(REPOSITORY / "recipes/support_triage.yaml").value
    assert list(validator.iter_errors(recipe)) == []
    recipe["train"]["epoch"] = 3
    assert [list(error.path) for error in validator.iter_errors(recipe)] == [["train"]]


def test_the_command_writes_both_files(tinsmith):
    Path("docs").mkdir()
    shutil.copy(REPOSITORY / "docs/recipes.md", "docs")
    reference = Path("docs/recipes.md")
    whole = reference.read_text()
    reference.write_text(whole.replace("| `train.epochs` |", "| `train.rounds` |"))
    assert tinsmith("schema")[0] == 0
    assert reference.read_text() == whole
    assert json.loads(Path("recipes.schema.json").read_text()) == json_schema()


def test_a_page_without_its_markers_is_left_alone(tinsmith):
    Path("docs").mkdir()
    Path("docs/recipes.md").write_text("# Recipes\n")
    code, _, err = tinsmith("schema")
    assert code == 2
    assert err.startswith("error: docs/recipes.md: needs the line")
    assert not Path("recipes.schema.json").exists()


def test_the_table_says_type_bounds_default_and_meaning():
    rows = field_table(json_schema()).splitlines()
    assert "| `train.epochs` | number, above 0 | `2.0` | Passes over the training examples. |" in rows
    assert any(row.startswith("| `data.sources.NAME.contract` | text | required |") for row in rows)
    assert any(row.startswith("| `gate.FIGURE.confidence` | number, above 0.5, below 1 | `0.95` |") for row in rows)
    assert any(row.startswith("| `register.model` |") and "| required |" in row for row in rows)
