"""The champion: the version of the registered model that serves now, fetched to be judged beside the new one."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file, written_whole
from pipelines.handoff.registry import BUNDLE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

ALIAS = "champion"


@dataclass(frozen=True)
class Champion:
    """A registered version with its GGUF, named by its hex SHA-256."""

    version: int
    sha256: str
    gguf: Path


def fetch_champion(client: "MlflowClient", model: str, folder: Path) -> Champion | None:
    """Download the GGUF of `model`'s version with the alias `champion` into `folder`; None where there is none.

    A file that an earlier call brought is not downloaded again.

    Raises:
        TinsmithError: the version holds no GGUF, or another one than its tag says.
    """
    version = _find_champion(client, model)
    if version is None:
        return None
    sha256 = version.tags.get("tinsmith.sha256")
    files = client.list_artifacts(version.run_id, BUNDLE) if version.run_id else []
    ggufs = [file.path for file in files if file.path.endswith(".gguf")]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256 or "") or len(ggufs) != 1:
        raise TinsmithError(
            f"MLflow: version {version.version} of {model} has the alias {ALIAS}, but is no model that Tinsmith "
            "registered; give the alias to one that is, or take better_than_champion_by out of the gate"
        )
    gguf = folder / f"{sha256}.gguf"
    if not gguf.exists():
        with written_whole(gguf) as fresh:
            Path(client.download_artifacts(version.run_id, ggufs[0], str(fresh.parent))).rename(fresh)
            if sha256_of_file(fresh) != sha256:
                raise TinsmithError(
                    f"MLflow: the GGUF of version {version.version} of {model} is not the one that was registered; "
                    "register it again"
                )
    return Champion(int(version.version), sha256, gguf)


def _find_champion(client: "MlflowClient", model: str) -> "ModelVersion | None":
    found = client.search_registered_models(f"name = '{model}'")
    number = client.get_registered_model(model).aliases.get(ALIAS) if found else None
    return client.get_model_version(model, number) if number else None
