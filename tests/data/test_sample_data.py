"""The sample tickets are what their script writes, hold what the truth file says, and nothing that could be real."""

import csv
import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from pipelines.data.contracts.contract import read_contract
from pipelines.paths import Paths
from pipelines.recipe_reader import columns_of, read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest

ROOT = Path(__file__).resolve().parents[2]
EXPORTS = Path("data/raw/support_tickets")
TRUTH = Path("tests/fixtures/support_tickets_truth.json")
CONTRACT = ROOT / "data_contracts/support_tickets.odcs.yaml"
COLUMNS = 14
BODY = 9


def _records(name: str, content: bytes) -> dict[str, bytes]:
    """The rows of an export by `file:line`: a row goes on over a line's end while a quote is open."""
    records: dict[str, bytes] = {}
    start, row = 1, b""
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        start = start if row else number
        row += line
        if row.count(b'"') % 2 == 0:
            records[f"{name}:{start}"] = row
            row = b""
    del records[f"{name}:1"]
    return records


def _cells(row: bytes) -> list[str]:
    return next(csv.reader([row.decode("utf-8", "replace")], strict=True))


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((ROOT / TRUTH).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def raw() -> dict[str, bytes]:
    rows: dict[str, bytes] = {}
    for path in sorted((ROOT / EXPORTS).glob("*.csv")):
        rows |= _records(path.name, path.read_bytes())
    return rows


@pytest.fixture(scope="module")
def cells(raw, truth) -> dict[str, list[str]]:
    """The rows in which nothing is planted that keeps them from being read or accepted."""
    faulty = {fault["record"] for fault in truth["faults"]}
    return {record: _cells(row) for record, row in raw.items() if record not in faulty}


def test_committed_files_are_what_the_script_writes(tmp_path):
    subprocess.run([sys.executable, ROOT / "data/make_support_tickets.py", "--to", tmp_path], check=True)
    fresh = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    committed = [TRUTH, *(path.relative_to(ROOT) for path in (ROOT / EXPORTS).iterdir())]
    assert fresh == {path: (ROOT / path).read_bytes() for path in committed}


def test_truth_counts_the_rows_of_each_export(raw, truth):
    assert Counter(record.split(":")[0] for record in raw) == truth["rows"]
    assert 1_900 < len(raw) < 2_200


def test_rows_that_cannot_be_read_are_exactly_the_planted_ones(raw, truth):
    planted = {fault["record"]: fault["kind"] for fault in truth["faults"] if fault["outcome"] == "rejected_raw"}
    found = {}
    for record, row in raw.items():
        try:
            width = len(next(csv.reader([row.decode("utf-8")], strict=True)))
        except UnicodeDecodeError:
            found[record] = "broken_encoding"
        else:
            if width != COLUMNS:
                found[record] = "too_few_columns" if width < COLUMNS else "too_many_columns"
    assert found == planted


def test_every_other_row_has_its_own_key_and_known_labels(cells, truth):
    keys = Counter(row[0] for row in cells.values())
    assert max(keys.values()) == 1
    for column, label in zip((10, 11, 12), ("product", "intent", "priority"), strict=True):
        assert {row[column] for row in cells.values()} == set(truth["labels"][label])


def test_duplicate_keys_repeat_an_earlier_good_row(raw, cells, truth):
    repeats = [fault for fault in truth["faults"] if fault["kind"] == "duplicate_key"]
    assert repeats
    for fault in repeats:
        assert _cells(raw[fault["record"]])[0] == cells[fault["same_key_as"]][0]
        assert list(raw).index(fault["same_key_as"]) < list(raw).index(fault["record"])


def test_planted_personal_data_secrets_and_order_numbers_stand_in_the_body(raw, cells, truth):
    for kind in ("personal", "secrets", "order_numbers"):
        good = [item for item in truth[kind] if item["record"] in cells]
        assert good
        assert all(item["value"] in cells[item["record"]][BODY] for item in good)
        assert all(item["value"].encode() in raw[item["record"]] for item in truth[kind])


def test_nothing_could_be_a_real_address_telephone_card_or_key(raw):
    text = b"".join(raw.values()).decode("utf-8", "replace")
    domains = set(re.findall(r"@([\w.-]*\w)", text))
    assert domains == {"example.com", "example.org", "example.net"}
    phones = re.findall(r"\d{3}\)?[ -]\d{3}[ -]\d{4}\b", text)
    assert phones
    assert all(re.search(r"555[ -]01\d\d$", phone) for phone in phones)
    cards = {re.sub(r"\D", "", card) for card in re.findall(r"\b(?:\d[ -]?){13,19}\b", text)}
    assert cards == {"4111111111111111", "5555555555554444", "4242424242424242", "378282246310005", "6011111111111117"}
    assert set(re.findall(r"\bAKIA\w+", text)) == {"AKIAIOSFODNN7EXAMPLE"}
    assert re.search(r"\btsk_live_\w{24}\b", text)


def test_only_the_planted_duplicates_are_alike(cells, truth):
    records = list(cells)
    alike = {frozenset((item["record"], item["of"])) for item in truth["duplicates"]}
    found = {
        frozenset((records[a], records[b])) for a, b in _pairs_alike([cells[record][BODY] for record in records], 0.6)
    }
    # A repeated short ticket may fall below; a pair above that nobody planted would be a mistake of the grammar.
    assert found <= alike
    assert len(found) > 0.85 * len(alike)
    exact = [item for item in truth["duplicates"] if item["kind"] == "exact"]
    assert exact
    assert all(cells[item["record"]][8:10] == cells[item["of"]][8:10] for item in exact)


def test_wrong_labels_are_two_to_three_percent(cells, truth):
    noise = truth["label_noise"]
    assert 0.02 < len(noise) / len(cells) < 0.03
    column = {"product": 10, "intent": 11, "priority": 12}
    assert all(cells[item["record"]][column[item["column"]]] != item["true"] for item in noise)


def test_customers_write_often_but_none_rules_a_split(cells):
    tickets = Counter(row[2] for row in cells.values())
    threads = Counter(row[1] for row in cells.values())
    assert tickets.most_common(20)[-1][1] >= 8
    assert tickets.most_common(1)[0][1] < 0.02 * len(cells)
    assert sum(count > 1 for count in threads.values()) > 100


def test_contract_and_recipe_fit_the_data(truth):
    contract = read_contract(CONTRACT)
    header = (ROOT / EXPORTS / "tickets_2026q1.csv").read_text(encoding="utf-8", errors="replace").splitlines()[0]
    assert header.split(",") == [column.name for column in contract.columns]
    allowed = {
        column.name: list(rule.argument) for column in contract.columns for rule in column.rules if rule.name == "enum"
    }
    assert {label: allowed[label] for label in truth["labels"]} == truth["labels"]
    recipe = read_recipe(ROOT / "recipes/support_triage.yaml")
    assert set(itertools.chain(*columns_of(recipe).values())) <= set(header.split(","))


def test_ingest_refuses_exactly_what_was_planted(tmp_path, monkeypatch, truth):
    for folder in ("data", "data_contracts", "recipes"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    recipe = read_recipe(Path("recipes/support_triage.yaml"))
    paths = Paths(recipe.name)
    collect(recipe, paths)
    ingest(recipe, paths)
    refused = [json.loads(line) for line in (paths.work / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()]
    found = {f"{Path(row['source']).name}:{row['line']}": (row["kind"], row["reasons"]) for row in refused}
    assert {record: kind for record, (kind, _) in found.items()} == {
        fault["record"]: fault["outcome"] for fault in truth["faults"]
    }
    for fault in truth["faults"]:
        if fault["column"]:
            assert {reason.split(": ")[0] for reason in found[fault["record"]][1]} == {fault["column"]}


def _pairs_alike(texts: list[str], threshold: float) -> list[tuple[int, int]]:
    """Pairs of texts whose sets of three-word shingles have a Jaccard similarity above `threshold`."""
    shingles = [
        {" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))} for words in map(str.split, texts)
    ]
    number = {shingle: at for at, shingle in enumerate(sorted(set().union(*shingles)))}
    columns = np.array([number[shingle] for part in shingles for shingle in part])
    starts = np.cumsum([0, *map(len, shingles)])
    matrix = csr_array((np.ones(len(columns), dtype=np.int32), columns, starts), shape=(len(texts), len(number)))
    shared = (matrix @ matrix.T).tocoo()
    sizes = np.diff(starts)
    jaccard = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    chosen = (shared.row < shared.col) & (jaccard > threshold)
    return list(zip(shared.row[chosen].tolist(), shared.col[chosen].tolist(), strict=True))
