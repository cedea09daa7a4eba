"""What export.json says of the file that is judged, served and registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_file
from pipelines.paths import Paths


@dataclass(frozen=True)
class JudgedFile:
    """The GGUF that ships; `entry` is what export.json holds of its quant, `llama_cpp` the version that made it."""

    quant: str
    gguf: Path
    sha256: str
    entry: Mapping[str, Any]
    llama_cpp: str


def judged_quant(export: Mapping[str, Any]) -> str:
    """The quant that is judged, served and registered, from what export.json holds.

    Never taken from the recipe, which may have left the choice to the export stage (`export.quants: auto`).

    Raises:
        TinsmithError: the export is of an older version, which did not say.
    """
    if export.get("judged") not in export["quants"]:
        raise TinsmithError("export.json does not name a judged quant; run the export stage again")
    return str(export["judged"])


def judged_file(paths: Paths) -> JudgedFile:
    """The recipe's judged file, which the export stage has written, as it was then.

    Raises:
        TinsmithError: it is another file now, or the export is of an older version.
    """
    report = paths.reports / "export.json"
    export = read_json(report)
    quant = judged_quant(export)
    entry = export["quants"][quant]
    gguf = paths.work / "gguf" / str(entry["file"])
    if sha256_of_file(gguf) != entry["sha256"]:
        raise TinsmithError(f"{gguf}: is not the file that {report} describes; run the export stage again")
    return JudgedFile(quant, gguf, entry["sha256"], entry, export["llama_cpp"])
