"""`tinsmith check`: every mistake of every recipe at once."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from pipelines import strict_yaml
from pipelines.check import check_recipe
from pipelines.errors import TinsmithError
from pipelines.paths import Paths
from pipelines.recipe_reader import checked_name, read_recipe
from pipelines.walk import PARAMS, params_of, recipe_files


def check_recipes(names_or_files: Sequence[str]) -> None:
    """Check the recipes named, or all, and that params.yaml is up to date; prints one line for each good one.

    Raises:
        TinsmithError: every mistake, one a line, as `file:line: field: what is wrong and how to mend it`.
    """
    files = [_recipe_file(given) for given in names_or_files] or recipe_files()
    if not files:
        raise TinsmithError("recipes: there is no recipe yet; make one with `tinsmith new NAME --from SAMPLE_FILE`")
    mistakes: list[str] = []
    for file in files:
        try:
            recipe = check_recipe(file)
        except TinsmithError as error:
            mistakes += str(error).splitlines()
        else:
            print(f"{file}: good ({defaults_in(recipe)} fields at their defaults)")
    if not names_or_files:
        mistakes += [f"{file}: is not read; name it {file.stem}.yaml" for file in sorted(Path("recipes").glob("*.yml"))]
    if any(file.parent == Path("recipes") for file in files):
        mistakes += _params_mistakes()
    if mistakes:
        raise TinsmithError("\n".join(mistakes))


def defaults_in(section: BaseModel) -> int:
    """How many fields of a recipe stand at their defaults because the file does not name them."""
    count = 0
    for field in type(section).model_fields:
        value = getattr(section, field)
        if isinstance(value, BaseModel):
            count += defaults_in(value)
        elif field not in section.model_fields_set:
            count += 1
    return count


def _recipe_file(given: str) -> Path:
    return Path(given) if given.endswith((".yaml", ".yml")) else Paths(checked_name(given)).recipe


def _params_mistakes() -> list[str]:
    try:
        wanted = params_of([read_recipe(file) for file in recipe_files()])
    except TinsmithError:
        return []  # what `tinsmith sync` would write is not known before these recipes are mended
    if not PARAMS.exists():
        return [f"{PARAMS}: there is no such file; run `tinsmith sync`"]
    try:
        up_to_date = strict_yaml.load(PARAMS).value == wanted
    except TinsmithError as error:
        return [f"{error}; run `tinsmith sync`, which writes it anew"]
    return [] if up_to_date else [f"{PARAMS}: is behind the recipes folder; run `tinsmith sync`"]
