"""Inputs that once broke the contract loader, and a first few fresh ones; `make fuzz` goes on for ten minutes."""

import random

from pipelines.data.contracts.contract import read_contract
from tests.fuzz.fuzz_contracts import FOUND, REPOSITORY, check, mutated


def test_what_was_found_once_stays_mended():
    for path in FOUND.glob("*.odcs.yaml"):
        assert check(path) in ("read", "refused"), path.name


def test_broken_contracts_are_read_or_refused(tmp_path):
    chance = random.Random(0)
    path = tmp_path / "fuzzed.odcs.yaml"
    ends = set()
    for _ in range(60):
        path.write_bytes(mutated(chance))
        ends.add(check(path))
    assert ends == {"read", "refused"}


def test_the_contract_that_uses_everything_is_good():
    contract = read_contract(REPOSITORY / "tests/fuzz/everything.odcs.yaml")
    assert len(contract.columns) == 10
    assert len(contract.references) == 2
    assert len(contract.data_set_rules) == 8
