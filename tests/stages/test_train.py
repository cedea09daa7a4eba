import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TinsmithError
from pipelines.model.base import folder_digest
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.stages.train import train


def test_a_machine_that_could_not_export_does_not_train(chatml_base, tmp_path, monkeypatch):
    """PAINS 22: no llama.cpp, and no compiler to build it with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("TINSMITH_LLAMA_CPP", "CXX"):
        monkeypatch.delenv(name, raising=False)
    recipe = {
        "name": "triage",
        "purpose": "Route a ticket.",
        "owner": "team@example.com",
        "data": {
            "sources": {"rows": {"contract": "c.odcs.yaml", "type": "files", "path": "x.csv"}},
            "example": {"user": "{text}", "assistant": "{product}"},
        },
        "model": {"base": str(chatml_base), "sha256": folder_digest(chatml_base), "license": "mit"},
        "register": {"model": "triage"},
    }
    paths = Paths("triage")
    paths.work.mkdir(parents=True)
    row = {"example_id": "a:1", "prompt": [{"role": "user", "content": "Which product?"}], "answer": "Card"}
    for split in ("train", "validation"):
        pq.write_table(pa.Table.from_pylist([row]), paths.work / f"{split}.parquet")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TinsmithError, match=r"^no C\+\+ compiler to build llama\.cpp with; install one"):
        train(Recipe.model_validate_json(json.dumps(recipe)), paths)
    assert [path for path in sorted(tmp_path.rglob("*")) if "cache" not in path.parts] == before
