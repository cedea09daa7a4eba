import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.privacy.forgotten import FORGOTTEN, read_tombstones


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TINSMITH_KEY", "k" * 40)


@pytest.fixture
def built(good_recipe):
    """The small recipe after a build, in which ticket 2's customer stands once in train."""
    contract = good_recipe.parents[1] / "data_contracts/tickets.odcs.yaml"
    marked = "logicalType: string, customProperties: [{property: subjectId, value: true}]}"
    contract.write_text(contract.read_text().replace("ticket_id, logicalType: string}", f"ticket_id, {marked}"))
    write_build(Path("work/tickets"), Path("reports/tickets"), train=RECORDS[1:], version=3, fingerprint="abc123")


RECORDS = ["tickets/tickets.csv:2", "tickets/tickets.csv:3"]


def write_build(work, reports, train, **receipt):
    for folder in (work / "gguf", reports):
        folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"_record": RECORDS, "ticket_id": ["1", "2"]}), work / "accepted.parquet")
    for side, examples in {"train": train, "validation": [], "test": RECORDS[:1]}.items():
        pq.write_table(pa.table({"example_id": pa.array(examples, pa.string())}), work / f"{side}.parquet")
    (work / "gguf/tickets.gguf").write_text(str(receipt))
    (reports / "datasheet.json").write_text(json.dumps({"rows": {"train": len(train)}}))
    (reports / "registry.json").write_text(json.dumps({"model": "tickets", **receipt}))


@pytest.mark.usefixtures("built")
def test_it_tells_what_holds_the_person_and_lists_her_without_her_id(tinsmith):
    code, said, _ = tinsmith("forget", "--subject", "2")
    assert code == 0
    assert "tickets: 1 rows of tickets 1.0.0; examples: 1 in train, 0 in validation, 0 in test" in said
    assert "trained into: tickets version 3, fingerprint abc123" in said
    before = read_tombstones()
    assert list(before.values()) == ["tickets"]
    assert "left out of tickets from the next" in said
    tinsmith("forget", "--subject", "2")
    assert read_tombstones() == before


@pytest.mark.usefixtures("built")
def test_a_person_only_in_test_is_in_no_model(tinsmith):
    said = tinsmith("forget", "--subject", "1")[1]
    assert "1 in test" in said
    assert "trained into" not in said


@pytest.mark.usefixtures("built")
def test_somebody_unknown_is_listed_all_the_same_for_rows_that_come_later(tinsmith):
    assert "tickets: 0 rows" in tinsmith("forget", "--subject", "99")[1]
    assert len(read_tombstones()) == 1


@pytest.mark.usefixtures("good_recipe")
def test_without_a_marked_column_it_says_how_to_mark_one(tinsmith):
    code, _, error = tinsmith("forget", "--subject", "2")
    assert code == 2
    assert "property: subjectId" in error
    assert not FORGOTTEN.exists()


@pytest.mark.usefixtures("built")
def test_without_a_key_nothing_is_written(tinsmith, monkeypatch):
    monkeypatch.delenv("TINSMITH_KEY")
    code, _, error = tinsmith("forget", "--subject", "2")
    assert code == 2
    assert "TINSMITH_KEY is not set" in error
    assert not FORGOTTEN.exists()


@pytest.mark.usefixtures("built")
def test_another_key_than_the_lists_adds_nobody(tinsmith, monkeypatch):
    tinsmith("forget", "--subject", "2")
    before = FORGOTTEN.read_bytes()
    monkeypatch.setenv("TINSMITH_KEY", "x" * 40)
    code, said, error = tinsmith("forget", "--subject", "1")
    assert (code, said) == (2, "")
    assert "another TINSMITH_KEY" in error
    assert FORGOTTEN.read_bytes() == before


@pytest.mark.usefixtures("built")
def test_it_says_what_goes_on_to_hold_the_person(tinsmith):
    assert "vault.enc" not in tinsmith("forget", "--subject", "2")[1]
    Path("work/tickets/vault.enc").touch()
    said = tinsmith("forget", "--subject", "2")[1]
    assert "work/tickets/vault.enc may hold the person's stand-ins" in said
    assert "accepted.parquet, reference" in said


@pytest.mark.usefixtures("built")
def test_rows_from_before_the_column_came_are_told(tinsmith):
    pq.write_table(pa.table({"_record": RECORDS}), "work/tickets/accepted.parquet")
    code, _, error = tinsmith("forget", "--subject", "2")
    assert code == 2
    assert "work/tickets/accepted.parquet: has no ticket_id; run `dvc repro`" in error
    assert len(read_tombstones()) == 1


DVC = """
stages:
  prepare:
    cmd:
      - mkdir -p work/tickets reports/tickets
      - cp -r made/work/. work/tickets
      - cp made/reports/datasheet.json reports/tickets
    deps: [made/work]
    outs:
      - work/tickets/accepted.parquet
      - work/tickets/train.parquet
      - work/tickets/validation.parquet
      - work/tickets/test.parquet
      - work/tickets/gguf
      - reports/tickets/datasheet.json: {cache: false}
  register:
    cmd: cp made/reports/registry.json reports/tickets
    deps: [work/tickets/gguf, reports/tickets/datasheet.json]
    outs:
      - reports/tickets/registry.json: {cache: false}
"""


def run(*words):
    subprocess.run(words, check=True)


def build(stage, **made):
    """Make some of the walk again and commit what git holds of it."""
    write_build(Path("made/work"), Path("made/reports"), **made)
    run(sys.executable, "-m", "dvc", "repro", "-q", stage)
    run("git", "add", "-A")
    run("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "build")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")
@pytest.mark.usefixtures("built")
def test_earlier_models_are_found_by_the_builds_that_git_and_dvc_keep(tinsmith, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    Path("dvc.yaml").write_text(DVC)
    Path(".gitignore").write_text("/work/\n/made/\n")
    run("git", "init", "-q")
    run(sys.executable, "-m", "dvc", "init", "-q")
    build("register", train=RECORDS[1:], version=3, fingerprint="abc123")
    build("register", train=[], version=4, fingerprint="def456")
    said = tinsmith("forget", "--subject", "2")[1]
    assert "examples: 0 in train" in said
    assert "trained into: tickets version 3, fingerprint abc123; commit " in said
    assert "version 4" not in said

    # A receipt that was committed together with the data of a later build tells nothing of its own.
    write_build(Path("made/work"), Path("made/reports"), train=RECORDS[1:], version=None, fingerprint="b", run_id="r5")
    run(sys.executable, "-m", "dvc", "repro", "-q", "register")
    build("prepare", train=[], version=6, fingerprint="c")
    said = tinsmith("forget", "--subject", "2")[1]
    assert "not known: tickets without a version, run r5, fingerprint b; commit " in said

    shutil.rmtree(".dvc/cache")
    said = tinsmith("forget", "--subject", "2")[1]
    assert "not known: tickets version 3" in said
    assert "trained into" not in said
