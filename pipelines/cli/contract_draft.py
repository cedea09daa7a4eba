"""A contract drafted from a sample: types, keys, closed lists and personal columns, for a person to check."""

from collections.abc import Sequence
from typing import Any

from pipelines import strict_yaml
from pipelines.cli.column_draft import ColumnDraft
from pipelines.cli.sample import MOST_ROWS, Sample


def contract_text(
    name: str,
    sample: Sample,
    columns: Sequence[ColumnDraft],
    key: ColumnDraft | None,
    needed: Sequence[ColumnDraft] = (),
    answered: Sequence[ColumnDraft] = (),
) -> str:
    """The contract (ODCS v3.2.0) that the sample seems to keep.

    `key` names the rows; no row may lack `needed` columns; those `answered` are the labels that a model learns.
    """
    head = (
        f"# Drafted by `tinsmith` from up to {MOST_ROWS} rows of {sample.path.name}; make it what you promise.\n"
        "# Rows that break it are quarantined with their reasons: https://bitol-io.github.io/open-data-contract-standard/\n"
    )
    contract = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": name.replace("_", "-"),
        "name": name,
        "version": "0.1.0",
        "status": "draft",
        "schema": [
            {
                "name": name,
                "logicalType": "object",
                "properties": [
                    _property(column, column is key, column in needed, column in answered) for column in columns
                ],
            }
        ],
    }
    return head + strict_yaml.dump(contract)


def _property(column: ColumnDraft, is_key: bool, needed: bool, answered: bool) -> dict[str, Any]:
    drafted: dict[str, Any] = {"name": column.name}
    if column.name != column.source_name:
        drafted["physicalName"] = column.source_name
    drafted["logicalType"] = column.logical_type
    if is_key:
        drafted |= {"primaryKey": True, "unique": True}
    if needed or is_key or len(column.given) == len(column.texts):
        drafted["required"] = True
    if needed and column.logical_type == "string":
        drafted["logicalTypeOptions"] = {"minLength": 1}
    if column.personal:
        drafted |= {
            "classification": "pii",
            "customProperties": [{"property": "piiType", "value": column.personal}],
        }
    if values := column.listed(answered):
        drafted["quality"] = [
            {"type": "library", "metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}
        ]
    return drafted
