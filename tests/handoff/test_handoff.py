import shutil
from dataclasses import replace

import pytest

from pipelines.errors import TinsmithError
from pipelines.files import write_json
from pipelines.handoff.handoff import REPORTS, read_handoff
from pipelines.paths import Paths


def with_recipe(handoff, **sections):
    return replace(handoff, recipe=handoff.recipe.model_copy(update=sections))


def test_another_model_has_another_fingerprint(handoff):
    fingerprints = {handoff.fingerprint}
    faster = handoff.recipe.train.model_copy(update={"learning_rate": 0.5})
    fingerprints.add(with_recipe(handoff, train=faster).fingerprint)
    handoff.reports["ingest"]["sources"]["tickets"]["files"][0]["sha256"] = "7" * 64
    fingerprints.add(handoff.fingerprint)
    handoff.reports["export"]["base"]["sha256"] = "8" * 64
    fingerprints.add(handoff.fingerprint)
    handoff.reports["export"]["quants"]["Q4_K_M"]["sha256"] = "9" * 64
    fingerprints.add(handoff.fingerprint)
    assert len(fingerprints) == 5


def test_a_model_judged_or_described_anew_keeps_its_fingerprint(handoff):
    before = handoff.fingerprint
    evaluate = handoff.recipe.evaluate.model_copy(update={"metrics": ("valid_json",)})
    anew = with_recipe(handoff, evaluate=evaluate, gate={}, owner="someone else", purpose="Another sentence.")
    anew.reports["evaluation"]["verdict"] = "fail"
    anew.reports["ingest"]["sources"]["tickets"]["files"].reverse()
    anew.reports["ingest"]["sources"]["tickets"]["files"][0]["file"] = "renamed.csv"
    assert anew.fingerprint == before


def test_every_missing_report_is_named(handoff, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TinsmithError) as error:
        read_handoff(handoff.recipe, Paths("ticket_triage"))
    assert all(f"reports/ticket_triage/{name}.json" in str(error.value) for name in REPORTS)
    assert "dvc repro" in str(error.value)


def test_the_file_is_the_one_that_export_says_is_judged(handoff):
    assert handoff.quant == "Q4_K_M"
    handoff.reports["export"]["judged"] = "Q8_0"
    assert handoff.gguf["file"] == "ticket_triage-Q8_0.gguf"


def test_an_evaluation_of_another_file_is_refused(handoff, example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports = tmp_path / "reports" / "ticket_triage"
    shutil.copytree(example, reports)
    write_json(reports / "evaluation.json", handoff.reports["evaluation"] | {"gguf_sha256": "0" * 64})
    with pytest.raises(TinsmithError, match=r"evaluation\.json: judges another GGUF"):
        read_handoff(handoff.recipe, Paths("ticket_triage"))
