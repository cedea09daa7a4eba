import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TinsmithError
from pipelines.exported import judged_quant
from pipelines.files import read_json, sha256_of_file
from pipelines.gguf.convert import convert
from pipelines.gguf.metadata import read_metadata
from pipelines.gguf.toolchain import Toolchain
from pipelines.model.base import folder_digest
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.stages.export import MERGE_KL_LIMIT, check_merge, export
from tests.gguf.faults import drop_added_token, permute_heads, rewrite_template

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SECRET_WORD = "heliotrope"
QUANT_FIGURES = {
    *("file", "bytes", "sha256", "perplexity", "perplexity_ratio", "kl_mean", "kl_p99", "top1", "general"),
    *("prompt_tokens_per_second", "decode_tokens_per_second"),
}


ANY = {"kl_mean": 9, "kl_p99": 99, "top1": 0, "perplexity_ratio": 99}


def recipe(base: Path, **exported: Any) -> Recipe:
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": "triage",
                "purpose": "Route a ticket.",
                "owner": "team@example.com",
                "data": {
                    "sources": {"rows": {"contract": "c.odcs.yaml", "type": "files", "path": "x.csv"}},
                    "example": {"user": "{text}", "assistant": "{product}"},
                },
                "model": {"base": str(base), "sha256": folder_digest(base), "license": "mit"},
                "export": exported,
                "register": {"model": "triage"},
            }
        )
    )


def write_split(paths: Paths, split: str, count: int) -> None:
    rows = [
        {
            "example_id": f"{split}.csv:{number}",
            "prompt": [{"role": "user", "content": f"My {SECRET_WORD} number {number} is lost. Which product?"}],
            "answer": ["Card", "Loan"][number % 2],
        }
        for number in range(count)
    ]
    turns = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    schema = pa.schema([("example_id", pa.string()), ("prompt", turns), ("answer", pa.string())])
    pq.write_table(pa.Table.from_pylist(rows, schema), paths.work / f"{split}.parquet")


@pytest.fixture
def paths(tiny_model, tmp_path, monkeypatch) -> Paths:
    """A project in which train has run: an adapter that changes every linear layer a little."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    monkeypatch.chdir(tmp_path)
    paths = Paths("triage")
    paths.work.mkdir(parents=True)
    write_split(paths, "train", 120)
    write_split(paths, "validation", 40)
    torch.manual_seed(1)
    settings = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), settings).save_pretrained(paths.work / "adapter")
    return paths


def test_every_quant_is_proven_and_described(paths, tiny_model, tmp_path, monkeypatch):
    """PAINS 8: the merge's distance from what was trained."""
    monkeypatch.setenv("TEXTS", str(tmp_path))
    (tmp_path / "novel.txt").write_text("It was a dark and stormy night, and the rain fell in torrents.\n" * 60)
    export(
        recipe(
            tiny_model,
            quants=["Q4_K_M", "Q3_K_M"],
            general_text="${TEXTS}/novel.txt",
            tolerance=ANY,
        ),
        paths,
    )
    report = read_json(paths.reports / "export.json")
    assert judged_quant(report) == "Q4_K_M"
    assert list(report["quants"]) == ["Q4_K_M", "Q3_K_M"]
    for entry in report["quants"].values():
        assert set(entry) == QUANT_FIGURES
        file = paths.work / "gguf" / entry["file"]
        assert (sha256_of_file(file), file.stat().st_size) == (entry["sha256"], entry["bytes"])
        assert set(entry["general"]) == {"perplexity", "perplexity_ratio", "kl_mean", "kl_p99", "top1"}
    near, far = report["quants"].values()
    assert near["kl_mean"] < far["kl_mean"]
    assert near["general"]["kl_mean"] < far["general"]["kl_mean"]
    assert near["bytes"] < report["sixteen_bit"]["bytes"]
    parity = report["parity"]
    assert parity["tokens"]["texts"] == 122  # 120 questions, of which 40 are held out too, and two answers
    assert parity["tokens"]["added_tokens"] >= 17
    assert parity["template"] == {"chats": 40, "with_tools": 0, "different": 0}
    assert (parity["bos"]["in_training"], parity["bos"]["in_server"]) == (1, 1)
    assert parity["hf_kl_mean"] < parity["limits"]["hf_kl_mean"]
    assert parity["hf_top1"] > parity["limits"]["hf_top1"]
    assert parity["limits"]["quants"] == ANY
    assert (report["measured_on"], report["tolerance_checked"]) == ("validation", True)
    assert min(report["merge"]["kl_16bit"], report["merge"]["kl_nf4"]) < MERGE_KL_LIMIT
    assert report["imatrix"]["tokens"] >= 512
    assert report["llama_cpp"]
    assert all(seconds > 0 for seconds in report["steps"].values())
    found = read_metadata(paths.work / "gguf" / near["file"])
    assert (found["general.name"], found["general.license"]) == ("triage", "mit")
    assert SECRET_WORD not in (paths.reports / "export.json").read_text()

    before = (near["sha256"], far["sha256"])
    (paths.work / ".gguf.left_by_a_killed_one").mkdir()
    export(recipe(tiny_model, quants=["Q4_K_M", "Q3_K_M"], tolerance=ANY), paths)
    again = read_json(paths.reports / "export.json")
    assert (again["quants"]["Q4_K_M"]["sha256"], again["quants"]["Q3_K_M"]["sha256"]) == before
    assert not list(paths.work.glob(".*"))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            lambda folder: rewrite_template(folder, lambda text: text.replace("<|im_end|>", "<|im_end|> ")),
            "chats other",
        ),
        (lambda folder: rewrite_template(folder, lambda text: "{{ bos_token }}" + text), "begins with 2 beginning-of-"),
        (lambda folder: drop_added_token(folder, "<file_sep>"), "does not know 1 of the base's"),
        (permute_heads, "is not the model that was trained: KL"),
    ],
    ids=["wrong template", "two beginnings", "dropped token", "permuted heads"],
)
def test_a_fault_of_the_conversion_stops_the_stage_and_leaves_no_file(paths, tiny_model, monkeypatch, fault, told):
    """PAINS 6, 9, 11, 13, as the stage meets them."""

    def faulty(folder: Path, target: Path, toolchain: Toolchain) -> None:
        with_fault = target.parent / "with_fault"
        shutil.copytree(folder, with_fault)
        fault(with_fault)
        convert(with_fault, target, toolchain)

    monkeypatch.setattr("pipelines.stages.export.convert", faulty)
    with pytest.raises(TinsmithError, match=told):
        export(recipe(tiny_model, quants=["Q8_0"], tolerance=ANY), paths)
    assert not (paths.reports / "export.json").exists()
    assert not (paths.work / "gguf").exists()


@pytest.mark.slow
def test_auto_makes_the_smallest_that_is_close_enough(paths, tiny_model):
    export(recipe(tiny_model, quants="auto", tolerance=ANY | {"kl_mean": 0.01}), paths)
    report = read_json(paths.reports / "export.json")
    judged = judged_quant(report)
    assert list(report["quants"]) == [judged]
    assert report["quants"][judged]["kl_mean"] <= 0.01
    assert next(iter(report["refused"])) == "Q2_K"
    assert judged not in report["refused"]
    assert all(refused["kl_mean"] > 0.01 for refused in report["refused"].values())
    assert {file.name for file in (paths.work / "gguf").iterdir()} == {f"triage-{judged}.gguf", "triage-lora.gguf"}


@pytest.mark.slow
def test_a_quant_that_is_too_far_away_leaves_nothing(paths, tiny_model):
    with pytest.raises(TinsmithError, match=r"^export\.quants: Q8_0 is too far from the 16-bit model"):
        export(recipe(tiny_model, quants=["Q8_0", "Q3_K_M"], tolerance={"kl_mean": 0.0001}), paths)
    assert not (paths.work / "gguf").exists()
    assert not (paths.reports / "export.json").exists()


@pytest.mark.slow
def test_hardly_any_text_is_not_measured_and_leaves_auto_no_choice(paths, tiny_model, capsys):
    write_split(paths, "train", 3)
    write_split(paths, "validation", 0)
    export(recipe(tiny_model, quants=["Q8_0"]), paths)
    report = read_json(paths.reports / "export.json")
    assert "fewer than 256 tokens of text to measure on, so that no quant is held against" in capsys.readouterr().out
    assert (report["measured_on"], report["tolerance_checked"]) == ("train", False)
    assert report["imatrix"] is None
    assert report["quants"]["Q8_0"]["kl_mean"] is None
    assert report["sixteen_bit"]["perplexity"] is None
    with pytest.raises(TinsmithError, match=r"^export\.quants: auto needs 256 tokens of held-out text"):
        export(recipe(tiny_model, quants="auto"), paths)


def test_a_merge_that_is_not_the_trained_model_is_refused():
    """PAINS 9."""
    check_merge(0.003)
    for kl in (0.7, float("nan")):
        with pytest.raises(TinsmithError, match=r"^export: the merged model is not the one that was trained: KL "):
            check_merge(kl)
