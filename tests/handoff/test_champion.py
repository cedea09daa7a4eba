"""On a real SQLite database, of models that were handed over as register hands them over."""

from pathlib import Path
from urllib.parse import urlparse

import pytest

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.handoff.champion import fetch_champion
from pipelines.handoff.registry import hand_over, open_registry

MODEL = "support-triage"


@pytest.fixture
def client(project):
    assert (project / "mlflow.db").exists()
    with open_registry() as client:
        yield client


@pytest.fixture
def promoted(client, handoff, bundle):
    """A client of a registry whose one version is the champion."""
    hand_over(client, handoff, bundle, None)
    client.set_registered_model_alias(MODEL, "champion", "1")
    return client


def test_without_a_model_or_without_the_alias_there_is_no_champion(client, handoff, bundle, tmp_path):
    assert fetch_champion(client, MODEL, tmp_path / "champion") is None
    hand_over(client, handoff, bundle, None)
    assert fetch_champion(client, MODEL, tmp_path / "champion") is None
    assert not (tmp_path / "champion").exists()


def test_the_champion_comes_as_the_file_that_was_registered(promoted, handoff, tmp_path):
    champion = fetch_champion(promoted, MODEL, tmp_path / "champion")
    assert (champion.version, champion.sha256) == (1, handoff.gguf["sha256"])
    assert sha256_of_file(champion.gguf) == champion.sha256
    assert [path.name for path in (tmp_path / "champion").iterdir()] == [champion.gguf.name]


def test_it_is_downloaded_once(promoted, tmp_path):
    before = fetch_champion(promoted, MODEL, tmp_path / "champion").gguf.stat()
    after = fetch_champion(promoted, MODEL, tmp_path / "champion").gguf.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_that_changed_in_the_registry_is_refused_and_not_kept(promoted, handoff, tmp_path):
    run = promoted.get_run(promoted.get_model_version(MODEL, "1").run_id)
    (Path(urlparse(run.info.artifact_uri).path) / "bundle" / handoff.gguf["file"]).write_bytes(b"swapped")
    with pytest.raises(TinsmithError, match=r"the GGUF of version 1 of .* is not the one that was registered"):
        fetch_champion(promoted, MODEL, tmp_path / "champion")
    assert list((tmp_path / "champion").iterdir()) == []


def test_a_champion_that_somebody_else_registered_is_named(client, tmp_path):
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, "file:///elsewhere")
    client.set_registered_model_alias(MODEL, "champion", "1")
    with pytest.raises(TinsmithError, match="is no model that Tinsmith registered; give the alias to one that is"):
        fetch_champion(client, MODEL, tmp_path / "champion")
