"""Persons who asked to be forgotten: a list that itself tells nobody's name, and the check against it.

Each line is the HMAC-SHA-256 of a contract's id and a subject's id under the company's key. Lines starting with # are
remarks. The file is committed, so that every later build leaves these persons out.
"""

import hmac
from collections.abc import Set
from pathlib import Path

from pipelines.files import write_text

FORGOTTEN = Path("data_contracts/forgotten.txt")
HEAD = "# Persons to leave out of every build; written by `tinsmith forget`. No line tells who it is.\n"


def tombstone(key: bytes, contract_id: str, subject: str) -> str:
    """The line that stands for a subject of one data set, under `company_key("forget")`."""
    return hmac.digest(key, f"{contract_id}\0{subject}".encode(), "sha256").hex()


def read_tombstones(path: Path = FORGOTTEN) -> Set[str]:
    """Every line that stands for a person; empty without the file."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


def add_tombstones(lines: Set[str], path: Path = FORGOTTEN) -> None:
    """Add lines to the list, which stays sorted, so that the order tells nothing either."""
    write_text(path, HEAD + "".join(f"{line}\n" for line in sorted(read_tombstones(path) | lines)))
