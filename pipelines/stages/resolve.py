"""resolve: every field of the recipe checked, every default written out.

Reads recipes/<r>.yaml. Writes resolved/<r>.yaml, of which the other stages track only their own sections.
"""

from pipelines.check import check_recipe
from pipelines.errors import TinsmithError
from pipelines.files import write_text
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.recipe_reader import as_yaml, checked_name
from pipelines.stage_runner import run
from pipelines.walk import PARAMS, is_walked


def resolve(recipe: Recipe, paths: Paths) -> None:
    """Write the recipe with its defaults.

    Raises:
        TinsmithError: params.yaml, from which DVC knows the recipe's files, is behind the recipe.
    """
    if not is_walked(recipe):
        raise TinsmithError(f"{PARAMS}: behind {paths.recipe}; run `tinsmith sync`, then again")
    write_text(paths.resolved, as_yaml(recipe))


def _checked(name: str) -> Recipe:
    return check_recipe(Paths(checked_name(name)).recipe)


if __name__ == "__main__":
    run(resolve, read=_checked)
