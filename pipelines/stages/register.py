"""register: hand the judged GGUF, with all that proves it, to the MLflow Model Registry.

Reads the resolved recipe, the reports of ingest, prepare, train, export and evaluate, and the recipe's first GGUF.
Writes work/<recipe>/bundle/ and reports/<recipe>/registry.json. A model that the gate does not pass gets a bundle and
a run, but no version; with `gate.on_fail: stop` the stage then ends with an error. Running it again changes nothing;
MLflow being away loses nothing.
"""

import subprocess

from pipelines.errors import TinsmithError
from pipelines.files import write_json
from pipelines.handoff.bundle import write_bundle
from pipelines.handoff.handoff import read_handoff
from pipelines.handoff.registry import hand_over, open_registry
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.stage_runner import run


def register(recipe: Recipe, paths: Paths) -> None:
    """Write the bundle and the receipt.

    Raises:
        TinsmithError: a report is missing, MLflow cannot be reached, or the recipe asks to stop at what is no pass.
    """
    handoff = read_handoff(recipe, paths)
    bundle = paths.work / "bundle"
    write_bundle(handoff, paths.work / "gguf" / handoff.gguf["file"], bundle)
    with open_registry() as client:
        receipt = hand_over(client, handoff, bundle, _git_commit())
    write_json(paths.reports / "registry.json", receipt)
    if handoff.verdict != "pass" and recipe.gate.on_fail == "stop":
        raise TinsmithError(
            f"{recipe.name}: the gate's verdict is {handoff.verdict}, so nothing was registered; the rules and their "
            f"reasons stand in {paths.reports / 'evaluation.json'}"
        )


def _git_commit() -> str | None:
    """The commit that is checked out; None outside a git checkout or without git."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


if __name__ == "__main__":
    run(register)
