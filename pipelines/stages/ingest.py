"""ingest: the collected rows of every source, each held against its contract.

Reads work/<r>/collected/. Writes work/<r>/accepted.parquet (the typed rows that become examples), work/<r>/reference/
(the typed rows of each source that is only looked up), work/<r>/quarantine.jsonl (each refused row once, with every
reason) and reports/<r>/ingest.json, in which rows_in = accepted + quarantined + rejected_raw, exactly.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.data.contracts.contract import Contract, merged_contract, read_contract
from pipelines.data.contracts.data_set_checks import Finding, findings_report, judge_data_set, needs_file, verdict
from pipelines.data.contracts.recipe_contracts import in_reference_order
from pipelines.data.quarantine import (
    Refused,
    accepted_writer,
    append_accepted,
    append_quarantine,
    date_ranges,
    judged_rows,
    write_accepted,
)
from pipelines.errors import TinsmithError
from pipelines.files import clear_unfinished, read_json, write_json, written_whole
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe
from pipelines.stage_runner import run

_TOP_REASONS = 5
_REFERENCE = "The accepted rows of each source that is only looked up, a file for each; often there is none.\n"


@dataclass(frozen=True)
class _Collected:
    """What collect wrote of one source: its rows, its contract, its kind and state, and the files that were read."""

    name: str
    use: str
    rows: Path
    contract: Contract
    state: dict[str, Any]
    files: list[dict[str, Any]]

    @property
    def rows_in(self) -> int:
        return sum(file["rows"] for file in self.files)


@dataclass(frozen=True)
class _Judged:
    source: _Collected
    accepted: int
    refused: Refused
    findings: tuple[Finding, ...]
    dates: dict[str, tuple[str, str]]


def ingest(recipe: Recipe, paths: Paths) -> None:
    """Sort the collected rows into accepted and refused.

    Raises:
        TinsmithError: a source was not collected, or repeats a file, or none of its rows was accepted, or its contract
            stops the line for the rows refused or for a rule on the data set (then the quarantine was written).
    """
    collected = [_collected(recipe, paths, name) for name in recipe.data.sources]
    _refuse_copies(collected)
    accepted, reference = paths.work / "accepted.parquet", paths.work / "reference"
    # Rows must not outlive their next build in what a killed one left.
    clear_unfinished(accepted, reference, paths.work / "quarantine.jsonl")
    with written_whole(accepted) as fresh_accepted, written_whole(reference) as fresh_reference:
        fresh_reference.mkdir()
        (fresh_reference / "README.txt").write_text(_REFERENCE)
        judged = _judge(recipe, collected, paths, fresh_accepted, fresh_reference)
        for one in judged:
            _check_balance(one, paths)
        if broken := [line for one in judged for line in _verdict(one)]:
            raise TinsmithError("\n".join(broken))
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
    check_made("collect", recipe.name, folder)
    source = recipe.data.sources[name]
    # Its mistakes are to be mended where its author wrote it.
    contract = replace(read_contract(folder / "contract.odcs.yaml"), path=Path(source.contract))
    state = read_json(folder / "source.json")
    files = state.pop("files")
    return _Collected(name, source.use, folder / "rows.parquet", contract, state, files)


def _refuse_copies(collected: Sequence[_Collected]) -> None:
    """Two files of the same bytes would count every row twice; files without rows and refused copies may be alike."""
    first: dict[tuple[str, str], str] = {}
    for source in collected:
        for file in source.files:
            label = f"{source.name}/{file['file']}"
            same = first.setdefault((source.use, file["sha256"]), label)
            if same != label and file["rows"] and "copy_of" not in file:
                raise TinsmithError(f"{label}: the same file as {same}, byte for byte; take one of them away")


def _judge(
    recipe: Recipe, collected: Sequence[_Collected], paths: Paths, accepted: Path, reference: Path
) -> list[_Judged]:
    examples = merged_contract([source.contract for source in collected if source.use == "examples"])
    by_name = {source.name: source for source in collected}
    as_of = recipe.data.as_of
    tables: dict[str, Path] = {}
    judged = []
    with (
        written_whole(paths.work / "quarantine.jsonl") as fresh,
        fresh.open("w", encoding="utf-8", newline="\n") as quarantine,
        accepted_writer(accepted, examples) as writer,
    ):
        for name in in_reference_order({source.name: source.contract for source in collected}):
            rows, contract = by_name[name].rows, by_name[name].contract
            with judged_rows(rows, contract, paths.scratch / "ingest", as_of, tables) as database:
                refused = append_quarantine(database, name, contract, quarantine)
                if by_name[name].use == "examples":
                    count = append_accepted(database, name, contract, writer)
                    alone = paths.scratch / "accepted" / f"{name}.parquet"
                    if needs_file(contract) or _is_referred_to(contract, collected):
                        write_accepted(database, name, contract, alone)
                else:
                    alone = reference / f"{name}.parquet"
                    count = write_accepted(database, name, contract, alone)
                tables[contract.table] = alone
                findings = judge_data_set(database, contract, alone, as_of)
                dates = date_ranges(database, contract)
            judged.append(_Judged(by_name[name], count, refused, findings, dates))
    shutil.rmtree(paths.scratch / "accepted", ignore_errors=True)
    return judged


def _is_referred_to(contract: Contract, collected: Sequence[_Collected]) -> bool:
    return any(one.to_table == contract.table for source in collected for one in source.contract.references)


def _verdict(judged: _Judged) -> list[str]:
    return verdict(judged.source.contract, judged.source.rows_in, judged.refused, judged.findings)


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
        **source.state,
        "rows_in": source.rows_in,
        "accepted": judged.accepted,
        "quarantined": judged.refused.quarantined,
        "rejected_raw": judged.refused.rejected_raw,
        "rules": findings_report(judged.findings),
        "contract": {
            "id": contract.id,
            "version": contract.version,
            "sha256": contract.sha256,
            "license": contract.terms.license,
            "permittedPurposes": contract.terms.purposes,
        },
        "dates": judged.dates,
        "files": _reported(source.files),
    }


def _reported(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The files as collect tells of them, each called as it may be in a committed report."""
    called = {file["file"]: file.get("alias", file["file"]) for file in files}
    return [
        {key: called[value] if key in ("file", "copy_of") else value for key, value in file.items() if key != "alias"}
        for file in files
    ]


def _by_count(refused: Refused) -> list[tuple[str, int]]:
    return sorted(refused.reasons.items(), key=lambda item: (-item[1], item[0]))


if __name__ == "__main__":
    run(ingest)
