"""An empty project folder for each test."""

import shutil

import pytest

from tests.bad_inputs.line import CHECKOUT


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The project's folder, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copyfile(CHECKOUT / "prices.yaml", "prices.yaml")
    return tmp_path
