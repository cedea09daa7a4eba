"""Reading a recipe: every mistake at once, each with its line and, where one is near, the word that was meant."""

import difflib
import json
import re
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pipelines import strict_yaml
from pipelines.errors import TinsmithError
from pipelines.paths import Paths, check_made
from pipelines.recipe import NAME_PATTERN, Recipe, example_columns
from pipelines.recipe_sources import SOURCE_TYPES
from pipelines.strict_yaml import Document, Field

_SECRET_KEY = re.compile(r"password|passwd|token|secret|api_?key", re.I)


def read_recipe(path: Path) -> Recipe:
    """Read and check `path`; raises TinsmithError that lists every mistake, one a line, as `file:line: field: ...`."""
    document = strict_yaml.load(path)
    recipe, mistakes = _validate(document)
    if recipe is not None and recipe.name != path.stem:
        mistakes.append(_at(document, ("name",), f"is {recipe.name!r} but the file is {path.name}; make them the same"))
    if recipe is None or mistakes:
        raise TinsmithError("\n".join(mistakes))
    return recipe


def read_resolved(name: str) -> Recipe:
    """Read what the resolve stage wrote for recipe `name`; raises TinsmithError where it has not run."""
    resolved = Paths(checked_name(name)).resolved
    check_made("resolve", name, resolved)
    return read_recipe(resolved)


def checked_name(name: str) -> str:
    """A recipe's name as typed on a command line; raises TinsmithError where it could not be a recipe's name."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise TinsmithError(f"recipe name {name!r}: use small letters, digits and _ only, as in support_triage")
    return name


def columns_of(recipe: Recipe) -> dict[Field, tuple[str, ...]]:
    """The columns that each part of the recipe names, so that a contract can be asked for them."""
    data = recipe.data
    return {
        ("data", "example"): example_columns(data.example),
        ("data", "split", "group_by"): data.split.group_by,
        ("data", "split", "by_time"): (data.split.by_time,) if data.split.by_time else (),
        ("evaluate", "slices"): recipe.evaluate.slices,
    }


def as_yaml(recipe: Recipe) -> str:
    """The recipe with every default written out, in the schema's order."""
    return strict_yaml.dump(recipe.model_dump(mode="json", by_alias=True))


def did_you_mean(word: str, allowed: typing.Iterable[str]) -> str:
    """`(did you mean X? allowed: A, B)`; without the question where nothing is near."""
    allowed = list(allowed)
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.6)
    question = f"did you mean {near[0]}? " if near else ""
    return f"({question}allowed: {', '.join(allowed)})"


def _validate(document: Document) -> tuple[Recipe | None, list[str]]:
    mistakes = [
        _at(document, field, "looks like a secret; recipes are committed, so name it in the environment")
        for field in document.lines
        if field and _SECRET_KEY.search(str(field[-1])) and field[-1] not in _fields_at(document, field[:-1])
    ]
    try:
        # JSON is the strict form of what YAML can say: lists become tuples, nothing else is converted.
        recipe = Recipe.model_validate_json(json.dumps(document.value, default=str))
    except ValidationError as error:
        items = error.errors(include_url=False)
        # A list is also too short when its only item is wrong; that is no second mistake.
        wrong = {item["loc"][:-1] for item in items}
        mistakes += [
            _describe(document, item) for item in items if item["type"] != "too_short" or item["loc"] not in wrong
        ]
        return None, _in_line_order(mistakes)
    return (None if mistakes else recipe), _in_line_order(mistakes)


def _describe(document: Document, item: Any) -> str:
    field: Field = tuple(part for part in item["loc"] if not str(part).startswith("<"))
    kind, context = item["type"], item.get("ctx", {})
    if kind.startswith("union_tag"):
        field = (*field, "type")
        wrong = item["input"].get("type") if isinstance(item["input"], dict) else None
        message = f"{wrong} is not known {did_you_mean(str(wrong), SOURCE_TYPES)}" if wrong else "is missing"
    elif kind == "extra_forbidden":
        message = f"there is no such field {did_you_mean(str(field[-1]), _fields_at(document, field[:-1]))}"
    elif kind == "missing" and isinstance(item["input"], dict) and list(item["input"].values()) == [None]:
        # YAML reads {label} without quotes as a mapping of nothing.
        field = field[:-1]
        message = f'needs quotes: "{{{next(iter(item["input"]))}}}"'
    elif kind == "missing":
        message = "is missing"
    elif kind == "literal_error":
        if field[-1] == "[key]":
            field = field[:-1]
            wrong = str(field[-1])
        else:
            wrong = str(item["input"])
        allowed = re.findall(r"'([^']*)'", context["expected"])
        message = f"{wrong} is not known {did_you_mean(wrong, allowed)}"
    elif kind == "string_pattern_mismatch" and context["pattern"] == NAME_PATTERN:
        message = "use small letters, digits and _ only, beginning with a letter, as in support_triage"
    elif kind == "value_error":
        message = str(context["error"])
    else:
        message = item["msg"][0].lower() + item["msg"][1:]
    return _at(document, field, message)


def _fields_at(document: Document, field: Field) -> list[str]:
    """The names that the schema allows below `field`, for a source those of its type."""
    sections: list[Any] = [Recipe]
    value: Any = document.value
    for part in field:
        value = value.get(part) if isinstance(value, dict) else None
        # A part that is no field is a position in a list, a key of a mapping, or a name of one's own, as in gate.
        below = [
            inner
            for section in sections
            for name, info in section.model_fields.items()
            if part in (name, info.alias)
            for inner in _sections_in(info.annotation)
        ] or [
            inner
            for section in sections
            for inner in _sections_in(typing.get_type_hints(section).get("__pydantic_extra__"))
        ]
        sections = below or sections
        sections = [section for section in sections if _is_of_type(section, value)] or sections
    names = (info.alias or name for section in sections for name, info in section.model_fields.items())
    return list(dict.fromkeys(names))


def _is_of_type(section: type[BaseModel], value: Any) -> bool:
    kind = section.model_fields.get("type")
    return kind is None or (isinstance(value, dict) and value.get("type") in typing.get_args(kind.annotation))


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    """The schema's sections inside an annotation such as `dict[str, Rule]` or `Text | JsonAnswer`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in typing.get_args(annotation) for found in _sections_in(inner)]


def _at(document: Document, field: Field, message: str) -> str:
    dotted = ".".join(str(part) for part in field)
    return f"{document.path}:{document.line(field)}: {dotted + ': ' if dotted else ''}{message}"


def _in_line_order(mistakes: list[str]) -> list[str]:
    return sorted(mistakes, key=lambda line: int(line.split(":", 2)[1]))
