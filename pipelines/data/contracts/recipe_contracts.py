"""A recipe's contracts held against the recipe, and against each other."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pipelines.data.contracts.contract import Column, Contract, read_contract
from pipelines.data.contracts.terms import TRAINING
from pipelines.data.slice_columns import LONGEST_VALUE
from pipelines.data.thumbs import DESIRABLE, voted_sources
from pipelines.errors import TinsmithError
from pipelines.recipe import Recipe
from pipelines.recipe_reader import columns_of, did_you_mean
from pipelines.strict_yaml import Document, Field


def contract_mistakes(recipe: Recipe, document: Document) -> list[str]:
    """What is wrong between a recipe and its contracts, each as `file:line: field: ...`; empty where all is well.

    That is: a contract's file is missing, a contract has mistakes of its own, the recipe names a column that the
    contract of a source of examples does not have, two such contracts give a column two types, a contract does not
    permit training, needs the day `data.as_of`, or refers to a table that no source of the recipe has. `document` is
    the recipe's file, for its lines.
    """
    contracts: dict[str, Contract] = {}
    mistakes: list[str] = []
    for name, source in recipe.data.sources.items():
        path = Path(source.contract)
        if not path.is_file():
            near = sorted(path.parent.glob("*.odcs.yaml")) if path.parent.is_dir() else []
            field = ("data", "sources", name, "contract")
            what = f"there is no file {path} {did_you_mean(str(path), map(str, near))}"
            mistakes.append(f"{document.path}:{document.line(field)}: {'.'.join(field)}: {what}")
            continue
        try:
            contracts[name] = read_contract(path)
        except TinsmithError as error:
            mistakes += str(error).splitlines()
    if not mistakes:
        examples = [contracts[name] for name in recipe.data.example_sources]
        for contract in examples:
            mistakes += unknown_columns(contract, columns_of(recipe), document)
            mistakes += _private_slices(contract, recipe, document)
        mistakes += _votes_unsaid(contracts, recipe, document)
        mistakes += _two_types(examples)
        mistakes += _forbidden(contracts) + _without_day(contracts, recipe, document)
        mistakes += unmet_references(list(contracts.values()))
    return list(dict.fromkeys(mistakes))


def unmet_references(contracts: Sequence[Contract]) -> list[str]:
    """References of contracts that none of the others answers, each as `file:line: ...`."""
    tables = {contract.table: contract for contract in contracts}
    mistakes = []
    for contract in contracts:
        for reference in contract.references:
            where = f"{contract.path}:{reference.line}: relationships"
            target = tables.get(reference.to_table)
            if target is None:
                named = did_you_mean(reference.to_table, tables)
                mistakes.append(f"{where}: no source of the recipe has the table {reference.to_table} {named}")
                continue
            for own, other in zip(reference.columns, reference.to_columns, strict=True):
                if other not in target.names:
                    mistakes.append(f"{where}: {target.path} has no column {other} {did_you_mean(other, target.names)}")
                elif target.type_of(other) != contract.type_of(own):
                    types = f"{contract.type_of(own)}, and {reference.to_table}.{other} of {target.type_of(other)}"
                    mistakes.append(f"{where}: {own} is of logicalType {types}; make them the same")
    return mistakes or _table_twice(contracts) or _circle(contracts)


def in_reference_order(contracts: Mapping[str, Contract]) -> list[str]:
    """The names of contracts, each after those that it refers to; otherwise in the order given."""
    of_table = {contract.table: name for name, contract in contracts.items()}
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        for reference in contracts[name].references:
            add(of_table[reference.to_table])
        ordered.setdefault(name)

    for name in contracts:
        add(name)
    return list(ordered)


def _table_twice(contracts: Sequence[Contract]) -> list[str]:
    wanted = {reference.to_table for contract in contracts for reference in contract.references}
    return [
        f"{contract.path}: the table {contract.table} is referred to, and two sources have it; rename one"
        for place, contract in enumerate(contracts)
        if contract.table in wanted and contract.table in [other.table for other in contracts[:place]]
    ]


def _circle(contracts: Sequence[Contract]) -> list[str]:
    graph = {contract.table: {reference.to_table for reference in contract.references} for contract in contracts}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        tables = error.args[1]
        return [f"{contracts[0].path}: the tables {', '.join(sorted(set(tables)))} refer to each other in a circle"]
    return []


def _forbidden(contracts: Mapping[str, Contract]) -> list[str]:
    """Contracts that do not permit training: whatever the recipe does with the source, it serves to train."""
    return [
        f"{contract.path}:{contract.terms.line}: permittedPurposes: does not hold {TRAINING}, and data.sources.{name} "
        f"would train a model; ask the data's owner, or take the source out"
        for name, contract in contracts.items()
        if not contract.terms.permits_training
    ]


def _votes_unsaid(contracts: Mapping[str, Contract], recipe: Recipe, document: Document) -> list[str]:
    """Without its column a vote is lost, and the answers that people voted down would be trained."""
    mistakes = []
    for name in voted_sources(recipe):
        contract, field = contracts[name], ("data", "sources", name, "shape")
        if DESIRABLE not in contract.names or contract.type_of(DESIRABLE) != "boolean":
            where = f"{document.path}:{document.line(field)}: {'.'.join(field)}"
            mistakes.append(
                f"{where}: votes stand in the column {DESIRABLE}, which {contract.path} does not declare as a boolean; "
                f"add {{name: {DESIRABLE}, logicalType: boolean, required: true}}"
            )
    return mistakes


def _without_day(contracts: Mapping[str, Contract], recipe: Recipe, document: Document) -> list[str]:
    where = f"{document.path}:{document.line(('data',))}: data.as_of"
    return [
        f"{where}: is missing; {contract.path} promises how old rows are, so say on which day, as in as_of: 2026-01-31"
        for contract in contracts.values()
        if contract.ages and recipe.data.as_of is None
    ]


def _private_slices(contract: Contract, recipe: Recipe, document: Document) -> list[str]:
    """Slices by columns that are personal or free text: their values would stand in committed reports."""
    mistakes = []
    for column in contract.columns:
        if column.name in recipe.evaluate.slices and (why := _why_private(column)):
            line = document.line(_spot(document, ("evaluate", "slices"), column.name))
            told = f"{column.name} {why}, and the values of slices stand in committed reports; leave it out"
            mistakes.append(f"{document.path}:{line}: evaluate.slices: {told}")
    return mistakes


def _why_private(column: Column) -> str | None:
    """What makes a column's values unfit for a report, as far as its contract says; None for nothing."""
    if column.personal or column.subject_id:
        return "is personal"
    if column.contains:
        return f"may hold personal data (containsPii: {', '.join(column.contains)})"
    promised = {rule.name: rule.argument for rule in column.rules}
    if column.logical_type == "string" and "enum" not in promised and promised.get("maxLength", 0) > LONGEST_VALUE:
        return f"is free text (maxLength over {LONGEST_VALUE}, no closed list)"
    return None


def _two_types(contracts: list[Contract]) -> list[str]:
    first: dict[str, tuple[Contract, Column]] = {}
    mistakes = []
    for contract in contracts:
        for column in contract.columns:
            known, before = first.setdefault(column.name, (contract, column))
            if before.logical_type != column.logical_type:
                mistakes.append(
                    f"{contract.path}:{column.line}: {column.name}: is of logicalType {column.logical_type}, and in "
                    f"{known.path}:{before.line} of {before.logical_type}; both become examples, so make them the same"
                )
    return mistakes


def unknown_columns(contract: Contract, named: dict[Field, tuple[str, ...]], document: Document) -> list[str]:
    """The recipe's columns that the contract lacks, as `file:line: field: ...`.

    `named` gives the columns by the recipe's field that names them, `document` is the recipe's file, for its lines.
    """
    mistakes = []
    for field, columns in named.items():
        for column in columns:
            # Only an example can show a whole object; groups, times and slices are single values.
            of_object = contract.columns_of(column) if field == ("data", "example") else ()
            if column not in contract.names and not of_object:
                spot = _spot(document, field, column)
                dotted = ".".join(str(part) for part in spot if not isinstance(part, int))
                what = f"{contract.path} has no column {column} {did_you_mean(column, contract.names)}"
                mistakes.append(f"{document.path}:{document.line(spot)}: {dotted}: {what}")
    return mistakes


def _spot(document: Document, field: Field, column: str) -> Field:
    """The innermost part of `field` that names `column`, whether as a word or as `{column}` in a text."""
    for spot in document.lines:
        if spot[: len(field)] == field:
            value: Any = document.value
            for part in spot:
                value = value[part]
            if isinstance(value, str) and (value == column or f"{{{column}}}" in value):
                return spot
    return field
