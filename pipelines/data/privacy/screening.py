"""The privacy screen over all rows of a build, in order; what becomes of what it found."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.data.contracts.contract import RECORD, Contract, merged_contract, read_contract
from pipelines.data.engine import mapped
from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.forgotten import check_contracts, check_key, read_tombstones, tombstone
from pipelines.data.privacy.model_names import ModelNames
from pipelines.data.privacy.names import KINDS as FREE_TEXT_KINDS
from pipelines.data.privacy.names import find_names
from pipelines.data.privacy.people import NAME, UNSAID, FullNames, full_names, names_of_row
from pipelines.data.privacy.policy import Policy, policy_of
from pipelines.data.privacy.rule import Span
from pipelines.data.privacy.screen import Screened, reason_to_drop, screen_row, with_surrogates
from pipelines.data.privacy.surrogates import Surrogates
from pipelines.data.privacy.vault import company_key, read_vault, write_vault
from pipelines.errors import TinsmithError
from pipelines.parquet import batches_in
from pipelines.paths import Paths
from pipelines.recipe import Engine, Privacy, Recipe
from pipelines.recipe_reader import read_recipe
from pipelines.recipe_sources import Source
from pipelines.walk import recipe_files

Row = dict[str, Any]


@dataclass
class ScreenCounts:
    """What the screen did: rows dropped, by reason, and how often each kind was masked, replaced or found."""

    dropped: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    pseudonymised: Counter[str] = field(default_factory=Counter)
    secrets: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Screen:
    """What a row is held against: the columns of text, the personal columns with their kinds, detector and policy."""

    columns: Sequence[str]
    personal: Mapping[str, str]
    detector: Detector
    policy: Policy

    def rows(self, rows: Sequence[Row]) -> list[Screened]:
        """Rows, each screened."""
        return [screen_row(row, self.columns, self.personal, self.detector, self.policy) for row in rows]


def screen_of(
    privacy: Privacy, contract: Contract, columns: Sequence[str], everybody: FullNames, recipe: Path
) -> Screen:
    """The screen of a recipe's rows; `everybody` are the names of the data's own people.

    Raises:
        TinsmithError: the contract says that a column holds a kind of personal data, nothing would look for it, and
            the recipe does not keep it knowingly; or the names' model cannot be loaded.
    """
    policy = policy_of(privacy)
    unnamed = FREE_TEXT_KINDS if privacy.names is None else ()
    for column in contract.columns:
        unseen = [kind for kind in column.contains if kind.upper() in unnamed or kind.upper() not in policy.sought()]
        unseen = [kind for kind in unseen if policy.entities.get(kind.upper()) != "keep"]
        if column.name in columns and unseen:
            named = any(kind.upper() in unnamed for kind in unseen)
            field, mend = ("names", "names: builtin") if named else ("entities", f"{unseen[0]}: mask")
            raise TinsmithError(
                f"{recipe}: data.privacy.{field}: {contract.path}:{column.line}: {column.name} contains "
                f"{' and '.join(unseen)}, and nothing looks for that in free text; write {mend}, or keep it knowingly "
                "in data.privacy.entities"
            )
    detector = Detector(
        kinds=policy.sought(),
        everybody=everybody if policy.action(NAME) != "keep" else {},
        names=_name_finder(privacy.names),
        not_names=frozenset(word.casefold() for words in privacy.not_names for word in words.split()),
    )
    return Screen(columns, _mask_words(contract), detector, policy)


def screened_rows(
    rows: Iterable[Row], screen: Screen, engine: Engine = "local", workers: int | None = None
) -> Iterator[tuple[Row, Screened]]:
    """Each row and what the screen made of it, in order; the same for any engine and number of workers."""
    # A model that computes on all cores itself must not do so in several processes of one machine.
    alone = isinstance(screen.detector.names, ModelNames) and engine != "ray"
    # What the detectors read at their first text is read here, once, and shared with this machine's processes.
    screen.detector.find("A")
    return mapped(rows, screen.rows, engine, 1 if alone else workers)


def kept_rows(
    screened: Iterable[tuple[Row, Screened]], policy: Policy, counts: ScreenCounts, surrogates: Surrogates | None
) -> Iterator[tuple[Row, Row]]:
    """The rows that the policy keeps, as they were and as they may be shown; counts what happened."""
    for row, found in screened:
        counts.secrets += found.secrets
        if reason := reason_to_drop(found, policy):
            counts.dropped[reason] += 1
            continue
        shown, replaced = (found.row, Counter[str]()) if not surrogates else with_surrogates(found, policy, surrogates)
        counts.pseudonymised += replaced
        counts.masked += found.personal + found.whole - replaced
        yield row, shown


def without_forgotten(rows: Iterable[Row], contracts: Mapping[str, Contract], counts: ScreenCounts) -> Iterator[Row]:
    """The rows of persons who are not on the list of the forgotten.

    `contracts` are those of the rows' sources, by name.

    Raises:
        TinsmithError: somebody of these contracts is on the list, and TINSMITH_KEY is missing or another one, or no
            column says whose a row is; or the list names a contract that no recipe has.
    """
    tombstones = read_tombstones()
    listed, own = set(tombstones.values()), {contract.id for contract in contracts.values()}
    if not listed <= own:
        check_contracts(own | {contract.id for recipe in map(read_recipe, recipe_files()) for contract in _all(recipe)})
    columns = {name: _subject_columns(contract) for name, contract in contracts.items() if contract.id in listed}
    if not columns:
        yield from rows
        return
    key = company_key("forget")
    check_key(key)
    for row in rows:
        source = row[RECORD].split("/")[0]
        subjects = [str(row[column]) for column in columns.get(source, ()) if row[column] is not None]
        if any(tombstone(key, contracts[source].id, subject) in tombstones for subject in subjects):
            counts.dropped["forgotten"] += 1
        else:
            yield row


def _all(recipe: Recipe) -> list[Contract]:
    return [read_contract(Path(source.contract)) for source in recipe.data.sources.values()]


def _subject_columns(contract: Contract) -> list[str]:
    columns = [column.name for column in contract.columns if column.subject_id]
    if not columns:
        raise TinsmithError(
            f"{contract.path}: persons of {contract.id} are on the list of the forgotten, and no column is marked "
            "subjectId, by which their rows are found; mark it again"
        )
    return columns


def open_surrogates(privacy: Privacy, everybody: FullNames, vault: Path) -> Surrogates | None:
    """Surrogates where the recipe asks for any, with those of earlier builds where it keeps a vault."""
    if not policy_of(privacy).pseudonymises:
        return None
    real = {word for names in everybody.values() for name in names for word in name}
    return Surrogates(company_key("surrogates"), read_vault(vault) if privacy.vault else {}, real)


def keep_surrogates(privacy: Privacy, surrogates: Surrogates | None, vault: Path) -> None:
    """Write the vault where the recipe keeps one."""
    if surrogates is not None and privacy.vault:
        write_vault(vault, surrogates.given)


def everybody_of(recipe: Recipe, paths: Paths) -> FullNames:
    """The names of all persons of the data, since tickets quote, forward and copy what others wrote."""
    files = {paths.work / "accepted.parquet": list(recipe.data.example_sources.values())}
    for name, source in recipe.data.sources.items():
        if source.use == "reference":
            files[paths.work / "reference" / f"{name}.parquet"] = [source]
    return full_names(name for file, sources in files.items() for name in _names(file, sources))


def _names(file: Path, sources: Sequence[Source]) -> Iterator[str]:
    contract = merged_contract([read_contract(Path(source.contract)) for source in sources])
    kinds = {column: kind for column, kind in _mask_words(contract).items() if kind in (NAME, UNSAID)}
    for batch in batches_in(file, list(kinds)):
        columns = [column.cast(pa.string()).to_pylist() for column in batch.columns]
        for values in dict.fromkeys(zip(*columns, strict=True)):
            yield from names_of_row(list(kinds.values()), values)


def _mask_words(contract: Contract) -> dict[str, str]:
    """The contract's personal columns, each with its kind as masks say it."""
    return {column: kind.upper() for column, kind in contract.personal.items()}


def _name_finder(names: str | None) -> Callable[[str], Iterable[Span]] | None:
    if names is None:
        return None
    return find_names if names == "builtin" else ModelNames(Path(names))
