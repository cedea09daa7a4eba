"""Benchmarks in small: files in the public forms, with rows that are made up here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[[str, list[dict[str, Any]]], Path]


@pytest.fixture
def write(tmp_path) -> Write:
    """Writes rows as JSON Lines to a file below the data folder, and gives that folder."""

    def written(place: str, rows: list[dict[str, Any]]) -> Path:
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return tmp_path

    return written
