"""What DVC itself costs as recipes grow: `dvc repro` with nothing to do, and `dvc status`, with 1, 10 and 50 recipes.

    python -m benchmarks.dvc_scale [1 10 50]

The scratch project has the project's own dvc.yaml and as many copies of the sample recipe. Nothing is trained: stand-in
outputs are written and `dvc commit` records them, so that DVC checks as many stages and files as after a real walk.
The outputs are small, so that this is the cost of the stages, not of hashing models (DVC hashes a file once a change).
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_line
from benchmarks.scratch_project import CHECKOUT, run_in, scratch_project
from benchmarks.table import markdown_table
from pipelines import strict_yaml
from pipelines.files import write_text
from pipelines.recipe_reader import as_yaml, read_recipe

SAMPLE = CHECKOUT / "recipes" / "support_triage.yaml"
_RUNS = 3
_DVC = [sys.executable, "-m", "dvc"]


def time_dvc(recipes: int, folder: Path) -> dict[str, float]:
    """Median seconds of both commands for so many recipes, in a new scratch project in `folder`."""
    project = scratch_project(folder / "project", list(_copies(recipes, folder / "recipes")))
    for path in sorted((project / "recipes").glob("*.yaml")):
        recipe = read_recipe(path)
        _write_outputs(project, recipe.name)
        write_text(project / "resolved" / path.name, as_yaml(recipe))
    run_in(project, [*_DVC, "commit", "--force", "--quiet"])
    # The first status builds DVC's caches, and with --quiet it fails where anything were left to do.
    run_in(project, [*_DVC, "status", "--quiet"])
    commands = {"repro": [*_DVC, "repro"], "status": [*_DVC, "status"]}
    return {
        name: statistics.median(run_in(project, command) for _ in range(_RUNS)) for name, command in commands.items()
    }


def _copies(recipes: int, folder: Path) -> Iterator[Path]:
    value = strict_yaml.load(SAMPLE).value
    for number in range(recipes):
        name = f"copy_{number:02}"
        write_text(folder / f"{name}.yaml", strict_yaml.dump({**value, "name": name}))
        yield folder / f"{name}.yaml"


def _write_outputs(project: Path, recipe: str) -> None:
    """Write a stand-in for every output of every stage; a path without an ending is a folder of two files."""
    for place in _outputs(project, recipe):
        path = project / place
        files = [path] if path.suffix else [path / "first.bin", path / "second.bin"]
        for file in files:
            write_text(file, f"stand-in for {file.relative_to(project)}\n")


def _outputs(project: Path, recipe: str) -> Iterator[str]:
    for stage in strict_yaml.load(project / "dvc.yaml").value["stages"].values():
        declared: dict[str, Any] = stage.get("do", stage)
        for kind in ("outs", "metrics", "plots"):
            for entry in declared.get(kind, []):
                place = entry if isinstance(entry, str) else next(iter(entry))
                yield place.replace("${item.recipe}", recipe).replace("${item.source}", "tickets")


def _main() -> None:
    parser = argparse.ArgumentParser(description="Time DVC with nothing to do, by number of recipes.")
    parser.add_argument("recipes", type=int, nargs="*", default=[1, 10, 50])
    rows = []
    for recipes in parser.parse_args().recipes:
        with tempfile.TemporaryDirectory() as temporary:
            seconds = time_dvc(recipes, Path(temporary))
        rows.append([recipes, f"{seconds['repro']:.1f}", f"{seconds['status']:.1f}"])
    table = markdown_table(["recipes", "`dvc repro`, nothing to do, s", "`dvc status`, s"], rows)
    print(f"{machine_line()}\n\n{table}\n\nMedians of {_RUNS}; stand-in outputs, recorded with `dvc commit`.")


if __name__ == "__main__":
    _main()
