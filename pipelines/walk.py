"""params.yaml: which recipes `dvc repro` walks, and the files of its own that each brings.

DVC cannot look into a recipe for paths, so `tinsmith sync` copies them out; resolve refuses to run while they differ.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines import strict_yaml
from pipelines.files import write_text
from pipelines.recipe import Recipe

PARAMS = Path("params.yaml")
_HEAD = "# Written by `tinsmith sync` from the recipes folder; do not edit.\n"


def recipe_files() -> list[Path]:
    """The recipes of the project, by name."""
    return sorted(Path("recipes").glob("*.yaml"))


def inputs_of(recipe: Recipe) -> dict[str, str]:
    """The files of one recipe that DVC watches: its contract, and its source where that lies at a fixed place."""
    source = recipe.data.source.path
    # A place that only the environment knows cannot stand in a committed file; the contract stands in for it.
    watched = recipe.data.contract if "${" in source else _fixed_part(source)
    return {"contract": recipe.data.contract, "source": watched}


def params_of(recipes: Sequence[Recipe]) -> dict[str, Any]:
    """What params.yaml holds for `recipes`."""
    return {
        "recipes": [recipe.name for recipe in recipes],
        "inputs": {recipe.name: inputs_of(recipe) for recipe in recipes},
    }


def write_params(recipes: Sequence[Recipe]) -> bool:
    """Bring params.yaml up to date; returns whether it had to change."""
    text = _HEAD + strict_yaml.dump(params_of(recipes))
    if PARAMS.exists() and PARAMS.read_text(encoding="utf-8") == text:
        return False
    write_text(PARAMS, text)
    return True


def is_walked(recipe: Recipe) -> bool:
    """Whether params.yaml names this recipe with the files it now has."""
    if not PARAMS.exists():
        return False
    params = strict_yaml.load(PARAMS).value
    return recipe.name in params.get("recipes", []) and params["inputs"].get(recipe.name) == inputs_of(recipe)


def _fixed_part(pattern: str) -> str:
    """The file, or the deepest folder above the first wildcard."""
    fixed: list[str] = []
    for part in Path(pattern).parts:
        if any(wildcard in part for wildcard in "*?["):
            break
        fixed.append(part)
    return str(Path(*fixed))
