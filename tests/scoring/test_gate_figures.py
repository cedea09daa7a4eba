import pytest

from pipelines.errors import TinsmithError
from pipelines.files import write_json
from pipelines.paths import Paths
from pipelines.scoring.gate_figures import other_figures


def test_the_judged_quants_figures_are_those_of_export(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(Paths("triage").reports / "export.json", {})
    found = other_figures(["export.kl_mean"], Paths("triage"), {"kl_mean": 0.01, "top1": 0.9, "file": "x.gguf"})
    assert found["export.kl_mean"].tuned == 0.01


def test_a_figure_that_export_could_not_measure_is_none_to_rule_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(Paths("triage").reports / "export.json", {})
    with pytest.raises(TinsmithError, match=r"gate\.export\.kl_mean: .*measures no such figure \(it has: nothing\)"):
        other_figures(["export.kl_mean"], Paths("triage"), {"kl_mean": None, "top1": None, "perplexity": None})
