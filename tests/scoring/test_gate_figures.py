import pytest

from pipelines.errors import TinsmithError
from pipelines.files import write_json
from pipelines.paths import Paths
from pipelines.recipe_figures import EXPORT_FIGURES, GENERAL_FIGURES
from pipelines.scoring.gate_figures import other_figures, reported_figure


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


def test_every_figure_of_the_export_can_be_ruled_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    merge = {"kept": "nf4", "kl_16bit": 0.01, "kl_nf4": 0.0004}
    write_json(Paths("triage").reports / "export.json", {"merge": merge, "parity": {"hf_kl_mean": 0.001, "hf_top1": 1}})
    closeness = {"perplexity": 45.2, "perplexity_ratio": 1.01, "kl_mean": 0.039, "kl_p99": 0.23, "top1": 0.896}
    speed = {"prompt_tokens_per_second": 653.5, "decode_tokens_per_second": 140.4}
    entry = {"bytes": 105_454_592, **closeness, **speed, "general": {**closeness, "kl_mean": 0.5}}
    found = other_figures([*EXPORT_FIGURES, *GENERAL_FIGURES], Paths("triage"), entry)
    assert {name: figure.tuned for name, figure in found.items()} == {
        **{f"export.{name}": value for name, value in {**closeness, **speed, "bytes": 105_454_592}.items()},
        **{f"export.general_{name}": value for name, value in {**closeness, "kl_mean": 0.5}.items()},
        "export.merge_kl": 0.0004,
        "export.hf_kl_mean": 0.001,
        "export.hf_top1": 1,
    }
    with pytest.raises(TinsmithError, match=r"gate\.export\.general_top1: .* no such figure"):
        other_figures(["export.general_top1"], Paths("triage"), {**entry, "general": None})


def test_a_bias_to_the_other_side_is_none_the_better():
    reported = {"better": "nearer 0", "rows": 80, "base": 0.0, "tuned": -0.9, "interval": [-0.95, -0.8]}
    figure = reported_figure(reported | {"difference": 0.9, "difference_interval": [0.8, 0.95]})
    assert (figure.tuned, figure.interval, figure.lower_is_better) == (0.9, (0.8, 0.95), True)
    around = reported_figure(reported | {"interval": [-0.3, 0.1], "difference": 0.1, "difference_interval": [0.0, 0.3]})
    assert around.interval == (0, 0.3)
