"""`tinsmith forget`: where a person's rows are, and leaving the person out of every later build."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Held:
    """How many rows of a person a recipe's last build holds of one source: accepted ones, and examples on each side."""

    recipe: str
    contract: Contract
    accepted: int
    examples: dict[str, int]


def forget(subject: str) -> None:
    """Print which data sets and models hold the person, and put the person on the list of the forgotten.

    Raises:
        TinsmithError: no contract says which column tells whom a row is about, or TINSMITH_KEY is missing.
    """
    key = company_key("forget")
    built = [
        (recipe, name, read_contract(Path(source.contract)))
        for recipe in map(read_recipe, recipe_files())
        for name, source in recipe.data.sources.items()
    ]
    asked = [(recipe, name, contract) for recipe, name, contract in built if subject_columns(contract)]
    if not asked:
        raise TinsmithError(
            "data_contracts: no contract says whom its rows are about; mark that column with customProperties: "
            "[{property: subjectId, value: true}]"
        )
    for recipe, name, contract in asked:
        for line in _told(held_by(recipe, name, contract, subject)):
            print(line)
    add_tombstones({tombstone(key, contract.id, subject) for *_, contract in asked})
    names = ", ".join(sorted({contract.id for *_, contract in asked}))
    print(f"\n{FORGOTTEN}: the person is left out of {names} from the next `dvc repro` on; commit the file.")
    print("The sources still hold the rows, and models that were trained on them still know them: delete both.")
    unmarked = sorted({contract.id for *_, contract in built} - {contract.id for *_, contract in asked})
    if unmarked:
        print(f"Not looked at, because no column is marked subjectId: {', '.join(unmarked)}")


def subject_columns(contract: Contract) -> list[str]:
    """The columns that tell whom a row is about."""
    return [column.name for column in contract.columns if column.subject_id]


def held_by(recipe: Recipe, source: str, contract: Contract, subject: str) -> Held:
    """What the last build of a recipe holds of a person in one of its sources; nothing where there was none."""
    work = Paths(recipe.name).work
    looked_up = recipe.data.sources[source].use == "reference"
    accepted = work / "reference" / f"{source}.parquet" if looked_up else work / "accepted.parquet"
    records = {
        record for record in _records(accepted, subject_columns(contract), subject) if record.startswith(f"{source}/")
    }
    examples = {side: _count(work / f"{side}.parquet", records) for side in _SIDES}
    return Held(recipe.name, contract, len(records), examples)


def _records(accepted: Path, columns: list[str], subject: str) -> Iterator[str]:
    if not accepted.exists():
        return
    for batch in batches_in(accepted, [RECORD, *columns]):
        for row in batch.to_pylist():
            if any(row[column] is not None and str(row[column]) == subject for column in columns):
                yield row[RECORD]


def _count(side: Path, records: set[str]) -> int:
    if not side.exists() or not records:
        return 0
    batches = batches_in(side, ["example_id"])
    return sum(record in records for batch in batches for record in batch.column(0).to_pylist())


def _told(held: Held) -> Iterator[str]:
    counts = ", ".join(f"{count} in {side}" for side, count in held.examples.items())
    yield f"{held.recipe}: {held.accepted} rows of {held.contract.id} {held.contract.version}; examples: {counts}"
    registry = Paths(held.recipe).reports / "registry.json"
    if registry.exists() and (held.examples["train"] or held.examples["validation"]):
        model = read_json(registry)
        yield f"  trained into: {model['model']} version {model['version']}, fingerprint {model['fingerprint']}"
