"""`tinsmith new`: a recipe and its contract, drafted from a sample so that the line runs on it as it stands."""

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from pipelines.check import check_recipe
from pipelines.cli.column_draft import ColumnDraft, draft_columns
from pipelines.cli.contract_draft import contract_text
from pipelines.cli.roles import Roles, guess_roles
from pipelines.cli.sample import Sample, read_sample
from pipelines.cli.sync import sync_params
from pipelines.errors import TinsmithError
from pipelines.files import write_text
from pipelines.paths import Paths
from pipelines.recipe_reader import checked_name

_SHORTEST_MAX_LENGTH, _LONGEST_MAX_LENGTH, _STEP = 512, 4096, 256
_BYTES_PER_TOKEN = 3
_TEMPLATE_TOKENS = 64


def new_recipe(name: str, sample_file: Path) -> None:
    """Write recipes/<name>.yaml and data_contracts/<name>.odcs.yaml, bring params.yaml up to date, say what is next.

    Raises:
        TinsmithError: the name is no recipe's, one of the files is there already, or nothing can be drafted from the
            sample; then nothing is written.
    """
    recipe_file = Paths(checked_name(name)).recipe
    contract_file = Path("data_contracts") / f"{name}.odcs.yaml"
    for file in (recipe_file, contract_file):
        if file.exists():
            raise TinsmithError(f"{file}: is already there; choose another name, or delete it first")
    if wildcards := re.findall(r"[*?\[$]", str(sample_file)):
        raise TinsmithError(f"{sample_file}: `{wildcards[0]}` has a meaning in a source's path; rename the file")
    sample = read_sample(sample_file)
    columns, left_out = draft_columns(sample)
    roles = guess_roles(columns, sample_file)
    needed = [*roles.answered, roles.main]
    text = contract_text(name, sample, columns, roles.key, needed, roles.answered)
    write_text(contract_file, text)
    write_text(recipe_file, recipe_text(name, sample, roles, contract_file))
    check_recipe(recipe_file)
    print(f"wrote {recipe_file} and {contract_file}")
    print(f"  answered: {_names(roles.answered)}; asked: {_names(roles.asked)}")
    print(f"  personal: {_names([column for column in columns if column.personal])}")
    if left_out:
        print(f"  left out, because their values are nested or of two types: {', '.join(left_out)}")
    sync_params()
    print(f"next:\n  mend both files where the guesses are wrong\n  tinsmith check {name}\n  dvc repro register@{name}")


def recipe_text(name: str, sample: Sample, roles: Roles, contract_file: Path) -> str:
    """The recipe, commented, in under 35 lines."""
    return "\n".join(_recipe_lines(name, sample, roles, contract_file)) + "\n"


def _recipe_lines(name: str, sample: Sample, roles: Roles, contract_file: Path) -> Iterator[str]:
    answers = ", ".join(column.name for column in roles.answered)
    as_json = len(roles.answered) > 1
    yield "# yaml-language-server: $schema=../recipes.schema.json"
    yield "# Drafted by `tinsmith new`. Every field, its default and its unit: docs/recipes.md."
    yield f"name: {name} # the same as this file's name"
    yield f"purpose: Answer with {answers}. # say in one sentence what the model is for"
    yield "owner: your-team@example.com # who answers for it"
    yield "data:"
    yield "  sources:"
    yield f"    {name}: # a name of yours; add further sources below it"
    yield f"      contract: {contract_file.as_posix()} # check types, allowed values and personal columns there"
    yield from (f"      {line}" for line in _source(sample))
    if roles.groups:
        yield f"  split: {{group_by: [{_words(roles.groups)}]}} # rows that share a value stay on one side"
    yield "  example: # how one row becomes one chat; {column} is the row's value"
    form = "JSON" if as_json else f"the {answers} alone"
    yield f"    system: {_scalar(f'Read the text and answer with {form}.')} # tell the model its task"
    yield f"    user: {_scalar(_user_template(roles))}"
    answer = f"{{json: [{_words(roles.answered)}]}}" if as_json else _scalar(f"{{{roles.answered[0].name}}}")
    yield f"    assistant: {answer}"
    yield "model: {base: embedded:smollm2-135m-instruct} # for real work a hub id with its commit, or a folder"
    yield "train:"
    yield "  max_steps: 60 # a first look within minutes; remove it to train on everything, twice"
    yield f"  max_length: {_max_length(roles)} # tokens of the longest example"
    yield "evaluate:"
    yield f"  metrics: [{'exact_match, field_f1, valid_json' if as_json else 'exact_match'}]"
    if roles.answered[0].listed(is_answer=True):
        yield f"  slices: [{_words(roles.answered[:1])}] # results are also shown for each of its values"
    yield "gate: # what must hold before the model is registered"
    yield "  exact_match: {better_than_base_by: 0.05, confidence: 0.95}"
    yield "export: {quants: [Q4_K_M, Q8_0]} # the first is judged, served and registered"
    yield f"register: {{model: {name.replace('_', '-')}}} # its name in MLflow"


def _source(sample: Sample) -> Iterator[str]:
    inside = sample.path.resolve().is_relative_to(Path.cwd())
    path = Path(os.path.relpath(sample.path.resolve())) if inside else sample.path.resolve()
    yield "type: files"
    yield f"path: {_scalar(path.as_posix())} # or a pattern: data/raw/tickets/*.csv"
    if ".tsv" in path.name.lower():
        yield f"format: {sample.format}"
    if sample.delimiter != ",":
        yield f"delimiter: {_scalar(sample.delimiter)}"
    if sample.encoding != "utf-8":
        yield f"encoding: {sample.encoding}"


def _user_template(roles: Roles) -> str:
    if roles.main.logical_type == "string" and not roles.main.is_closed:
        return "\n\n".join(f"{{{column.name}}}" for column in roles.asked)
    return "\n".join(f"{column.name}: {{{column.name}}}" for column in roles.asked)


def _max_length(roles: Roles) -> int:
    """Room for 19 of 20 rows, at three bytes a token, which is less than most text has."""
    columns = [column.texts for column in [*roles.asked, *roles.answered]]
    sizes = sorted(sum(len((text or "").encode()) for text in row) for row in zip(*columns, strict=True))
    tokens = _TEMPLATE_TOKENS + sizes[int(0.95 * (len(sizes) - 1))] / _BYTES_PER_TOKEN
    rounded = math.ceil(tokens / _STEP) * _STEP
    return min(max(rounded, _SHORTEST_MAX_LENGTH), _LONGEST_MAX_LENGTH)


def _words(columns: Sequence[ColumnDraft]) -> str:
    return ", ".join(_scalar(column.name) for column in columns)


def _scalar(text: str) -> str:
    """The text as YAML, in quotes only where it needs them."""
    plain = re.fullmatch(r"[A-Za-z_][\w/.-]*", text) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)


def _names(columns: Sequence[ColumnDraft]) -> str:
    return ", ".join(column.name for column in columns) or "none"
