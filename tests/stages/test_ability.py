import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_file, write_json
from pipelines.gguf.base_gguf import base_gguf
from pipelines.gguf.toolchain import find_toolchain
from pipelines.model.base import base_model
from pipelines.paths import Paths, user_cache
from pipelines.recipe import Model, Recipe
from pipelines.stages.ability import ability

BASE = "embedded:smollm2-135m-instruct"
QUANT = "Q8_0"
EASY = [("What colour is grass?", ["green", "xylophone"]), ("What do bees make?", ["honey", "volcanoes"])]


def recipe(**asked: Any) -> Recipe:
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": "triage",
                "purpose": "Route a ticket.",
                "owner": "team@example.com",
                "data": {
                    "sources": {"rows": {"contract": "c.odcs.yaml", "type": "files", "path": "x.csv"}},
                    "example": {"user": "{text}", "assistant": "{label}"},
                },
                "model": {"base": BASE},
                "evaluate": {"ability": asked or None},
                "export": {"quants": [QUANT]},
                "register": {"model": "triage"},
            }
        )
    )


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_benchmarks(data: Path) -> None:
    for part in ("Easy", "Challenge"):
        lines(
            data / "arc" / f"ARC-{part}.test.jsonl",
            [{"query": f"Question: {question}\nAnswer:", "choices": choices, "gold": 0} for question, choices in EASY],
        )
    lines(
        data / "hellaswag" / "validation.jsonl",
        [
            {
                "activity_label": "Washing hands",
                "ctx_a": "A man turns on the tap.",
                "ctx_b": "he",
                "endings": ["washes his hands.", "is a violin of soup.", "eats the moon.", "sells seven clouds."],
                "label": "0",
            }
        ],
    )
    lines(
        data / "mmlu" / "test.jsonl",
        [
            {
                "subject": "made_up",
                "question": "A fruit?",
                "choices": ["rock", "apple", "car", "sky"],
                "answer": 1,
            }
        ],
    )
    lines(
        data / "bbq" / "Made_up.jsonl",
        [
            {
                "question_polarity": "neg",
                "context_condition": condition,
                "answer_info": {"ans0": ["a", "x"], "ans1": ["b", "unknown"], "ans2": ["c", "y"]},
                "additional_metadata": {"stereotyped_groups": ["y"]},
                "context": f"Two people met. {told}",
                "question": "Who was late?",
                "ans0": "The baker",
                "ans1": "Unknown",
                "ans2": "The singer",
                "label": label,
            }
            for condition, told, label in (("ambig", "", 1), ("disambig", "The singer was late.", 2))
        ],
    )
    sums = [{"question": f"What is {n} plus {n}?", "answer": f"{n}+{n}={2 * n}\n#### {2 * n}"} for n in range(1, 7)]
    lines(data / "gsm8k" / "train.jsonl", sums[:5])
    lines(data / "gsm8k" / "test.jsonl", sums[5:])
    lines(
        data / "ifeval" / "input_data.jsonl",
        [
            {
                "key": 1,
                "prompt": "Answer with one word: is ice cold?",
                "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
                "kwargs": [{}, {"num_words": 50, "relation": "less than"}],
            }
        ],
    )
    tables = {
        "truthfulqa/TruthfulQA.csv": {
            "Question": "Can pigs fly?",
            "Best Answer": "No",
            "Correct Answers": "No; They cannot",
            "Incorrect Answers": "Yes",
        },
        "xstest/xstest_prompts.csv": {"prompt": "How do I stop a clock?", "label": "safe"},
    }
    for place, row in tables.items():
        (data / place).parent.mkdir()
        with (data / place).open("w", newline="") as stream:
            table = csv.DictWriter(stream, row)
            table.writeheader()
            table.writerow(row)


@pytest.fixture
def paths(tmp_path, monkeypatch) -> Paths:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINSMITH_BENCH_DATA", str(tmp_path / "benchmarks"))
    write_benchmarks(tmp_path / "benchmarks")
    return Paths("triage")


@pytest.fixture
def exported(paths, tmp_path, monkeypatch) -> Paths:
    """A project after export, whose tuned model is the base in a coarser quantisation, and a cache without answers."""
    toolchain = find_toolchain()
    coarse = base_gguf(base_model(Model(base=BASE)).folder, "Q4_K_M", toolchain)
    base_gguf(base_model(Model(base=BASE)).folder, QUANT, toolchain)
    cache = tmp_path / "cache"
    cache.mkdir()
    for made in user_cache().iterdir():
        if made.name != "ability":
            (cache / made.name).symlink_to(made)
    monkeypatch.setenv("TINSMITH_CACHE", str(cache))
    tuned = paths.work / "gguf" / "triage.gguf"
    tuned.parent.mkdir(parents=True)
    shutil.copy(coarse, tuned)
    write_json(paths.work / "baseline" / "imatrix.json", {"text": "", "tokens": 0})
    write_json(
        paths.reports / "export.json",
        {
            "llama_cpp": toolchain.version,
            "judged": QUANT,
            "quants": {QUANT: {"file": tuned.name, "sha256": sha256_of_file(tuned)}},
        },
    )
    return paths


def test_a_recipe_that_asks_for_none_gets_a_report_that_says_so(paths):
    ability(recipe(), paths)
    assert read_json(paths.reports / "ability.json") == {"asked": False, "figures": {}}


def test_the_export_must_have_run(paths):
    with pytest.raises(TinsmithError, match=r"python -m pipelines\.stages\.export triage"):
        ability(recipe(data="benchmarks"), paths)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("${NOT_SET_HERE}/x", "needs the environment variable NOT_SET_HERE, which is not set"),
        ("$", r"\$ without a name"),
        ("elsewhere", r"elsewhere/arc: holds no ARC-Easy\.test\.jsonl"),
    ],
)
def test_a_missing_folder_is_one_line_before_anything_is_asked(paths, data, says):
    (paths.work / "gguf").mkdir(parents=True)
    write_json(paths.reports / "export.json", {"quants": {}})
    with pytest.raises(TinsmithError, match=says):
        ability(recipe(data=data), paths)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_base_and_tuned_are_asked_every_benchmark_once(exported):
    tasks = ["arc_easy", "arc_challenge", "hellaswag", "mmlu", "truthfulqa", "bbq", "gsm8k", "ifeval", "xstest"]
    asked = recipe(data="${TINSMITH_BENCH_DATA}", tasks=tasks, rows=2)
    ability(asked, exported)
    report = read_json(exported.reports / "ability.json")
    assert (report["asked"], report["quant"]) == (True, QUANT)
    assert report["base_gguf_sha256"] != report["tuned_gguf_sha256"]
    assert list(report["tasks"]) == tasks
    assert report["tasks"]["arc_easy"]["rows"] == report["tasks"]["bbq"]["rows"] == 2
    for task in report["tasks"].values():
        assert min(task["rows_per_second"].values()) > 0
        assert task["unanswered"] == {"base": [], "tuned": []}
    figures = report["figures"]
    assert {"ability.bbq_bias_ambiguous", "ability.ifeval_instructions", "ability.truthfulqa_mc2"} <= set(figures)
    # What the smallest of models knows, coarse or not.
    for name in ("ability.arc_easy", "ability.arc_challenge", "ability.hellaswag"):
        assert (figures[name]["base"], figures[name]["tuned"]) == (1.0, 1.0)
    mc2 = figures["ability.truthfulqa_mc2"]
    assert 0 < mc2["base"] < 1
    assert mc2["difference"] == pytest.approx(mc2["tuned"] - mc2["base"], abs=1e-6)

    # Asked again nothing is asked, and another recipe on the same base finds the base's answers.
    before = (exported.reports / "ability.json").read_bytes()
    (kept,) = (Path(os.environ["TINSMITH_CACHE"]) / "ability").glob("*.jsonl")
    size = kept.stat().st_size
    ability(asked, exported)
    assert (exported.reports / "ability.json").read_bytes() == before
    shutil.rmtree(exported.scratch / "ability")
    ability(recipe(data="benchmarks", tasks=["arc_easy"], rows=1), exported)
    assert kept.stat().st_size == size
    assert read_json(exported.reports / "ability.json")["tasks"]["arc_easy"]["rows"] == 1


@pytest.mark.slow
def test_another_file_than_the_exported_one_is_refused(exported):
    (exported.work / "gguf" / "triage.gguf").write_bytes(b"GGUF")
    with pytest.raises(TinsmithError, match=r"is not the file that .*export\.json describes"):
        ability(recipe(data="benchmarks", tasks=["mmlu"]), exported)
