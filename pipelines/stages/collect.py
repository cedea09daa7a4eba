"""collect: the rows of one source as text, each with where it stands, so that its contract can judge them.

Reads a source of the recipe and its contract. Writes work/<r>/collected/<source>/: rows.parquet, a copy of the contract
(contract.odcs.yaml), and source.json, which names the files that were read with their digests and rows.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track

from pipelines import strict_yaml
from pipelines.data.contract import Contract, read_contract
from pipelines.data.recipe_contracts import contract_mistakes
from pipelines.data.row_store import write_rows
from pipelines.data.sources import Row, SourceFile, find_files, read_rows
from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file, write_json, written_whole
from pipelines.paths import Paths
from pipelines.recipe import FilesSource, Recipe
from pipelines.stage_runner import run


def collect(recipe: Recipe, paths: Paths, name: str) -> None:
    """Collect the source `name` of the recipe.

    Raises:
        TinsmithError: the recipe has no such source, or the source or its contract is missing or wrong,
            or the source holds no rows.
    """
    if name not in recipe.data.sources:
        raise TinsmithError(
            f"{paths.recipe}: data.sources: there is no {name}; it has {', '.join(recipe.data.sources)}"
        )
    if mistakes := contract_mistakes(recipe, strict_yaml.load(paths.recipe)):
        raise TinsmithError("\n".join(mistakes))
    source = recipe.data.sources[name]
    contract = read_contract(Path(source.contract))
    files = find_files(source)
    with written_whole(paths.collected(name)) as folder:
        folder.mkdir()
        rows_of: Counter[str] = Counter()
        write_rows(_counted(files, source, contract, rows_of), contract, folder / "rows.parquet")
        if not rows_of.total():
            raise TinsmithError(
                f"data.sources.{name}.path: {source.path} holds no rows; nothing can be learned from it"
            )
        shutil.copyfile(contract.path, folder / "contract.odcs.yaml")
        read = [
            {"file": file.label, "sha256": sha256_of_file(file.path), "rows": rows_of[file.label]} for file in files
        ]
        write_json(folder / "source.json", {"type": source.type, "files": read})


def _counted(
    files: tuple[SourceFile, ...], source: FilesSource, contract: Contract, rows_of: Counter[str]
) -> Iterator[Row]:
    """Every row of every file, counted in `rows_of` as it is read: the balance's left side, apart from its right."""
    shown = track(files, "reading rows", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    for file in shown:
        for row in read_rows(file, source, contract):
            rows_of[file.label] += 1
            yield row


if __name__ == "__main__":
    run(collect)
