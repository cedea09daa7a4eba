"""What the line hands over, read from the reports of its stages, and the fingerprint that identifies it."""

from dataclasses import dataclass
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.exported import judged_quant
from pipelines.files import read_json, sha256_of_json
from pipelines.paths import Paths
from pipelines.recipe import Recipe

# Other stages write these; quarantine, splits and answers hold rows and are never among them.
REPORTS = ("ingest", "datasheet", "train", "export", "ability", "safety", "evaluation")

# Sections by which a model is described, judged or named; changing them does not make another model.
_ABOUT_THE_MODEL = {"purpose", "owner", "evaluate", "gate", "handoff"}


@dataclass(frozen=True)
class Handoff:
    """One tuned model with the reports that prove it; `reports` maps each name in `REPORTS` to its JSON."""

    recipe: Recipe
    reports: dict[str, Any]

    @property
    def quant(self) -> str:
        """The quantisation that was judged and is handed over."""
        return judged_quant(self.reports["export"])

    @property
    def gguf(self) -> dict[str, Any]:
        """`file` (name), `bytes` and `sha256` of the GGUF that is handed over."""
        return dict(self.reports["export"]["quants"][self.quant])

    @property
    def base(self) -> dict[str, Any]:
        """`name`, `revision`, `license` and `sha256` of the base model's weights."""
        return dict(self.reports["export"]["base"])

    @property
    def data_digest(self) -> str:
        """Hex SHA-256 over the source files' digests, whatever the files are called."""
        sources = self.reports["ingest"]["sources"].values()
        return sha256_of_json(sorted(file["sha256"] for source in sources for file in source["files"]))

    @property
    def model_settings(self) -> dict[str, Any]:
        """The sections of the resolved recipe that made the model."""
        return self.recipe.model_dump(mode="json", by_alias=True, exclude=_ABOUT_THE_MODEL)

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 over the GGUF, the settings that made it, the data and the base; the same on every machine.

        The evaluation is not part of it: a model judged anew is still the same model.
        """
        return sha256_of_json(
            {
                "gguf": self.gguf["sha256"],
                "recipe": self.model_settings,
                "data": self.data_digest,
                "base": self.base["sha256"],
            }
        )

    @property
    def other_figures(self) -> dict[str, dict[str, Any]]:
        """What was measured of general ability and safety, by dotted name; empty where the recipe asks for none."""
        return {**self.reports["ability"]["figures"], **self.reports["safety"]["figures"]}

    @property
    def verdict(self) -> str:
        """The gate's verdict: `pass`, `fail` or `not-enough-data`."""
        return str(self.reports["evaluation"]["verdict"])


def read_handoff(recipe: Recipe, paths: Paths) -> Handoff:
    """Collect the reports that the earlier stages wrote.

    Raises:
        TinsmithError: a report is missing, or another file than the exported one was judged.
    """
    files = {name: paths.reports / f"{name}.json" for name in REPORTS}
    missing = [str(file) for file in files.values() if not file.exists()]
    if missing:
        raise TinsmithError(f"{', '.join(missing)}: not there yet; run `dvc repro` to make what is missing")
    handoff = Handoff(recipe, {name: read_json(file) for name, file in files.items()})
    if handoff.reports["evaluation"]["gguf_sha256"] != handoff.gguf["sha256"]:
        raise TinsmithError(f"{files['evaluation']}: judges another GGUF; run `dvc repro` to judge the exported one")
    return handoff
