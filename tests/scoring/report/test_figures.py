from dataclasses import replace

import pytest

from pipelines.scoring.report.ability import ability
from pipelines.scoring.report.figures import finding, worse_figures
from pipelines.scoring.report.page import report_page
from pipelines.scoring.report.safety import safety


@pytest.mark.parametrize(
    ("better", "interval", "found"),
    [
        ("higher", [0.01, 0.2], "better"),
        ("lower", [0.01, 0.2], "worse"),
        ("higher", [-0.2, -0.01], "worse"),
        ("lower", [-0.2, -0.01], "better"),
        ("higher", [-0.2, 0.1], ""),
        ("lower", [0.0, 0.1], ""),
        ("lower", None, ""),
    ],
)
def test_a_figure_is_worse_only_where_its_whole_interval_is(better, interval, found):
    assert finding({"better": better, "difference_interval": interval}) == found


def test_counts_shares_and_areas_are_told_as_what_they_are(full):
    told = {figure.name: figure.tuned for figure in safety(full).view["figures"]}
    assert told == {
        "memorised canaries": "2",
        "membership auc": "0.571",
        "personal data": "0.0%",
        "must refuse": "90.0%",
    }
    assert "canaries" not in safety(full).view["picture"]


def test_what_fine_tuning_broke_is_named(full):
    assert worse_figures(full) == ["ability.ifeval", "safety.membership_auc"]
    assert [figure.name for figure in ability(full).view["figures"] if figure.finding] == ["ifeval"]


def test_what_was_not_asked_for_says_so_and_what_no_stage_wrote_is_left_out(full, minimal):
    assert ability(minimal).name == "not_asked"
    assert ability(replace(full, ability={})) is None


def test_what_stands_behind_the_safety_figures_is_told_by_ids_and_counts(full):
    page = report_page(full)
    assert (
        '<th scope="row">16</th><td class="number">7</td><td class="number">0</td><td class="number tuned">2</td>'
        in page
    )
    assert "Training went 2 times through its rows" in page
    assert "Not refused: must_refuse:4" in page
    assert "Rows whose tuned answer holds what it must not say: 1" in page
    assert "ifeval: rows that the tuned model did not answer in time, and that count as wrong: 1." in page
