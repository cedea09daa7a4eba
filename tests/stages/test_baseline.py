import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TinsmithError
from pipelines.files import read_json, write_json
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.scoring.metrics.perplexity import read_expected, read_likelihoods
from pipelines.stages.baseline import baseline

pytestmark = pytest.mark.e2e

PRODUCTS = ["Card", "Loan", "Account"]


def recipe(few_shot: int, **changed: Any) -> Recipe:
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": "triage",
                "purpose": "Route a ticket.",
                "owner": "team@example.com",
                "data": {
                    "sources": {"rows": {"contract": "c.odcs.yaml", "type": "files", "path": "x.csv"}},
                    "example": {"system": "Route.", "user": "{text}", "assistant": {"json": ["product"]}},
                },
                "model": {"base": "embedded:smollm2-135m-instruct"},
                "evaluate": {"few_shot": few_shot, "max_rows": 4, **changed},
                "export": {"quants": ["Q8_0"]},
                "register": {"model": "triage"},
            }
        )
    )


@pytest.fixture
def paths(tmp_path, monkeypatch) -> Paths:
    """A project in which prepare has run."""
    monkeypatch.chdir(tmp_path)
    paths = Paths("triage")
    for split, count in (("train", 12), ("test", 6)):
        rows = [
            {
                "example_id": f"{split}.csv:{number}",
                "prompt": [
                    {"role": "system", "content": "Route."},
                    {"role": "user", "content": f"Ticket {number} about my {PRODUCTS[number % 3].lower()}"},
                ],
                "answer": json.dumps({"product": PRODUCTS[number % 3]}),
            }
            for number in range(count)
        ]
        paths.work.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), paths.work / f"{split}.parquet")
    write_json(
        paths.reports / "datasheet.json",
        {
            "tokens": {"longest": 64, "longest_answer": 8},
            "allowed_answers": {"product": PRODUCTS},
            "answer_schema": {"type": "object", "properties": {"product": {"type": "string"}}},
        },
    )
    write_json(paths.reports / "export.json", {"judged": "Q8_0", "quants": {"Q8_0": {}}})
    return paths


def lines(paths: Paths, variant: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (paths.work / "baseline" / f"{variant}.jsonl").read_text().splitlines()]


def test_the_base_answers_every_judged_row_with_and_without_examples(paths):
    baseline(recipe(few_shot=3), paths)
    report = read_json(paths.reports / "baseline.json")
    assert (report["rows"], report["quant"], report["fewer_examples"]) == (4, "Q8_0", 0)
    assert {name: found["answered"] for name, found in report["variants"].items()} == {
        "base": 4,
        "base_few_shot": 4,
        "base_constrained": 4,
    }
    few_shot = lines(paths, "base_few_shot")
    assert [line["example_id"] for line in few_shot] == [line["example_id"] for line in lines(paths, "base")]
    # Examples show the form, and even a small base then keeps it.
    assert any(set(json.loads(line["answer"])) == {"product"} for line in few_shot if line["answer"].startswith("{"))

    # A grammar leaves no other form, and no other product.
    assert {json.loads(line["answer"])["product"] for line in lines(paths, "base_constrained")} <= set(PRODUCTS)
    assert all(line["logprob"] < 0 for line in few_shot)

    # What only evaluate reads changes nothing here, and kept answers are not asked again.
    before = (paths.reports / "baseline.json").read_bytes()
    baseline(recipe(few_shot=3, metrics=["valid_json"]), paths)
    assert (paths.reports / "baseline.json").read_bytes() == before


def test_without_few_shot_the_base_is_asked_once(paths):
    baseline(recipe(few_shot=0), paths)
    assert list(read_json(paths.reports / "baseline.json")["variants"]) == ["base", "base_constrained"]
    assert not (paths.work / "baseline" / "base_few_shot.jsonl").exists()


def test_the_likelihood_of_the_expected_answers_is_asked_behind_each_variants_prompts(paths):
    baseline(recipe(few_shot=3, perplexity=True), paths)
    folder = paths.work / "baseline"
    ids = [line["example_id"] for line in lines(paths, "base")]
    expected = read_expected(folder / "expected.json", ids)
    tokenizer = load_tokenizer(base_model(recipe(0).model).folder)
    judged = {row["example_id"]: row for row in pq.read_table(paths.work / "test.parquet").to_pylist()}
    for example_id, asked in zip(ids, expected, strict=True):
        assert tokenizer.decode(asked.tokens) == judged[example_id]["answer"]
        assert tokenizer.decode(asked.prompt).endswith("<|im_start|>assistant\n")
    plain = read_likelihoods(folder / "base.likelihoods.json", ids)
    shown = read_likelihoods(folder / "base_few_shot.likelihoods.json", ids)
    assert [found.tokens for found in plain] == [found.tokens for found in shown] == [len(e.tokens) for e in expected]
    # Examples of the very form make it likelier.
    assert sum(found.logprob for found in shown) > sum(found.logprob for found in plain)


def test_free_text_is_not_held_to_a_form(paths):
    datasheet = read_json(paths.reports / "datasheet.json")
    write_json(paths.reports / "datasheet.json", {**datasheet, "allowed_answers": {}, "answer_schema": None})
    free = recipe(few_shot=1)
    example = free.data.example.model_copy(update={"assistant": "{text}"})
    free = free.model_copy(update={"data": free.data.model_copy(update={"example": example})})
    baseline(free, paths)
    assert list(read_json(paths.reports / "baseline.json")["variants"]) == ["base", "base_few_shot"]


def test_one_label_only_is_judged_like_any_other(paths):
    datasheet = read_json(paths.reports / "datasheet.json")
    write_json(paths.reports / "datasheet.json", {**datasheet, "allowed_answers": {"product": ["Card"]}})
    baseline(recipe(few_shot=1), paths)
    assert {line["answer"] for line in lines(paths, "base_constrained")} == {'{"product": "Card"}'}


def test_a_test_split_without_rows_is_refused(paths):
    test = paths.work / "test.parquet"
    pq.write_table(pq.read_table(test).slice(0, 0), test)
    with pytest.raises(TinsmithError, match=r"^\S+test.parquet: no rows to judge by; raise data.split.test in .*$"):
        baseline(recipe(few_shot=1), paths)
