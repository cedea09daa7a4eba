"""ingest: the collected rows of every source, each held against its contract.

Reads work/<r>/collected/. Writes work/<r>/accepted.parquet (the typed rows that become examples), work/<r>/reference/
(the typed rows of each source that is only looked up), work/<r>/quarantine.jsonl (each refused row once, with every
reason) and reports/<r>/ingest.json, in which rows_in = accepted + quarantined + rejected_raw, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.data.contract import Contract, merged_contract, read_contract
from pipelines.data.quarantine import Refused, accepted_schema, append_accepted, append_quarantine, judged_rows
from pipelines.errors import TinsmithError
from pipelines.files import read_json, write_json, written_whole
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.stage_runner import run

_TOP_REASONS = 5


@dataclass(frozen=True)
class _Collected:
    """What collect wrote of one source: its rows, its contract, and the files that were read."""

    name: str
    use: str
    rows: Path
    contract: Contract
    files: list[dict[str, Any]]

    @property
    def rows_in(self) -> int:
        return sum(file["rows"] for file in self.files)


@dataclass(frozen=True)
class _Judged:
    source: _Collected
    accepted: int
    refused: Refused


def ingest(recipe: Recipe, paths: Paths) -> None:
    """Sort the collected rows into accepted and refused.

    Raises:
        TinsmithError: a source was not collected, or repeats a file, or none of its rows was accepted (then the
            quarantine was written).
    """
    collected = [_collected(recipe, paths, name) for name in recipe.data.sources]
    _refuse_copies(collected)
    accepted, reference = paths.work / "accepted.parquet", paths.work / "reference"
    with written_whole(accepted) as fresh_accepted, written_whole(reference) as fresh_reference:
        fresh_reference.mkdir()
        judged = _judge(collected, paths, fresh_accepted, fresh_reference)
        for one in judged:
            _check_balance(one, paths)
    total = Refused()
    for one in judged:
        total.add(one.refused)
    write_json(
        paths.reports / "ingest.json",
        {
            "rows_in": sum(source.rows_in for source in collected),
            "accepted": sum(one.accepted for one in judged),
            "quarantined": total.quarantined,
            "rejected_raw": total.rejected_raw,
            "reasons": dict(_by_count(total)),
            "sources": {one.source.name: _report(one) for one in judged},
        },
    )


def _collected(recipe: Recipe, paths: Paths, name: str) -> _Collected:
    folder = paths.collected(name)
    if not folder.is_dir():
        command = f"python -m pipelines.stages.collect {recipe.name}"
        raise TinsmithError(f"{folder}: not there yet; run `{command}` first")
    source = recipe.data.sources[name]
    contract = read_contract(folder / "contract.odcs.yaml")
    files = read_json(folder / "source.json")["files"]
    return _Collected(name, source.use, folder / "rows.parquet", contract, files)


def _refuse_copies(collected: Sequence[_Collected]) -> None:
    """Two files of the same bytes would count every row twice; only files without rows may be alike."""
    first: dict[tuple[str, str], str] = {}
    for source in collected:
        for file in source.files:
            label = f"{source.name}/{file['file']}"
            same = first.setdefault((source.use, file["sha256"]), label)
            if same != label and file["rows"]:
                raise TinsmithError(f"{label}: the same file as {same}, byte for byte; take one of them away")


def _judge(collected: Sequence[_Collected], paths: Paths, accepted: Path, reference: Path) -> list[_Judged]:
    examples = merged_contract([source.contract for source in collected if source.use == "examples"])
    judged = []
    with (
        written_whole(paths.work / "quarantine.jsonl") as fresh,
        fresh.open("w", encoding="utf-8", newline="\n") as quarantine,
        pq.ParquetWriter(accepted, accepted_schema(examples), compression="zstd") as writer,
    ):
        for source in collected:
            with judged_rows(source.rows, source.contract, paths.scratch / "ingest") as database:
                refused = append_quarantine(database, source.name, quarantine)
                if source.use == "examples":
                    count = append_accepted(database, source.name, source.contract, writer)
                else:
                    schema = accepted_schema(source.contract)
                    with pq.ParquetWriter(reference / f"{source.name}.parquet", schema, compression="zstd") as apart:
                        count = append_accepted(database, source.name, source.contract, apart)
            judged.append(_Judged(source, count, refused))
    return judged


def _check_balance(judged: _Judged, paths: Paths) -> None:
    source, refused = judged.source, judged.refused
    if not judged.accepted:
        top = ", ".join(f"{reason} ({count})" for reason, count in _by_count(refused)[:_TOP_REASONS])
        quarantine = paths.work / "quarantine.jsonl"
        raise TinsmithError(
            f"all {source.rows_in} rows of {source.name} were refused: {top}; {quarantine} holds each with its reasons"
        )
    if source.rows_in != judged.accepted + refused.quarantined + refused.rejected_raw:
        raise AssertionError(f"{source.rows_in} rows were read, but {judged.accepted} accepted and {refused} refused")


def _report(judged: _Judged) -> dict[str, Any]:
    source, contract = judged.source, judged.source.contract
    return {
        "use": source.use,
        "rows_in": source.rows_in,
        "accepted": judged.accepted,
        "quarantined": judged.refused.quarantined,
        "rejected_raw": judged.refused.rejected_raw,
        "contract": {"id": contract.id, "version": contract.version, "sha256": contract.sha256},
        "files": source.files,
    }


def _by_count(refused: Refused) -> list[tuple[str, int]]:
    return sorted(refused.reasons.items(), key=lambda item: (-item[1], item[0]))


if __name__ == "__main__":
    run(ingest)
