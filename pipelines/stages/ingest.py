"""Read the company's rows and hold each against the contract.

Reads the recipe's source files and its contract. Writes work/<r>/accepted.parquet (typed), work/<r>/quarantine.jsonl
(each refused row once, with every reason) and reports/<r>/ingest.json, in which
rows_in = accepted + quarantined + rejected_raw, exactly.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track

from pipelines import strict_yaml
from pipelines.data.contract import Contract, contract_mistakes, read_contract
from pipelines.data.quarantine import Refused, judged_rows, write_accepted, write_quarantine
from pipelines.data.sources import Row, SourceFile, find_files, read_rows
from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file, write_json
from pipelines.paths import Paths
from pipelines.recipe import FilesSource, Recipe
from pipelines.stage_runner import run

_TOP_REASONS = 5


def ingest(recipe: Recipe, paths: Paths) -> None:
    """Sort the rows of the recipe's source into accepted and refused.

    Raises:
        TinsmithError: the contract or the source is missing or wrong, the source is empty, or every row was refused
            (then the quarantine was written).
    """
    if mistakes := contract_mistakes(recipe, strict_yaml.load(paths.recipe)):
        raise TinsmithError("\n".join(mistakes))
    contract = read_contract(Path(recipe.data.contract))
    source = recipe.data.source
    files = find_files(source)
    digests = {file.label: sha256_of_file(file.path) for file in files}
    rows_of: Counter[str] = Counter()
    rows = _counted(files, source, contract, rows_of)
    with judged_rows(rows, contract, paths.scratch / "ingest") as database:
        _refuse_copies(files, digests, rows_of)
        rows_in = rows_of.total()
        if not rows_in:
            raise TinsmithError(f"data.source.path: {source.path} holds no rows; nothing can be learned from it")
        quarantine = paths.work / "quarantine.jsonl"
        refused = write_quarantine(database, quarantine)
        if refused.quarantined + refused.rejected_raw == rows_in:
            raise TinsmithError(_nothing_accepted(rows_in, refused, quarantine))
        accepted = write_accepted(database, contract, paths.work / "accepted.parquet")
    if rows_in != accepted + refused.quarantined + refused.rejected_raw:
        raise AssertionError(f"{rows_in} rows were read, but {accepted} accepted and {refused} refused")
    write_json(
        paths.reports / "ingest.json",
        {
            "rows_in": rows_in,
            "accepted": accepted,
            "quarantined": refused.quarantined,
            "rejected_raw": refused.rejected_raw,
            "reasons": dict(_by_count(refused)),
            "sources": [
                {"file": file.label, "sha256": digests[file.label], "rows": rows_of[file.label]} for file in files
            ],
            "contract": {"id": contract.id, "version": contract.version, "sha256": contract.sha256},
        },
    )


def _refuse_copies(files: tuple[SourceFile, ...], digests: dict[str, str], rows_of: Counter[str]) -> None:
    """Two files of the same bytes would count every row twice; only files without rows may be alike."""
    labels: dict[str, str] = {}
    for file in files:
        first = labels.setdefault(digests[file.label], file.label)
        if first != file.label and rows_of[file.label]:
            raise TinsmithError(f"{file.path}: the same file as {first}, byte for byte; take one of them away")


def _counted(
    files: tuple[SourceFile, ...], source: FilesSource, contract: Contract, rows_of: Counter[str]
) -> Iterator[Row]:
    """Every row of every file, counted in `rows_of` as it is read: the balance's left side, apart from its right."""
    shown = track(files, "reading rows", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    for file in shown:
        for row in read_rows(file, source, contract):
            rows_of[file.label] += 1
            yield row


def _by_count(refused: Refused) -> list[tuple[str, int]]:
    return sorted(refused.reasons.items(), key=lambda item: (-item[1], item[0]))


def _nothing_accepted(rows_in: int, refused: Refused, quarantine: Path) -> str:
    top = ", ".join(f"{reason} ({count})" for reason, count in _by_count(refused)[:_TOP_REASONS])
    return f"all {rows_in} rows were refused: {top}; {quarantine} holds each row with its reasons"


if __name__ == "__main__":
    run(ingest)
