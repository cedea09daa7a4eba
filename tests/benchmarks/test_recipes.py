"""The benchmarks' recipes are as valid as any user's."""

from pathlib import Path

import pytest

from pipelines import strict_yaml
from pipelines.data.contracts.recipe_contracts import contract_mistakes
from pipelines.recipe_reader import read_recipe

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(path.stem for path in (CHECKOUT / "benchmarks" / "recipes").glob("*.yaml")))
def test_recipe_and_contract_are_valid_and_the_data_is_not_in_the_project(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    path = Path("benchmarks/recipes") / f"{name}.yaml"
    recipe = read_recipe(path)
    assert contract_mistakes(recipe, strict_yaml.load(path)) == []
    monkeypatch.setenv("TINSMITH_BENCH_DATA", "/elsewhere")
    (source,) = recipe.data.sources.values()
    assert source.expanded_path().startswith(f"/elsewhere/{name}")
