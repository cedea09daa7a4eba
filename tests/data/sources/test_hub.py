"""Data sets of the hub, from a cache laid out as the hub's own: no hub can be reached from the tests."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TinsmithError
from tests.data.sources.reads import contract_of, parts_of, read

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of one commit in an empty cache, with the network switched off."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / "datasets--org--tickets" / "snapshots" / COMMIT
    (folder / "data").mkdir(parents=True)
    (folder / "tickets.py").write_text("raise SystemExit('the code of a data set ran')")
    return folder


def test_the_files_of_the_commit_that_match_are_read(cache):
    for name in ("train-1", "train-0", "test-0"):
        pq.write_table(pa.table({"id": [name], "body": ["x"]}), cache / "data" / f"{name}.parquet")
    parts = parts_of(type="hub", dataset=f"org/tickets@{COMMIT}", path="data/train-*.parquet")
    assert [(part.label, read(rows)) for part, rows in parts] == [
        ("train-0.parquet", [("train-0", "x")]),
        ("train-1.parquet", [("train-1", "x")]),
    ]


def test_conversations_are_turned_into_columns(cache):
    (cache / "data" / "a.jsonl").write_text('{"id": 1, "prompt": "Hi", "completion": "Hello"}\n')
    parts = parts_of(
        contract_of(id="integer", user="string", assistant="string"),
        type="hub",
        dataset=f"org/tickets@{COMMIT}",
        path="**/*.jsonl",
        shape="completion",
    )
    assert [read(rows) for _, rows in parts] == [[("1", "Hi", "Hello")]]


@pytest.mark.parametrize(
    ("dataset", "path", "told"),
    [
        (f"org/other@{COMMIT}", "*.jsonl", rf"^org/other@{COMMIT}: cannot be fetched"),
        (f"org/tickets@{COMMIT}", "*.csv", "no file matches"),
        (f"org/tickets@{COMMIT}", "*.py", "can run code when it is read"),
    ],
)
def test_what_is_not_there_or_is_code_is_told(dataset, path, told):
    with pytest.raises(TinsmithError, match=told):
        parts_of(type="hub", dataset=dataset, path=path)
