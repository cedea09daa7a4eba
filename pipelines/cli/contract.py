"""`tinsmith contract`: drafting a contract from data, and telling which changes to one break."""

import re
from pathlib import Path

from pipelines.cli.column_draft import draft_columns
from pipelines.cli.contract_draft import contract_text
from pipelines.cli.sample import read_sample
from pipelines.data.contracts.contract import read_contract
from pipelines.data.contracts.diff import changes
from pipelines.errors import TinsmithError
from pipelines.files import write_text


def infer_contract(sample_file: Path) -> None:
    """Write data_contracts/<file's name>.odcs.yaml, drafted from the rows of a file (see read_sample).

    Raises:
        TinsmithError: the contract is there already, or nothing can be drafted from the file; then nothing is written.
    """
    name = re.sub(r"[^a-z0-9]+", "_", sample_file.name.split(".")[0].lower()).strip("_") or "data"
    contract_file = Path("data_contracts") / f"{name}.odcs.yaml"
    if contract_file.exists():
        raise TinsmithError(f"{contract_file}: is already there; delete it first, or rename {sample_file}")
    sample = read_sample(sample_file)
    columns, left_out = draft_columns(sample)
    key = next((column for column in columns if column.is_unique_id), None)
    write_text(contract_file, contract_text(name, sample, columns, key))
    read_contract(contract_file)
    personal = [column.name for column in columns if column.personal]
    print(f"wrote {contract_file}: {len(columns)} columns; personal: {', '.join(personal) or 'none'}")
    if left_out:
        print(f"  left out, because their values are nested or of two types: {', '.join(left_out)}")


def diff_contracts(old_file: Path, new_file: Path) -> bool:
    """Print every change between two versions of a contract, one a line; returns whether one of them breaks."""
    found = changes(read_contract(old_file), read_contract(new_file))
    for change in found:
        print(change)
    breaking = sum(change.breaks for change in found)
    print(f"{len(found)} changes, {breaking} of them breaking")
    return breaking > 0
