import shutil
from pathlib import Path

import pytest

from pipelines.files import read_json
from pipelines.handoff.bundle import write_bundle
from pipelines.handoff.handoff import REPORTS, Handoff
from pipelines.recipe_reader import read_recipe


@pytest.fixture
def example() -> Path:
    """A folder with the recipe, the reports and the GGUF of a tiny handoff."""
    return Path(__file__).parents[1] / "fixtures" / "handoff"


@pytest.fixture
def gguf(example) -> Path:
    return example / "ticket_triage-Q4_K_M.gguf"


@pytest.fixture
def handoff(example) -> Handoff:
    reports = {name: read_json(example / f"{name}.json") for name in REPORTS}
    return Handoff(read_recipe(example / "ticket_triage.yaml"), reports)


@pytest.fixture
def bundle(handoff, gguf, tmp_path) -> Path:
    write_bundle(handoff, gguf, tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def project(migrated_database, tmp_path, monkeypatch) -> Path:
    """A project folder that has its own MLflow database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(migrated_database, tmp_path / "mlflow.db")
    return tmp_path
