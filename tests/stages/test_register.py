import shutil
from pathlib import Path

import pytest

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_file, write_json
from pipelines.handoff.registry import open_registry
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.register import register

EXAMPLE = Path(__file__).parents[1] / "fixtures" / "handoff"
PATHS = Paths("ticket_triage")


@pytest.fixture
def project(migrated_database, tmp_path, monkeypatch) -> Path:
    """A project folder as evaluate leaves it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(migrated_database, "mlflow.db")
    shutil.copytree(EXAMPLE, PATHS.reports, ignore=shutil.ignore_patterns("*.yaml", "*.gguf"))
    (PATHS.work / "gguf").mkdir(parents=True)
    shutil.copy(EXAMPLE / "ticket_triage-Q4_K_M.gguf", PATHS.work / "gguf")
    return tmp_path


@pytest.fixture
def recipe():
    return read_recipe(EXAMPLE / "ticket_triage.yaml")


@pytest.fixture
def receipt(project) -> Path:
    return project / PATHS.reports / "registry.json"


def set_verdict(verdict):
    evaluation = PATHS.reports / "evaluation.json"
    write_json(evaluation, read_json(evaluation) | {"verdict": verdict})


def test_the_receipt_names_the_version_that_was_registered(recipe, receipt):
    register(recipe, PATHS)
    handed = read_json(receipt)
    assert set(handed) == {"model", "version", "alias", "run_id", "fingerprint", "sha256"}
    assert (handed["model"], handed["version"], handed["alias"]) == ("support-triage", 1, "challenger")
    assert handed["sha256"] == sha256_of_file(PATHS.work / "bundle" / "ticket_triage-Q4_K_M.gguf")
    assert handed["fingerprint"] == read_json(PATHS.work / "bundle" / "handoff.json")["fingerprint"]
    with open_registry() as client:
        assert client.get_model_version_by_alias("support-triage", "challenger").run_id == handed["run_id"]


def test_registering_again_changes_no_byte_and_adds_nothing(recipe, receipt):
    register(recipe, PATHS)
    first = receipt.read_bytes()
    register(recipe, PATHS)
    assert receipt.read_bytes() == first
    with open_registry() as client:
        assert len(client.search_model_versions("name = 'support-triage'")) == 1


def test_a_model_that_fails_gets_a_bundle_a_run_and_a_reason_but_no_version(recipe, receipt):
    set_verdict("fail")
    register(recipe, PATHS)
    handed = read_json(receipt)
    assert (handed["version"], handed["alias"]) == (None, None)
    assert "fail" in handed["reason"]
    assert (PATHS.work / "bundle" / "model_card.md").exists()
    with open_registry() as client:
        assert client.get_run(handed["run_id"]).data.tags["tinsmith.verdict"] == "fail"
        assert client.search_registered_models() == []


@pytest.mark.parametrize("verdict", ["fail", "not-enough-data"])
def test_where_the_recipe_says_stop_the_stage_fails_after_everything_is_written(recipe, receipt, verdict):
    set_verdict(verdict)
    gate = recipe.gate.model_copy(update={"on_fail": "stop"})
    with pytest.raises(
        TinsmithError, match=f"^ticket_triage: the gate's verdict is {verdict}, so nothing was"
    ) as error:
        register(recipe.model_copy(update={"gate": gate}), PATHS)
    assert "\n" not in str(error.value)
    assert read_json(receipt)["version"] is None
    assert (PATHS.work / "bundle" / "checksums.sha256").exists()
    with open_registry() as client:
        assert client.search_registered_models() == []


def test_artifacts_lie_in_the_project_folder(recipe, receipt):
    register(recipe, PATHS)
    run_id = read_json(receipt)["run_id"]
    assert Path("mlartifacts", "ticket_triage", run_id, "artifacts", "bundle", "checksums.sha256").exists()
    assert not Path("mlruns").exists()


def test_nothing_from_the_rows_reaches_the_registry(recipe, receipt):
    """Planted in every file that holds rows; no file that MLflow keeps may hold it."""
    planted = b"jane.invented@example.com"
    for name in ("quarantine.jsonl", "accepted.parquet", "answers.jsonl"):
        (PATHS.work / name).write_bytes(planted)
    register(recipe, PATHS)
    assert receipt.exists()
    kept = [path for path in Path("mlartifacts").rglob("*") if path.is_file()]
    assert len(kept) == 13
    assert not [path for path in [*kept, Path("mlflow.db")] if planted in path.read_bytes()]


def test_a_server_that_is_down_leaves_the_bundle_and_no_receipt_and_a_later_run_registers(recipe, receipt, monkeypatch):
    with monkeypatch.context() as down:
        down.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        down.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises(TinsmithError, match="`dvc repro` again registers"):
            register(recipe, PATHS)
    assert not receipt.exists()
    assert (PATHS.work / "bundle" / "checksums.sha256").exists()
    register(recipe, PATHS)
    assert read_json(receipt)["version"] == 1


def test_a_missing_report_or_gguf_leaves_nothing_half_written(recipe, receipt):
    shutil.rmtree(PATHS.work / "gguf")
    with pytest.raises(TinsmithError, match=r"ticket_triage-Q4_K_M\.gguf: not there"):
        register(recipe, PATHS)
    (PATHS.reports / "train.json").unlink()
    with pytest.raises(TinsmithError, match=r"train\.json: not there yet"):
        register(recipe, PATHS)
    assert not receipt.exists()
    assert list(PATHS.work.iterdir()) == []
