"""On a real SQLite database; the only double stands for a process that dies between two of MLflow's calls."""

import sqlite3
from pathlib import Path
from urllib.parse import urlparse

import pytest

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.handoff.bundle import write_bundle
from pipelines.handoff.registry import hand_over, open_registry

MODEL = "support-triage"


class DyingClient:
    """Dies instead of making call number `calls`, counted from 0, of the real client."""

    def __init__(self, client, calls):
        self._client, self._left = client, calls

    def __getattr__(self, name):
        attribute = getattr(self._client, name)
        if not callable(attribute):
            return attribute

        def call(*arguments, **named):
            if self._left == 0:
                raise KeyboardInterrupt
            self._left -= 1
            return attribute(*arguments, **named)

        return call


@pytest.fixture
def client(project):
    assert (project / "mlflow.db").exists()
    with open_registry() as client:
        yield client


def runs(client):
    return client.search_runs([client.get_experiment_by_name("ticket_triage").experiment_id])


def versions(client):
    return client.search_model_versions(f"name = '{MODEL}'")


def uploaded(run):
    return Path(urlparse(run.info.artifact_uri).path) / "bundle"


def judge_anew(handoff, gguf, bundle, verdict, tuned):
    handoff.reports["evaluation"]["verdict"] = verdict
    handoff.reports["evaluation"]["metrics"]["exact_match"]["tuned"] = tuned
    write_bundle(handoff, gguf, bundle)


def test_two_calls_give_one_run_and_one_version(client, handoff, bundle):
    first = hand_over(client, handoff, bundle, "a" * 40)
    second = hand_over(client, handoff, bundle, "a" * 40)
    assert first == second
    assert first == {
        "model": MODEL,
        "version": 1,
        "alias": "challenger",
        "run_id": runs(client)[0].info.run_id,
        "fingerprint": handoff.fingerprint,
        "sha256": handoff.gguf["sha256"],
    }
    assert len(runs(client)) == len(versions(client)) == 1
    assert len(client.get_metric_history(first["run_id"], "exact_match.tuned")) == 1


def test_the_run_and_the_version_say_what_they_are(client, handoff, bundle):
    hand_over(client, handoff, bundle, "a" * 40)
    (run,), (version,) = runs(client), versions(client)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.learning_rate"] == "0.001"
    assert run.data.metrics["exact_match.tuned"] == 0.65
    assert version.run_id == run.info.run_id
    for tags in (run.data.tags, version.tags):
        assert tags["tinsmith.fingerprint"] == handoff.fingerprint
        assert tags["tinsmith.verdict"] == "pass"
        assert tags["mlflow.source.git.commit"] == "a" * 40


def test_a_consumer_downloads_the_whole_bundle_by_its_alias(client, handoff, bundle, tmp_path, monkeypatch):
    import mlflow

    hand_over(client, handoff, bundle, None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)
    target = tmp_path / "consumer"
    target.mkdir()
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}@challenger", dst_path=str(target)))
    assert sha256_of_file(folder / handoff.gguf["file"]) == handoff.gguf["sha256"]
    sent = {path.relative_to(bundle): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == sent


def test_a_death_at_any_point_and_a_second_try_give_one_whole_handoff(client, handoff, bundle):
    """Each round is another model, so that each begins with nothing of its own in the database."""
    completed, rounds = False, 0
    while not completed:
        handoff.reports["export"]["base"]["sha256"] = f"{rounds:064x}"
        try:
            hand_over(DyingClient(client, rounds), handoff, bundle, None)
            completed = True
        except KeyboardInterrupt:
            hand_over(client, handoff, bundle, None)
        rounds += 1
        mine = f"tags.`tinsmith.fingerprint` = '{handoff.fingerprint}'"
        (run,) = client.search_runs([client.get_experiment_by_name("ticket_triage").experiment_id], mine)
        (version,) = client.search_model_versions(f"name = '{MODEL}' and {mine}")
        assert run.info.status == "FINISHED"
        assert client.get_model_version_by_alias(MODEL, "challenger").version == version.version
        assert len([path for path in uploaded(run).rglob("*") if path.is_file()]) == 13
    assert rounds > 20


def test_a_death_before_anything_is_there_leaves_room_for_the_second_try(client, handoff, bundle):
    """The experiment and the registered model are made once only, so their deaths need an empty database."""
    for calls in range(1, 4):
        with pytest.raises(KeyboardInterrupt):
            hand_over(DyingClient(client, calls), handoff, bundle, None)
    assert hand_over(client, handoff, bundle, None)["version"] == 1
    assert len(runs(client)) == 1


@pytest.mark.parametrize("verdict", ["fail", "not-enough-data"])
def test_a_model_that_does_not_pass_is_logged_but_not_registered(client, handoff, bundle, verdict):
    handoff.reports["evaluation"]["verdict"] = verdict
    receipt = hand_over(client, handoff, bundle, None)
    assert receipt["version"] is None
    assert receipt["alias"] is None
    assert verdict in receipt["reason"]
    assert runs(client)[0].data.tags["tinsmith.verdict"] == verdict
    assert versions(client) == []


def test_a_changed_evaluation_updates_the_same_run_and_version(client, handoff, gguf, bundle):
    first = hand_over(client, handoff, bundle, None)
    judge_anew(handoff, gguf, bundle, "pass", 0.7)
    assert hand_over(client, handoff, bundle, None) == first
    (run,) = runs(client)
    assert run.data.metrics["exact_match.tuned"] == 0.7
    assert "70.0%" in (uploaded(run) / "model_card.md").read_text()
    assert len(versions(client)) == 1


def test_a_model_that_no_longer_passes_loses_the_alias_and_gets_it_back(client, handoff, gguf, bundle):
    hand_over(client, handoff, bundle, None)
    judge_anew(handoff, gguf, bundle, "fail", 0.1)
    hand_over(client, handoff, bundle, None)
    (version,) = versions(client)
    assert version.tags["tinsmith.verdict"] == "fail"
    assert client.get_model_version(MODEL, version.version).aliases == []
    judge_anew(handoff, gguf, bundle, "pass", 0.65)
    assert hand_over(client, handoff, bundle, None)["version"] == 1
    assert client.get_model_version(MODEL, version.version).aliases == ["challenger"]


def test_a_failed_newcomer_leaves_the_challenger_alone(client, handoff, bundle):
    hand_over(client, handoff, bundle, None)
    handoff.reports["export"]["base"]["sha256"] = "0" * 64
    handoff.reports["evaluation"]["verdict"] = "fail"
    hand_over(client, handoff, bundle, None)
    assert client.get_model_version(MODEL, "1").aliases == ["challenger"]


def test_another_model_is_another_version_and_the_new_challenger(client, handoff, bundle):
    hand_over(client, handoff, bundle, None)
    handoff.reports["export"]["base"]["sha256"] = "0" * 64
    assert hand_over(client, handoff, bundle, None)["version"] == 2
    assert client.get_model_version(MODEL, "1").aliases == []


def test_only_the_changed_files_are_uploaded_again(client, handoff, gguf, bundle):
    """A GGUF is gigabytes; a new figure in the evaluation must not send it twice."""
    hand_over(client, handoff, bundle, None)
    (run,) = runs(client)
    before = {path.name: path.stat().st_ino for path in uploaded(run).rglob("*") if path.is_file()}
    judge_anew(handoff, gguf, bundle, "pass", 0.7)
    hand_over(client, handoff, bundle, None)
    after = {path.name: path.stat().st_ino for path in uploaded(run).rglob("*") if path.is_file()}
    assert {name for name in after if after[name] != before[name]} == {
        "evaluation.json",
        "model_card.md",
        "checksums.sha256",
    }


def test_a_deleted_experiment_is_named_with_the_way_back(client, handoff, bundle):
    hand_over(client, handoff, bundle, None)
    client.delete_experiment(client.get_experiment_by_name("ticket_triage").experiment_id)
    with pytest.raises(TinsmithError, match="mlflow experiments restore"):
        hand_over(client, handoff, bundle, None)


def test_a_death_in_mlflows_own_migrations_leaves_no_broken_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with monkeypatch.context() as dying:
        dying.setattr("mlflow.store.db.utils._upgrade_db", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt), open_registry():
            pass
    assert not (tmp_path / "mlflow.db").exists()
    with open_registry() as client:
        assert client.search_registered_models() == []


def test_a_locked_database_is_one_line(project, handoff, bundle, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db?timeout=0.1")
    other = sqlite3.connect(project / "mlflow.db")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TinsmithError) as error, open_registry() as client:
        hand_over(client, handoff, bundle, None)
    other.close()
    assert "database is locked" in str(error.value)
    assert "nothing is lost: `dvc repro` again registers the model" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_broken_database_is_one_line(project, handoff, bundle):
    (project / "mlflow.db").write_text("not a database " * 100)
    with pytest.raises(TinsmithError, match="file is not a database") as error, open_registry() as client:
        hand_over(client, handoff, bundle, None)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql+none://mlflow:hunter2/x@127.0.0.1:9/mlflow", "postgresql+none://127.0.0.1:9/mlflow"),
        ("postgresql+none://mlflow:hunter2@x@127.0.0.1:9/mlflow", "postgresql+none://127.0.0.1:9/mlflow"),
        ("postgresql+none://127.0.0.1:9/m?user=u&password=hunter2", "postgresql+none://127.0.0.1:9/m"),
    ],
)
def test_a_database_without_its_driver_is_one_line_without_the_password(monkeypatch, uri, shown):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TinsmithError, match="nothing is lost") as error, open_registry() as client:
        client.search_experiments()
    assert str(error.value).startswith(f"MLflow at {shown}: ")
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_server_that_is_down_is_one_line_without_the_password(handoff, bundle, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://someone:hunter2@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TinsmithError, match="nothing is lost") as error, open_registry() as client:
        hand_over(client, handoff, bundle, None)
    assert "127.0.0.1:9: [Errno 111] Connection refused; " in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)
