"""A scratch copy of the tracked project with one small recipe, and typing commands in it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.paths import Paths

CHECKOUT = Path(__file__).parents[2]
# What the line has written into the checkout belongs to the checkout; .dvc is kept for its settings.
LEFT_OUT = ("dvc.lock", "params.yaml", "recipes/", "resolved/", "reports/", "docs/", "tests/", "data/raw/")
TICKETS = "data/raw/support_tickets/tickets_2026q3.csv"
RECIPE = f"""\
name: support_triage
purpose: Route an incoming ticket to product, intent and priority.
owner: support-platform@example.com
data:
  sources:
    tickets: {{contract: data_contracts/support_tickets.odcs.yaml, type: files, path: {TICKETS}}}
  split: {{group_by: [customer_id, thread_id], test: 0.2, validation: 0.05}}
  example:
    system: You triage support tickets. Answer with JSON.
    user: "{{subject}}\\n\\n{{body}}"
    assistant: {{json: [product, intent, priority]}}
  privacy: {{names: builtin}}
model: {{base: embedded:smollm2-135m-instruct}}
train: {{max_steps: 10, learning_rate: 0.004, warmup: 0, checkpoint_every: 2, max_length: 256, batch_size: 1}}
evaluate: {{metrics: [exact_match, valid_json], slices: [product], few_shot: 1, max_rows: 30}}
gate: {{exact_match: {{better_than_base_by: -1}}}}
export: {{quants: [Q4_K_M, Q8_0]}}
register: {{model: support-triage}}
"""
PARAMS = f"""\
recipes: [support_triage]
sources:
  support_triage-tickets:
    {{recipe: support_triage, source: tickets, contract: data_contracts/support_tickets.odcs.yaml, path: {TICKETS}}}
"""
COMMAND_SECONDS = 600


class Project:
    """A project folder in which commands are typed as its user would, with this interpreter's programs first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = Paths("support_triage")

    def __truediv__(self, relative: str | Path) -> Path:
        return self.folder / relative

    def environment(self, **changed: str) -> dict[str, str]:
        """The user's environment, without a tracking server, with the copy's packages before any installed ones."""
        kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        own = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": own, "PYTHONPATH": str(self.folder), **changed}

    def run(self, *command: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**changed),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )

    def dvc(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a DVC command that has to succeed."""
        ended = self.run(sys.executable, "-m", "dvc", *words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended

    def stage(self, name: str, recipe: str = "support_triage", **changed: str) -> subprocess.CompletedProcess[str]:
        """Run one stage without DVC."""
        return self.run(sys.executable, "-m", f"pipelines.stages.{name}", recipe, **changed)

    def start(self, *command: str, output: Any = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def kill_repro_when(self, reached: Callable[[], bool]) -> None:
        """Start `dvc repro` and end it and all that it started with kill -9 as soon as `reached` says so."""
        log = self.folder.parent / "killed.log"
        with log.open("w") as stream:
            repro = self.start(sys.executable, "-m", "dvc", "repro", output=stream)
        deadline = time.monotonic() + COMMAND_SECONDS
        try:
            while not reached():
                assert repro.poll() is None, f"dvc repro ended before it was killed:\n{log.read_text()}"
                assert time.monotonic() < deadline, f"too slow:\n{log.read_text()}"
                time.sleep(0.02)
        finally:
            if repro.poll() is None:
                os.killpg(repro.pid, signal.SIGKILL)
            repro.wait()

    def report(self, name: str) -> Any:
        """A report that a stage wrote as JSON."""
        return json.loads((self.folder / self.paths.reports / f"{name}.json").read_text())

    def edit(self, file: str | Path, old: str, new: str) -> None:
        """Replace text that has to be in a file."""
        text = (self.folder / file).read_text()
        assert old in text
        (self.folder / file).write_text(text.replace(old, new))

    def copied_to(self, folder: Path) -> "Project":
        """A copy of the project to change; the line's large files, which nobody edits in place, are linked."""

        def copy(source: str, target: str) -> None:
            parts = set(Path(source).relative_to(self.folder).parts)
            linked = {"work", "cache", "mlartifacts"} & parts and ".scratch" not in parts
            (os.link if linked else shutil.copy2)(source, target)

        shutil.copytree(self.folder, folder, copy_function=copy)
        return Project(folder)

    def files(self) -> set[str]:
        """Every file of the project but compiled Python."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return {str(path) for path in found if "__pycache__" not in path.parts}


def new_project(folder: Path) -> Project:
    """Copy the checkout's tracked files, with one small recipe and one of the sample's exports."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        if name and (name == TICKETS or not name.startswith(LEFT_OUT)) and (CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    (folder / "recipes").mkdir()
    (folder / "recipes" / "support_triage.yaml").write_text(RECIPE)
    (folder / "params.yaml").write_text(PARAMS)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return Project(folder)
