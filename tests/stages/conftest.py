from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def hide_llama_cpp(tmp_path_factory, monkeypatch) -> Callable[[], None]:
    """From its call on there is no llama.cpp at hand, and nothing to build one with."""

    def hide() -> None:
        nothing: Path = tmp_path_factory.mktemp("nothing")
        monkeypatch.delenv("TINSMITH_LLAMA_CPP", raising=False)
        for name, value in (("TINSMITH_CACHE", nothing), ("PATH", nothing), ("CXX", "none")):
            monkeypatch.setenv(name, str(value))

    return hide
