"""collect: the rows of one source as text, each with where it stands, so that its contract can judge them.

Reads a source of the recipe and its contract. Writes work/<r>/collected/<source>/: rows.parquet, a copy of the contract
(contract.odcs.yaml), and source.json, which says of what kind and state the source is, and names the files or tables
that were read with their digests and rows.
"""

import gc
import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.progress import track

from pipelines import strict_yaml
from pipelines.data.contracts.contract import read_contract
from pipelines.data.contracts.recipe_contracts import contract_mistakes
from pipelines.data.row_store import write_batches
from pipelines.data.sources.reading import read_source
from pipelines.data.sources.rows import Part
from pipelines.errors import TinsmithError
from pipelines.files import clear_unfinished, write_json, written_whole
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.recipe_sources import DatabaseSource, HubSource, Source
from pipelines.stage_runner import run


def collect(recipe: Recipe, paths: Paths, source: str | None = None) -> None:
    """Collect one source of the recipe, or all of them.

    Raises:
        TinsmithError: the recipe has no such source, or a source or its contract is missing or wrong, or a source holds
            no rows.
    """
    if source is not None and source not in recipe.data.sources:
        known = ", ".join(recipe.data.sources)
        raise TinsmithError(f"{paths.recipe}: data.sources: there is no {source}; it has {known}")
    if mistakes := contract_mistakes(recipe, strict_yaml.load(paths.recipe)):
        raise TinsmithError("\n".join(mistakes))
    for name in [source] if source else recipe.data.sources:
        _collect(name, recipe.data.sources[name], paths.collected(name))


def _collect(name: str, source: Source, target: Path) -> None:
    contract = read_contract(Path(source.contract))
    clear_unfinished(target)
    with written_whole(target) as folder:
        folder.mkdir()
        parts: list[dict[str, Any]] = []
        write_batches(_counted(read_source(source, contract), parts), contract, folder / "rows.parquet")
        if not any(part["rows"] for part in parts):
            place = (source.table or "its query") if isinstance(source, DatabaseSource) else source.path
            raise TinsmithError(f"data.sources.{name}: {place} holds no rows; nothing can be learned from it")
        shutil.copyfile(contract.path, folder / "contract.odcs.yaml")
        write_json(folder / "source.json", _state(source) | {"files": parts})


def _state(source: Source) -> dict[str, Any]:
    """The source's type, and of which commit or day its rows are, where it has many; nothing that tells its address."""
    told: dict[str, Any] = {"type": source.type}
    if isinstance(source, HubSource):
        told["dataset"] = source.dataset
    elif isinstance(source, DatabaseSource):
        told["as_of"] = source.as_of.isoformat()
    return told


def _counted(parts: Iterator[Part], counted: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    """The rows of every part, counted as they are read: the balance's left side, apart from its right.

    What was read of each part is told in `counted`. A part that is no file is known by the digest of its rows.
    """
    shown = track(parts, "reading", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    for part in shown:
        rows = 0
        digest = hashlib.sha256()
        for batch in part.batches:
            rows += batch.num_rows
            if part.sha256 is None:
                digest.update("".join(f"{raw}\n" for raw in batch["raw"].to_pylist()).encode())
            yield batch
        told = {"file": part.label, "sha256": part.sha256 or digest.hexdigest(), "rows": rows}
        others = {"copy_of": part.copy_of, "alias": part.alias}
        counted.append(told | {key: value for key, value in others.items() if value})


if __name__ == "__main__":
    # Rows form no cycles: looking for some after every few hundred of them takes a third of the time.
    gc.set_threshold(100_000)
    run(collect)
