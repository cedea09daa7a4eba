"""Persons who asked to be forgotten: a list that itself tells nobody's name, and the check against it.

A line is the HMAC-SHA-256 of a contract's id and a subject's id under the company's key, and the contract's id. The
line `key` is the HMAC of a constant, by which another key is noticed. Lines starting with # are remarks. The file is
committed, so that every later build leaves these persons out.
"""

import hmac
import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from pipelines.data.privacy.vault import KEY
from pipelines.errors import TinsmithError
from pipelines.files import write_text

FORGOTTEN = Path("data_contracts/forgotten.txt")
HEAD = "# Persons to leave out of every build; written by `tinsmith forget`. No line tells who it is.\n"
_LINE = re.compile(r"key (?P<key>[0-9a-f]{64})|(?P<tombstone>[0-9a-f]{64}) (?P<contract>\S.*)")


def tombstone(key: bytes, contract_id: str, subject: str) -> str:
    """What stands for a subject of one data set, under `company_key("forget")`."""
    return hmac.digest(key, f"{contract_id}\0{subject}".encode(), "sha256").hex()


def read_tombstones(path: Path = FORGOTTEN) -> dict[str, str]:
    """Every person's tombstone with the id of its contract; empty without the file.

    Raises:
        TinsmithError: a line is none that `tinsmith forget` writes.
    """
    return {line["tombstone"]: line["contract"] for line in _lines(path) if line["tombstone"]}


def check_key(key: bytes, path: Path = FORGOTTEN) -> None:
    """Raise TinsmithError where the list was written under another key, by which nobody on it would be found."""
    lines = list(_lines(path))
    if lines and {line["key"] for line in lines if line["key"]} != {_check_value(key)}:
        raise TinsmithError(
            f"{path}: was written under another {KEY}, so nobody on it would be left out; set that key again or, where "
            "it is lost, delete the file and run `tinsmith forget` again for everybody who was on it"
        )


def check_contracts(known: Set[str], path: Path = FORGOTTEN) -> None:
    """Raise TinsmithError where the list holds persons of a contract whose id is not among those `known`."""
    unknown = sorted(set(read_tombstones(path).values()) - known)
    if unknown:
        raise TinsmithError(
            f"{path}: nobody of {', '.join(unknown)} is left out, since no recipe has a contract of that id; give the "
            "contract its old id back or, where the data set is gone, delete its lines"
        )


def add_tombstones(key: bytes, contracts: Mapping[str, str], path: Path = FORGOTTEN) -> None:
    """Add tombstones with their contracts' ids to the list, which stays sorted, so that the order tells nothing either.

    Raises:
        TinsmithError: the list was written under another key.
    """
    check_key(key, path)
    lines = sorted(f"{stands} {contract}\n" for stands, contract in {**read_tombstones(path), **contracts}.items())
    write_text(path, f"{HEAD}key {_check_value(key)}\n{''.join(lines)}")


def _check_value(key: bytes) -> str:
    # A tombstone's message holds a zero byte, this one none: neither can be taken for the other.
    return hmac.digest(key, b"the key of this list", "sha256").hex()


def _lines(path: Path) -> Iterator[re.Match[str]]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for number, line in enumerate(text.split("\n"), 1):
        if line and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            if not match:
                raise TinsmithError(
                    f"{path}:{number}: is no line of `tinsmith forget`, which writes `key` and 64 hexadecimal "
                    "digits, or 64 of them and a contract's id; bring the file back from git"
                )
            yield match
