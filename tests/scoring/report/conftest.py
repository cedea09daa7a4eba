"""Reports of two made recipes and of the sample, and the pages that are made of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.data.datasheet import balance
from pipelines.scoring.report.reports import Reports, read_reports
from tests.scoring.report.full_reports import NAME, write_full, write_minimal

SAMPLE = Path(__file__).parents[3] / "reports" / "support_triage"


@pytest.fixture(scope="session")
def full_project(tmp_path_factory) -> Path:
    """A project folder in which a recipe walked the line up to report, every section filled."""
    project = tmp_path_factory.mktemp("full")
    write_full(project)
    return project


@pytest.fixture(scope="session")
def full(full_project) -> Reports:
    """Its reports."""
    found = read_reports(full_project / "reports" / NAME, NAME, "Route a claim & settle it.", "team@example.com")
    return replace(found, row_steps=balance(found.datasheet, found.ingest))


@pytest.fixture(scope="session")
def minimal(tmp_path_factory) -> Reports:
    """The reports of a walk that asked for nothing."""
    return read_reports(write_minimal(tmp_path_factory.mktemp("minimal")), NAME, "Route a claim.", "team@example.com")


@pytest.fixture(scope="session")
def sample() -> Reports:
    """What the sample's last walk left in the repository."""
    return read_reports(SAMPLE, "support_triage", "Route a ticket.", "team@example.com")
