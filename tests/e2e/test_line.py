"""What `dvc repro` leaves behind, and what it does again after a change."""

import json
import re
import sys

import pyarrow.parquet as pq
import pytest

from pipelines.files import sha256_of_file

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

STAGES = [
    "resolve",
    "collect",
    "ingest",
    "prepare",
    "train",
    "export",
    "baseline",
    "ability",
    "safety",
    "evaluate",
    "report",
    "register",
]

# Prints how many runs, versions and artifacts of the registered file the project's MLflow database knows.
ASK_MLFLOW = """
import hashlib, json
from pipelines.handoff.registry import open_registry
with open_registry() as client:
    versions = client.search_model_versions("name = 'support-triage'")
    experiments = [found.experiment_id for found in client.search_experiments()]
    challenger = client.get_model_version_by_alias("support-triage", "challenger")
    from mlflow.artifacts import download_artifacts
    bundle = download_artifacts(artifact_uri=challenger.source, tracking_uri=client.tracking_uri)
    from pathlib import Path
    print(json.dumps({
        "versions": [int(version.version) for version in versions],
        "runs": [run.info.run_id for run in client.search_runs(experiments)],
        "challenger": int(challenger.version),
        "ggufs": [hashlib.sha256(file.read_bytes()).hexdigest() for file in Path(bundle).rglob("*.gguf")],
    }))
"""


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)@", output)


def test_ingest_accounts_for_every_row(walked):
    report = walked.report("ingest")
    assert report["rows_in"] == report["accepted"] + report["quarantined"] + report["rejected_raw"]
    assert report["rows_in"] == sum(file["rows"] for file in report["sources"]["tickets"]["files"])
    assert {"id", "version", "sha256"} <= set(report["sources"]["tickets"]["contract"])
    accepted = pq.read_metadata(walked / walked.paths.work / "accepted.parquet").num_rows
    assert accepted == report["accepted"] > 300
    refused = (walked / walked.paths.work / "quarantine.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in refused]
    assert kinds.count("quarantined") == report["quarantined"] > 0
    assert kinds.count("rejected_raw") == report["rejected_raw"] > 0


def test_the_datasheet_accounts_for_every_accepted_row_and_no_group_is_cut(walked):
    report = walked.report("datasheet")
    rows = report["rows"]
    assert sum(count for name, count in rows.items() if name != "accepted") == rows["accepted"]
    groups = {}
    for side in ("train", "validation", "test"):
        table = pq.read_table(walked / walked.paths.work / f"{side}.parquet")
        assert table.num_rows == rows[side] > 0
        groups[side] = set(table["group"].to_pylist())
        assert len(groups[side]) == report["groups"][side]
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["validation"]
    assert not groups["validation"] & groups["test"]
    assert set(report["allowed_answers"]) == {"product", "intent", "priority"}


def test_the_figures_of_training_are_there(walked):
    report = walked.report("train")
    assert report["steps"] == 10
    # Ten packed rows of at most 256 tokens.
    assert 10 * 128 < report["trained_tokens"] <= 10 * 256
    assert report["tokens_per_second"] == pytest.approx(report["trained_tokens"] / report["seconds"], rel=0.02)
    assert report["peak_memory_bytes"] > 135e6
    assert report["cost"] > 0
    lines = (walked / walked.paths.reports / "loss.csv").read_text().splitlines()
    assert [float(line.split(",")[0]) for line in lines[1:]] == list(range(1, 11))


def test_training_that_was_killed_goes_on_from_its_last_checkpoint(walked):
    """PAINS 14: DVC removes a stage's outputs, yet what was trained before kill -9 is not trained again."""
    assert walked.report("train")["resumed_from_step"] in {2, 4, 6, 8}
    assert not list((walked / walked.paths.scratch / "train").iterdir())


def test_the_exported_files_are_those_that_the_report_names(walked):
    report = walked.report("export")
    assert set(report["base"]) == {"name", "revision", "license", "sha256"}
    assert list(report["quants"]) == ["Q4_K_M", "Q8_0"]
    for quant in report["quants"].values():
        gguf = walked / walked.paths.work / "gguf" / quant["file"]
        assert gguf.stat().st_size == quant["bytes"]
        assert sha256_of_file(gguf) == quant["sha256"]


def test_the_evaluation_compares_base_and_tuned_on_the_same_rows(walked):
    report = walked.report("evaluation")
    assert report["verdict"] == "pass"
    assert report["rows"] == 30
    for metric in ("exact_match", "valid_json"):
        figures = report["metrics"][metric]
        best_base = figures[figures["compared_with"]]
        assert figures["difference"] == pytest.approx(figures["tuned"] - best_base, abs=1e-5)
        low, high = figures["interval"]
        assert -1 <= low <= figures["difference"] <= high <= 1
    assert all({"rule", "holds", "figure"} <= set(rule) for rule in report["rules"])
    assert report["rules"]
    answers = (walked / walked.paths.work / "answers.jsonl").read_text().splitlines()
    assert len(answers) == 30
    assert "<html" in (walked / walked.paths.reports / "report.html").read_text()


def test_one_version_is_registered_whatever_was_killed(walked):
    """Registering was killed with -9 while it uploaded; a second try finds its run and makes one version."""
    receipt, export = walked.report("registry"), walked.report("export")
    assert set(receipt) == {"model", "version", "alias", "run_id", "fingerprint", "sha256"}
    assert (receipt["model"], receipt["version"], receipt["alias"]) == ("support-triage", 1, "challenger")
    asked = walked.run(sys.executable, "-c", ASK_MLFLOW)
    assert json.loads(asked.stdout.splitlines()[-1]) == {
        "versions": [1],
        "runs": [receipt["run_id"]],
        "challenger": 1,
        "ggufs": [export["quants"]["Q4_K_M"]["sha256"]],
    }
    assert receipt["sha256"] == export["quants"]["Q4_K_M"]["sha256"]


def test_every_stage_says_what_it_took(walked):
    notes = [walked.report(f"timing/{stage if stage != 'collect' else 'collect-tickets'}") for stage in STAGES]
    assert all(note["seconds"] > 0 and note["peak_memory_bytes"] > 0 for note in notes)


def test_a_second_repro_runs_nothing(walked):
    again = walked.dvc("repro")
    assert stages_run(again.stdout) == []
    assert "up to date" in again.stdout + again.stderr


def test_dvc_shows_base_and_tuned_in_columns_that_fit_a_screen(walked):
    shown = walked.dvc("metrics", "show", "--md").stdout
    head, _, row = (line.strip("| ").split("|") for line in shown.splitlines() if line.startswith("|"))
    found = dict(zip((cell.strip() for cell in head), (cell.strip() for cell in row), strict=True))
    figures = walked.report("evaluation")["metrics"]["exact_match"]
    assert float(found["exact_match.tuned"]) == pytest.approx(figures["tuned"], abs=1e-4)
    assert float(found["exact_match.base"]) == pytest.approx(figures[figures["compared_with"]], abs=1e-4)
    assert found["verdict"] == "pass"
    assert max(len(line) for line in shown.splitlines()) < 200


def test_dvc_plots_the_loss(walked, tmp_path):
    walked.dvc("plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    assert "support_triage: training loss" in page
    last = (walked / walked.paths.reports / "loss.csv").read_text().splitlines()[-1]
    assert last.split(",")[1] in page


def test_other_slices_only_judge_anew(changed):
    changed.edit(changed.paths.recipe, "slices: [product]", "slices: [priority]")
    assert stages_run(changed.dvc("repro").stdout) == ["resolve", "evaluate", "report", "register"]
    assert "priority," in (changed / changed.paths.reports / "slices.csv").read_text()


def test_a_column_newly_called_personal_is_masked_though_no_row_is_accepted_anew(changed):
    """Which columns are personal shapes what is masked, not which rows keep the contract."""
    marked = "      - name: thread_id\n        classification: confidential\n        tags: [pii]\n"
    changed.edit("data_contracts/support_tickets.odcs.yaml", "      - name: thread_id\n", marked)
    before = (changed / changed.paths.work / "accepted.parquet").read_bytes()
    assert stages_run(changed.dvc("repro", "prepare@support_triage").stdout) == ["collect", "ingest", "prepare"]
    assert (changed / changed.paths.work / "accepted.parquet").read_bytes() == before


def test_another_metric_trains_and_asks_nothing_again(changed):
    """The model is judged anew from the kept answers, and the registry learns the new figures."""
    changed.edit(changed.paths.recipe, "metrics: [exact_match, valid_json]", "metrics: [exact_match, field_f1]")
    assert stages_run(changed.dvc("repro").stdout) == ["resolve", "evaluate", "report", "register"]
    assert set(changed.report("evaluation")["metrics"]) == {"exact_match", "field_f1"}
    assert changed.report("registry")["version"] == 1


def test_a_typo_in_the_recipe_stops_resolve_with_its_line_and_the_word_that_was_meant(changed):
    changed.edit(changed.paths.recipe, "max_steps: 10", "max_stepz: 10")
    ended = changed.run(sys.executable, "-m", "dvc", "repro")
    assert ended.returncode != 0
    line = next(line for line in ended.stderr.splitlines() if line.startswith("error: "))
    assert line.startswith(
        "error: recipes/support_triage.yaml:14: train.max_stepz: there is no such field (did you mean "
    )
    assert "did you mean max_steps?" in line
    assert "Traceback" not in ended.stderr
    assert stages_run(ended.stdout) == ["resolve"]
