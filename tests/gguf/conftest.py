"""The tiny model on its way to llama.cpp."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.gguf.convert import convert
from pipelines.gguf.toolchain import Toolchain, find_toolchain
from pipelines.model.base import load_tokenizer


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return find_toolchain()


@pytest.fixture(scope="session")
def tiny_gguf(tiny_model, toolchain, tmp_path_factory) -> Path:
    """The same as a 16-bit GGUF."""
    gguf = tmp_path_factory.mktemp("gguf") / "16bit.gguf"
    convert(tiny_model, gguf, toolchain)
    return gguf


@pytest.fixture
def changed(tiny_model, tmp_path) -> Path:
    """A copy of the model to spoil."""
    shutil.copytree(tiny_model, tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(scope="session")
def tokenizer(tiny_model) -> Any:
    return load_tokenizer(tiny_model)
