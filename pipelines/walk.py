"""params.yaml: which recipes `dvc repro` walks, and the sources that each brings.

DVC cannot look into a recipe for paths, so `tinsmith sync` copies them out; resolve refuses to run while they differ.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines import strict_yaml
from pipelines.files import write_text
from pipelines.recipe import Recipe
from pipelines.recipe_sources import DatabaseSource, HubSource, Source

PARAMS = Path("params.yaml")
_HEAD = "# Written by `tinsmith sync` from the recipes folder; do not edit.\n"


def recipe_files() -> list[Path]:
    """The recipes of the project, by name."""
    return sorted(Path("recipes").glob("*.yaml"))


def sources_of(recipe: Recipe) -> dict[str, dict[str, str]]:
    """What DVC watches for one recipe: each source's contract, and its path where that lies at a fixed place."""
    return {
        f"{recipe.name}-{name}": {
            "recipe": recipe.name,
            "source": name,
            "contract": source.contract,
            "path": _watched(source),
        }
        for name, source in recipe.data.sources.items()
    }


def params_of(recipes: Sequence[Recipe]) -> dict[str, Any]:
    """What params.yaml holds for `recipes`."""
    return {
        "recipes": [recipe.name for recipe in recipes],
        "sources": {key: watched for recipe in recipes for key, watched in sources_of(recipe).items()},
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
    known = {key: watched for key, watched in params.get("sources", {}).items() if watched["recipe"] == recipe.name}
    return recipe.name in params.get("recipes", []) and known == sources_of(recipe)


def _watched(source: Source) -> str:
    """Where DVC sees a source change: its file or folder, or its contract where there is none that DVC could watch.

    That is a place that only the environment knows (it cannot stand in a committed file), a URL, a database, and a
    data set of the hub; collect runs again for them when their section of the recipe changes.
    """
    if isinstance(source, DatabaseSource | HubSource) or "${" in source.path or "://" in source.path:
        return source.contract
    return _fixed_part(source.path)


def _fixed_part(pattern: str) -> str:
    """The file, or the deepest folder above the first wildcard."""
    fixed: list[str] = []
    for part in Path(pattern).parts:
        if any(wildcard in part for wildcard in "*?["):
            break
        fixed.append(part)
    return str(Path(*fixed))
