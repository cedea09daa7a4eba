"""The real line: real DVC, the embedded base, real training, llama.cpp and an MLflow database in a scratch project."""

from pathlib import Path

import pytest

from tests.e2e.scratch import Project, new_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing has run yet."""
    (tmp_path / "project").mkdir()
    return new_project(tmp_path / "project")


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project after `dvc repro`, killed with -9 while it trained and again while it registered, run to its end.

    Tests only look at it; those that change something take `changed`.
    """
    project = new_project(tmp_path_factory.mktemp("line"))
    scratch = project / project.paths.scratch / "train"
    # The second checkpoint is begun only when the first is whole.
    project.kill_repro_when(lambda: any(scratch.glob("*/checkpoint-4")))
    project.kill_repro_when(lambda: any((project / "mlartifacts").rglob("*.*")))
    project.dvc("repro")
    return project


@pytest.fixture
def changed(walked: Project, tmp_path: Path) -> Project:
    """A copy of the walked project to change."""
    return walked.copied_to(tmp_path / "project")
