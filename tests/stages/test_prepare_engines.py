"""prepare writes the same bytes whatever its slow steps run on."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.privacy.vault import read_vault
from pipelines.files import write_json, write_text
from pipelines.model.base import folder_digest
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.recipe_reader import as_yaml

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: notes
version: 1.0.0
status: active
schema:
  - name: notes
    properties:
      - {name: customer, logicalType: string}
      - {name: person, logicalType: string, customProperties: [{property: piiType, value: person}]}
      - name: body
        logicalType: string
        required: true
        customProperties: [{property: containsPii, value: [person, address]}]
      - {name: written, logicalType: timestamp}
      - {name: label, logicalType: string, required: true}
"""
BODIES = (
    "note {n}: Ada Okafor wrote from x{n}@example.com about her lamp",
    "note {n}: my colleague Grace Will of 12 High Street called (312) 555-0{few:03d}",
    "note {n}: the key is AKIAIOSFODNN7EXAMPLE{n}",
    "note {n}: the lamp hums at 10.0.0.{few}",
)
ROWS = 1_300


@pytest.fixture
def project(tmp_path, monkeypatch, chatml_base):
    """A folder in which everything lies that prepare reads; gives a function that runs it on an engine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINSMITH_KEY", "k" * 40)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    paths = Paths("notes")
    write_text(Path("notes.odcs.yaml"), CONTRACT)
    write_text(Path("prices.yaml"), (ROOT / "prices.yaml").read_text())
    counts = {"rows_in": ROWS, "accepted": ROWS, "quarantined": 0, "rejected_raw": 0}
    contract = {"id": "notes", "version": "1.0.0", "sha256": "cd" * 32, "license": "CC0", "permittedPurposes": None}
    source = {"use": "examples", **counts, "contract": contract, "dates": {}, "files": []}
    write_json(paths.reports / "ingest.json", {**counts, "reasons": {}, "sources": {"notes": source}})
    rows = [
        {
            "_record": f"notes/notes.csv:{n + 2}",
            "customer": f"c{n % 90}",
            "person": "Ada Okafor" if n % 3 else None,
            "body": BODIES[n % 4].format(n=n, few=n % 250),
            "written": datetime(2026, 1, 1, 0, n // 60, n % 60, n, tzinfo=UTC),
            "label": "good" if n % 2 else "bad",
        }
        for n in range(ROWS)
    ]
    paths.work.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), paths.work / "accepted.parquet")

    def run(engine):
        write_text(paths.resolved, as_yaml(recipe(engine, chatml_base)))
        command = [sys.executable, "-m", "pipelines.stages.prepare", "notes"]
        done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        vault = paths.work / "vault.enc"
        given = read_vault(vault)
        vault.unlink()
        written = [*paths.work.glob("*"), *paths.reports.glob("*.*")]
        return given, {str(path): path.read_bytes() for path in written if path.is_file()}

    return run


def recipe(engine, base):
    data = {
        "sources": {"notes": {"contract": "notes.odcs.yaml", "type": "files", "path": "notes.csv"}},
        "engine": engine,
        "split": {"group_by": ["customer"], "test": 0.3, "validation": 0.2},
        "example": {"system": "Sort.", "user": "{body}", "assistant": {"json": ["label"]}},
        "privacy": {"names": "builtin", "personal": "pseudonymise"},
    }
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": "notes",
                "purpose": "Sort notes.",
                "owner": "notes@example.com",
                "data": data,
                "model": {"base": str(base), "sha256": folder_digest(base)},
                "register": {"model": "notes"},
            }
        )
    )


def test_every_engine_writes_the_same_bytes_and_gives_the_same_surrogates(project, ray_cluster, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", ray_cluster.address)
    given, written = project("local")
    assert sum(map(len, given.values())) > 500
    assert {"work/notes/train.parquet", "reports/notes/datasheet.json"} <= set(written)
    assert project("daft") == (given, written)
    assert project("ray") == (given, written)
