"""`tinsmith sync`: params.yaml as the recipes folder has it."""

from typing import Any

from pipelines import strict_yaml
from pipelines.errors import TinsmithError
from pipelines.recipe import Recipe
from pipelines.recipe_reader import read_recipe
from pipelines.walk import PARAMS, params_of, recipe_files, write_params


def sync_params() -> None:
    """Write params.yaml and print what changed; raises TinsmithError with every mistake in the recipes."""
    recipes = _read_all()
    before = _sources_before()
    changed = write_params(recipes)
    after = _by_recipe(params_of(recipes))
    print(f"{PARAMS}: {_difference(before, after) if changed else 'up to date'} ({len(recipes)} recipes)")


def _read_all() -> list[Recipe]:
    recipes, mistakes = [], []
    for file in recipe_files():
        try:
            recipes.append(read_recipe(file))
        except TinsmithError as error:
            mistakes += str(error).splitlines()
    if mistakes:
        raise TinsmithError("\n".join(mistakes))
    return recipes


def _sources_before() -> dict[str, Any]:
    """Each recipe's sources as params.yaml has them now; nothing where it does not say so in its own form."""
    try:
        return _by_recipe(strict_yaml.load(PARAMS).value)
    except (TinsmithError, KeyError, TypeError, AttributeError):
        return {}  # missing or broken: it is about to be written anew


def _by_recipe(params: dict[str, Any]) -> dict[str, Any]:
    sources = params["sources"].values()
    return {recipe: [watched for watched in sources if watched["recipe"] == recipe] for recipe in params["recipes"]}


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    kinds = {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "changed": [name for name in after if name in before and before[name] != after[name]],
    }
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items() if names) or "written anew"
