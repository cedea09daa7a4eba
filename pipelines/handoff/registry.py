"""The MLflow Model Registry: find or create at each step, so that a crash and a second try never double anything.

A run and a version are found again by the fingerprint in their tags, which MLflow writes in the same transaction as
the run or version itself. The alias comes last: whoever follows it sees a whole handoff. The bundle is a run's plain
artifacts; MLflow's model flavours know no GGUF, and its logged models stay PENDING for good when an upload dies.
"""

import fcntl
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import TinsmithError
from pipelines.files import written_whole
from pipelines.handoff.bundle import read_digests
from pipelines.handoff.handoff import Handoff
from pipelines.handoff.tracking import FINGERPRINT, metrics_of, params_of, tags_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

ALIAS = "challenger"

BUNDLE = "bundle"
_UPLOADED = "tinsmith.uploaded"

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # With MLflow's own 7 retries a server that is down is noticed after four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}


@contextmanager
def open_registry() -> Iterator["MlflowClient"]:
    """Give a client of `MLFLOW_TRACKING_URI`, by default the database `mlflow.db` in the project folder.

    Raises:
        TinsmithError: server or database cannot be reached, is locked, lacks its driver, or refuses what it is asked.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("alembic").setLevel(logging.WARNING)
    database = Path("mlflow.db").absolute()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database}"
    try:
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            _make_database(database)
        yield MlflowClient(uri)
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        raise TinsmithError(
            f"MLflow at {_without_password(uri)}: {_without_password(_cause(error))}; "
            "nothing is lost: `dvc repro` again registers the model"
        ) from error


def hand_over(client: "MlflowClient", handoff: Handoff, bundle: Path, git_commit: str | None) -> dict[str, Any]:
    """Log the bundle as a run and, where the gate's verdict is `pass`, register it as the model's challenger.

    Calling it again with the same fingerprint updates the same run and version. A model that no longer passes loses
    the alias.

    Returns:
        The receipt: model, version, alias, run_id, fingerprint, sha256 of the GGUF; version and alias are None, and
        `reason` says why, where nothing was registered.
    """
    tags = tags_of(handoff, git_commit)
    run = _log_run(client, handoff, bundle, tags)
    receipt = {
        "model": handoff.recipe.handoff.model,
        "version": None,
        "alias": None,
        "run_id": run.info.run_id,
        "fingerprint": handoff.fingerprint,
        "sha256": handoff.gguf["sha256"],
    }
    version = _find_version(client, handoff)
    if handoff.verdict != "pass":
        if version is not None:
            _withdraw(client, version, tags)
        return receipt | {"reason": f"the gate's verdict is {handoff.verdict}; see evaluation.json"}
    if version is None:
        version = _create_version(client, handoff, run, tags)
    else:
        _update_version(client, version, tags)
    client.set_registered_model_alias(version.name, ALIAS, version.version)
    return receipt | {"version": int(version.version), "alias": ALIAS}


def _log_run(client: "MlflowClient", handoff: Handoff, bundle: Path, tags: dict[str, str]) -> "Run":
    from mlflow.entities import Metric, Param, RunTag

    run = _find_or_create_run(client, handoff)
    run_id, known = run.info.run_id, run.data
    now = time.time_ns() // 1_000_000
    # A param can be written once only, and a metric written again is a second point in its chart.
    client.log_batch(
        run_id,
        params=[Param(key, value) for key, value in params_of(handoff).items() if key not in known.params],
        metrics=[
            Metric(key, value, now, 0) for key, value in metrics_of(handoff).items() if known.metrics.get(key) != value
        ],
        tags=[RunTag(key, value) for key, value in tags.items() if known.tags.get(key) != value],
    )
    _upload(client, run, bundle)
    if run.info.status != "FINISHED":
        client.set_terminated(run_id)
    return run


def _find_or_create_run(client: "MlflowClient", handoff: Handoff) -> "Run":
    experiment_id = _find_or_create_experiment(client, handoff.recipe.name)
    found = client.search_runs(
        [experiment_id], f"tags.`{FINGERPRINT}` = '{handoff.fingerprint}'", order_by=["attributes.start_time ASC"]
    )
    if found:
        return found[0]
    return client.create_run(
        experiment_id,
        tags={FINGERPRINT: handoff.fingerprint},
        run_name=f"{handoff.recipe.name}-{handoff.fingerprint[:8]}",
    )


def _find_or_create_experiment(client: "MlflowClient", name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        served = client.tracking_uri.startswith(("http", "databricks"))
        # A server knows where its artifacts belong; a database alone would put them below ./mlruns.
        location = None if served else (Path("mlartifacts").absolute() / name).as_uri()
        return str(client.create_experiment(name, artifact_location=location))
    if experiment.lifecycle_stage == "deleted":
        raise TinsmithError(
            f"MLflow: the experiment {name} was deleted; "
            f"bring it back with `mlflow experiments restore --experiment-id {experiment.experiment_id}`"
        )
    return str(experiment.experiment_id)


def _upload(client: "MlflowClient", run: "Run", bundle: Path) -> None:
    """Upload what is not known to be there whole; the tag forgets a file before its upload and knows it after."""
    digests = read_digests(bundle)
    uploaded = json.loads(run.data.tags.get(_UPLOADED, "{}"))
    stale = [name for name, digest in digests.items() if uploaded.get(name) != digest]
    if not stale:
        return
    run_id = run.info.run_id
    client.set_tag(run_id, _UPLOADED, json.dumps({name: uploaded[name] for name in uploaded if name not in stale}))
    for name in stale:
        client.log_artifact(run_id, str(bundle / name), str(Path(BUNDLE, name).parent))
    client.set_tag(run_id, _UPLOADED, json.dumps(digests))


def _find_version(client: "MlflowClient", handoff: Handoff) -> "ModelVersion | None":
    found = client.search_model_versions(
        f"name = '{handoff.recipe.handoff.model}' and tags.`{FINGERPRINT}` = '{handoff.fingerprint}'"
    )
    return min(found, key=lambda version: int(version.version), default=None)


def _create_version(client: "MlflowClient", handoff: Handoff, run: "Run", tags: dict[str, str]) -> "ModelVersion":
    model = handoff.recipe.handoff.model
    if not client.search_registered_models(f"name = '{model}'"):
        client.create_registered_model(model, description=handoff.recipe.purpose)
    return client.create_model_version(
        model, f"{run.info.artifact_uri}/{BUNDLE}", run.info.run_id, tags=tags, description=handoff.recipe.purpose
    )


def _update_version(client: "MlflowClient", version: "ModelVersion", tags: dict[str, str]) -> None:
    for key, value in tags.items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(version.name, version.version, key, value)


def _withdraw(client: "MlflowClient", version: "ModelVersion", tags: dict[str, str]) -> None:
    # A search returns versions without their aliases.
    if ALIAS in client.get_model_version(version.name, version.version).aliases:
        client.delete_registered_model_alias(version.name, ALIAS)
    _update_version(client, version, tags)


def _make_database(database: Path) -> None:
    """MLflow's migrations are not one transaction: killed among them they leave a database that never opens again."""
    from mlflow import MlflowClient

    with Path(f"{database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            with written_whole(database) as fresh:
                MlflowClient(f"sqlite:///{fresh}")


def _cause(error: Exception) -> str:
    """The system's own words where there are some, because requests wraps them in three lines of its own."""
    words = re.search(r"\[Errno -?\d+\] [^\")]+", str(error))
    return words.group() if words else str(error).strip().partition("\n")[0]


def _without_password(text: str) -> str:
    """Without what stands before the last @ of an address, and without its query: either may hold a password."""
    return re.sub(r"(//[^\s?]*)\?\S*", r"\1", re.sub(r"//\S*@", "//", text))
