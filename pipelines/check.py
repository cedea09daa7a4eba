"""Everything that can be known to be wrong with a recipe before a minute of computing is spent on it."""

from pathlib import Path

from pipelines import strict_yaml
from pipelines.data.contracts.recipe_contracts import contract_mistakes
from pipelines.data.engine import engine_mistake
from pipelines.data.sampled_text import general_text_file
from pipelines.data.sources.reading import source_mistake
from pipelines.errors import TinsmithError
from pipelines.model.base import base_mistakes
from pipelines.recipe import Recipe
from pipelines.recipe_ability import Ability
from pipelines.recipe_reader import read_recipe
from pipelines.strict_yaml import Document
from pipelines.walk import recipe_files


def check_recipe(path: Path) -> Recipe:
    """Read a recipe and hold it against its contracts, its sources, its engine, its base and the other recipes.

    Raises:
        TinsmithError: lists every mistake, one a line, as `file:line: field: what is wrong and how to mend it`.
    """
    recipe = read_recipe(path)
    document = strict_yaml.load(path)
    mistakes = contract_mistakes(recipe, document)
    mistakes += _source_mistakes(recipe, document)
    if mistake := engine_mistake(recipe.data.engine):
        mistakes.append(f"{path}:{document.line(('data', 'engine'))}: data.engine: {mistake}")
    if base_mistake := base_mistakes(recipe.model.base, recipe.model.sha256):
        mistakes.append(f"{path}:{document.line(('model', 'base'))}: model.base: {base_mistake}")
    mistakes += _metric_file_mistakes(recipe, document)
    questions = recipe.evaluate.safety.must_refuse_file
    if questions and not Path(questions).is_file():
        field = ("evaluate", "safety", "must_refuse_file")
        mistakes.append(f"{path}:{document.line(field)}: {'.'.join(field)}: there is no file {questions}")
    if recipe.evaluate.ability and (ability_mistake := _ability_mistake(recipe.evaluate.ability)):
        spot = ("evaluate", "ability", "data")
        mistakes.append(f"{path}:{document.line(spot)}: {'.'.join(spot)}: {ability_mistake}")
    mistakes += _general_text_mistakes(recipe, document)
    mistakes += _same_name_mistakes(recipe, document)
    if mistakes:
        raise TinsmithError("\n".join(mistakes))
    return recipe


def _source_mistakes(recipe: Recipe, document: Document) -> list[str]:
    mistakes = []
    for name, source in recipe.data.sources.items():
        if found := source_mistake(source):
            spot, mistake = found
            field = ("data", "sources", name, spot)
            mistakes.append(f"{document.path}:{document.line(field)}: {'.'.join(field)}: {mistake}")
    return mistakes


def _metric_file_mistakes(recipe: Recipe, document: Document) -> list[str]:
    asked = recipe.evaluate
    named: dict[tuple[str, ...], str] = {
        ("evaluate", "functions", name): place.rpartition(":")[0] for name, place in asked.functions.items()
    }
    named |= {("evaluate", "sql_database"): asked.sql_database} if asked.sql_database else {}
    named |= {("evaluate", "bert_score_model"): asked.bert_score_model} if asked.bert_score_model else {}
    return [
        f"{document.path}:{document.line(field)}: {'.'.join(field)}: {file} is not there; name it relative to the "
        "project's folder"
        for field, file in named.items()
        if not Path(file).exists()
    ]


def _ability_mistake(asked: Ability) -> str | None:
    """What is wrong with the benchmarks' files, which are asked only after hours of training."""
    from pipelines.scoring.ability.tasks import questions_of

    try:
        questions_of(asked)
    except TinsmithError as error:
        return str(error)
    return None


def _general_text_mistakes(recipe: Recipe, document: Document) -> list[str]:
    try:
        if recipe.export.general_text:
            general_text_file(recipe.export.general_text)
    except TinsmithError as error:
        return [f"{document.path}:{document.line(('export', 'general_text'))}: {error}"]
    return []


def _same_name_mistakes(recipe: Recipe, document: Document) -> list[str]:
    """Other recipes of the same name, which would overwrite each other's results."""
    mistakes = []
    for other in recipe_files():
        if other.resolve() == document.path.resolve():
            continue
        try:
            name = strict_yaml.load(other).value.get("name")
        except TinsmithError:
            continue  # its own check tells what is wrong with it
        if name == recipe.name:
            where = f"{document.path}:{document.line(('name',))}"
            mistakes.append(f"{where}: name: {other} has the same name; give each recipe its own")
    return mistakes
