"""`tinsmith forget`: where a person's rows are, and leaving the person out of every later build."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec

from pipelines.cli.earlier_builds import earlier_builds
from pipelines.data.contracts.contract import RECORD, Contract, read_contract
from pipelines.data.privacy.forgotten import FORGOTTEN, add_tombstones, tombstone
from pipelines.data.privacy.vault import company_key
from pipelines.errors import TinsmithError
from pipelines.files import read_json
from pipelines.parquet import batches_in
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.recipe_reader import read_recipe
from pipelines.walk import recipe_files

_SIDES = ("train", "validation", "test")
_WHAT_STAYS = """
The sources still hold the rows, and models that were trained on them still know them: delete both. As long as the rows
are in the sources, each build copies them to work/: collected, accepted.parquet, reference and quarantine.jsonl.
What earlier builds made lies in DVC's cache; `dvc gc --workspace` deletes it there, models included.
Models of builds that are in no commit, or in one without their dvc.lock, were not looked at."""


@dataclass(frozen=True)
class Held:
    """How many rows of a person a build of a recipe holds of one source: accepted ones, and examples on each side."""

    contract: Contract
    accepted: int
    examples: dict[str, int]

    @property
    def trained(self) -> bool:
        """Whether the training of the build's model used any of them."""
        return bool(self.examples["train"] or self.examples["validation"])


def forget(subject: str) -> None:
    """Put the person on the list of the forgotten, and print which data sets and models hold the person.

    Raises:
        TinsmithError: no contract says which column tells whom a row is about, or TINSMITH_KEY is missing or another
            than the list's.
    """
    key = company_key("forget")
    recipes = list(map(read_recipe, recipe_files()))
    contracts = [
        {name: read_contract(Path(source.contract)) for name, source in recipe.data.sources.items()}
        for recipe in recipes
    ]
    every = [contract for of_recipe in contracts for contract in of_recipe.values()]
    asked = sorted({contract.id for contract in every if subject_columns(contract)})
    if not asked:
        raise TinsmithError(
            "data_contracts: no contract says whom its rows are about; mark that column with customProperties: "
            "[{property: subjectId, value: true}]"
        )
    add_tombstones(key, {tombstone(key, one, subject): one for one in asked})
    print(f"{FORGOTTEN}: the person is left out of {', '.join(asked)} from the next `dvc repro` on; commit the file.\n")
    for recipe, of_recipe in zip(recipes, contracts, strict=True):
        for line in _told(recipe, {name: one for name, one in of_recipe.items() if subject_columns(one)}, subject):
            print(line)
    print(_WHAT_STAYS)
    if unmarked := sorted({contract.id for contract in every} - set(asked)):
        print(f"Not looked at, because no column is marked subjectId: {', '.join(unmarked)}")


def subject_columns(contract: Contract) -> list[str]:
    """The columns that tell whom a row is about."""
    return [column.name for column in contract.columns if column.subject_id]


def held_by(files: Any, recipe: Recipe, source: str, contract: Contract, subject: str) -> Held:
    """What a build of a recipe holds of a person in one of its sources; nothing where there was none.

    `files` is the fsspec file system that the build's files are read from.

    Raises:
        FileNotFoundError: `files` knows of a file, but cannot get it.
        TinsmithError: the rows lack a column that the contract has by now.
    """
    work = Paths(recipe.name).work
    looked_up = recipe.data.sources[source].use == "reference"
    accepted = work / "reference" / f"{source}.parquet" if looked_up else work / "accepted.parquet"
    columns = subject_columns(contract)
    records = {
        row[RECORD]
        for row in _rows(files, accepted, [RECORD, *columns])
        if row[RECORD].startswith(f"{source}/")
        and any(row[column] is not None and str(row[column]) == subject for column in columns)
    }
    examples = {
        side: sum(row["example_id"] in records for row in _rows(files, work / f"{side}.parquet", ["example_id"]))
        for side in _SIDES
    }
    return Held(contract, len(records), examples)


def _rows(files: Any, path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    if files.exists(str(path)):
        with files.open(str(path), "rb") as file:
            for batch in batches_in(file, columns):
                if missing := set(columns) - set(batch.schema.names):
                    raise TinsmithError(
                        f"{path}: has no {', '.join(sorted(missing))}; run `dvc repro`, then this again"
                    )
                yield from batch.to_pylist()


def _told(recipe: Recipe, contracts: Mapping[str, Contract], subject: str) -> Iterator[str]:
    """What the last build holds, and which models were trained on it: that build's, and those of earlier ones."""
    paths, trained = Paths(recipe.name), set()
    receipt, vault = paths.reports / "registry.json", paths.work / "vault.enc"
    held = [held_by(fsspec.filesystem("file"), recipe, *source, subject) for source in contracts.items()]
    for one in held:
        counts = ", ".join(f"{count} in {side}" for side, count in one.examples.items())
        yield f"{recipe.name}: {one.accepted} rows of {one.contract.id} {one.contract.version}; examples: {counts}"
    if receipt.exists() and any(one.trained for one in held):
        model = read_json(receipt)
        trained.add(model["fingerprint"])
        yield f"  trained into: {_named(model)}"
    for build in earlier_builds(recipe.name) if contracts else ():
        if build.receipt["fingerprint"] not in trained:
            found = _trained(build.files, recipe, contracts, subject) if build.files else None
            if found is None:
                yield f"  not known: {_named(build.receipt)}; commit {build.commit[:8]} or DVC's cache lacks its rows"
            elif found:
                yield f"  trained into: {_named(build.receipt)}; commit {build.commit[:8]}"
    if contracts and vault.exists():
        yield f"  {vault} may hold the person's stand-ins: delete it once the sources are without the rows"


def _trained(files: Any, recipe: Recipe, contracts: Mapping[str, Contract], subject: str) -> bool | None:
    """Whether an earlier build's model was trained on the person; None where its rows do not tell."""
    try:
        return any(held_by(files, recipe, *source, subject).trained for source in contracts.items())
    except (FileNotFoundError, TinsmithError):  # not in DVC's cache, or from before a column came
        return None


def _named(receipt: Mapping[str, Any]) -> str:
    number = f"version {receipt['version']}" if receipt["version"] else f"without a version, run {receipt['run_id']}"
    return f"{receipt['model']} {number}, fingerprint {receipt['fingerprint']}"
