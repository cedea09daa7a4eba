import re
from dataclasses import replace

from pipelines.scoring.report.leaderboard import leaderboard_page


def named(reports, name, verdict, low):
    metric, found = next(iter(reports.evaluation["metrics"].items()))
    metrics = {metric: found | {"interval": [low, low + 0.1]}}
    return replace(reports, name=name, evaluation=reports.evaluation | {"verdict": verdict, "metrics": metrics})


def order(page):
    return re.findall(r'href="(\w+)/report.html"', page)


def test_those_that_passed_come_first_then_the_surer_difference(full):
    recipes = [
        named(full, "failed", "fail", 0.5),
        named(full, "little", "pass", 0.01),
        named(full, "unsure", "not-enough-data", 0.2),
        named(full, "much", "pass", 0.4),
    ]
    assert order(leaderboard_page(recipes, [])) == ["much", "little", "unsure", "failed"]


def test_a_recipe_without_timing_or_speed_has_a_line_and_unjudged_ones_are_named(minimal):
    page = leaderboard_page([minimal], ["refunds"])
    assert order(page) == [minimal.name]
    assert "Not evaluated yet: refunds." in page
    assert "Not evaluated yet" not in leaderboard_page([minimal], [])
