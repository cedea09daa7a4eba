import shutil
from pathlib import Path

import pytest

from pipelines.files import read_json, write_json

REPORTS = Path(__file__).parents[1] / "fixtures" / "handoff"


@pytest.fixture
def walked(project) -> Path:
    """The reports of a recipe that walked the line."""
    folder = project / "reports" / "ticket_triage"
    shutil.copytree(REPORTS, folder, ignore=shutil.ignore_patterns("*.yaml", "*.gguf"))
    receipt = {"model": "ticket-triage", "version": 3, "alias": "challenger", "run_id": "r", "fingerprint": "f"}
    write_json(folder / "registry.json", {**receipt, "sha256": "b"})
    for stage, seconds in {"ingest": 1.5, "train": 119.97}.items():
        note = {"seconds": seconds, "peak_memory_bytes": 3 * 2**30, "machine": "2 CPU cores", "cost": seconds / 1000}
        write_json(folder / "timing" / f"{stage}.json", {**note, "currency": "EUR"})
    return folder


def line_with(out, word):
    return next(line for line in out.splitlines() if word in line)


@pytest.mark.usefixtures("walked")
def test_the_summary_shows_figures_files_version_time_and_what_is_next(tinsmith, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # where it is set, no page of one's own is told
    code, out, err = tinsmith("summary", "ticket_triage")
    assert (code, err) == (0, "")
    assert "ticket_triage: pass, judged on 20 test rows" in out
    assert line_with(out, "exact_match  ").split() == (
        ["exact_match", "5.0%", "15.0%", "65.0%", "+50.0", "+25.0", "to", "+75.0", "few-shot"]
    )
    assert line_with(out, "field_f1").split()[2] == "-"
    assert line_with(out, "Q4_K_M.gguf").split() == ["ticket_triage-Q4_K_M.gguf", "0.0", "MiB", "b94279bb1b58f5ea…"]
    assert "ticket-triage version 3, alias @challenger" in out
    assert line_with(out, "train ").split() == ["train", "2:00.0", "3.00", "GiB", "0.1200"]
    assert line_with(out, "total").split() == ["total", "2:01.5", "3.00", "GiB", "0.1215"]
    assert "EUR" in out
    for command in (
        "tinsmith serve ticket_triage",
        "dvc plots show",
        "mlflow ui",
    ):
        assert command in out


@pytest.mark.usefixtures("walked")
def test_it_is_plain_and_fits_100_columns(tinsmith):
    _, out, _ = tinsmith("summary", "ticket_triage")
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_model_that_was_not_registered_says_why(tinsmith, walked):
    receipt = walked / "registry.json"
    unregistered = {"version": None, "alias": None, "reason": "the gate's verdict is fail; see evaluation.json"}
    write_json(receipt, read_json(receipt) | unregistered)
    _, out, _ = tinsmith("summary", "ticket_triage")
    assert "ticket-triage was not registered (the gate's verdict is fail; see evaluation.json)" in out


def test_a_recipe_that_has_not_walked_the_line(tinsmith):
    code, _, err = tinsmith("summary", "ticket_triage")
    assert code == 2
    assert err == (
        "error: reports/ticket_triage/evaluation.json: not there yet; run `dvc repro register@ticket_triage` first\n"
    )
