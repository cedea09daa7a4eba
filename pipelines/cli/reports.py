"""The reports of a recipe that the line has walked."""

from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import read_json
from pipelines.paths import Paths


def read_report(paths: Paths, report: str) -> Any:
    """The content of reports/<r>/<report>.json; raises TinsmithError where the line has not come so far."""
    file = paths.reports / f"{report}.json"
    if not file.exists():
        raise TinsmithError(f"{file}: not there yet; run `dvc repro register@{paths.name}` first")
    return read_json(file)
