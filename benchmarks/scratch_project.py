"""A copy of the project with recipes of its own, so that a benchmark never touches the checkout it measures."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pipelines import strict_yaml
from pipelines.files import write_text
from pipelines.recipe_reader import read_recipe
from pipelines.walk import params_of

CHECKOUT = Path(__file__).parents[1]
# What the line has written into the checkout belongs to the checkout's own recipes.
_LEFT_OUT = ("dvc.lock", "params.yaml", ".dvc/", "recipes/", "resolved/", "reports/")


def scratch_project(folder: Path, recipes: Sequence[Path]) -> Path:
    """Copy the checkout's tracked files into the new folder `folder`, with `recipes` in place of its own.

    The copy is a git and a DVC repository, and its params.yaml names the recipes.

    Raises:
        FileExistsError: the folder is there already and not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; name a new folder")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        if name and not name.startswith(_LEFT_OUT) and (CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    (folder / "recipes").mkdir()
    for recipe in recipes:
        shutil.copy2(recipe, folder / "recipes" / recipe.name)
    walked = [read_recipe(path) for path in sorted((folder / "recipes").glob("*.yaml"))]
    write_text(folder / "params.yaml", strict_yaml.dump(params_of(walked)))
    run_in(folder, ["git", "init", "-q"])
    run_in(folder, [sys.executable, "-m", "dvc", "init", "-q"])
    return folder


def run_in(folder: Path, command: Sequence[str]) -> float:
    """Run a command in the scratch project and return its seconds.

    The stages that DVC starts as `python` run under this interpreter, and see no package but the copy's.

    Raises:
        subprocess.CalledProcessError: the command failed; what it said was shown.
    """
    own = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": own, "PYTHONPATH": str(folder.resolve()), "DVC_NO_ANALYTICS": "1"}
    started = time.perf_counter()
    # What a command says is no result; results alone go to stdout.
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=sys.stderr)
    return time.perf_counter() - started


def run_stage(folder: Path, stage: str, recipe: str) -> float:
    """Run one stage of one recipe, without DVC, and return its seconds."""
    return run_in(folder, [sys.executable, "-m", f"pipelines.stages.{stage}", recipe])
