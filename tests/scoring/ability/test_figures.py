import numpy as np
import pytest
from scipy import stats

from pipelines.scoring.ability.figures import figures
from pipelines.scoring.ability.questions import Measure, Task


def task(*measures):
    return Task("made_up", "none", lambda _: [], lambda *_: {}, measures)


def share(done, asked):
    return done.sum(axis=-1) / asked.sum(axis=-1)


RATIO = Measure("ratio", ("done", "asked"), statistic=share)
BASE = [{"acc": float(row % 4 == 0), "done": float(row % 3), "asked": 3.0} for row in range(60)]
TUNED = [{"acc": float(row % 2 == 0), "done": float(row % 2), "asked": 3.0} for row in range(60)]


def test_a_figure_has_the_shape_that_the_gate_reads():
    found = figures(task(Measure("", ("acc",)), RATIO), BASE, TUNED)
    assert set(found) == {"ability.made_up", "ability.made_up_ratio"}
    figure = found["ability.made_up"]
    assert (figure["better"], figure["rows"]) == ("higher", 60)
    assert (figure["base"], figure["tuned"], figure["difference"]) == (0.25, 0.5, 0.25)
    assert 0.1 < figure["smallest_difference"] < 0.35  # 60 rows see little
    for value, interval in (("base", "base_interval"), ("tuned", "interval"), ("difference", "difference_interval")):
        low, high = figure[interval]
        assert low < figure[value] < high


def test_the_interval_of_a_mean_is_near_that_of_the_normal_approximation():
    figure = figures(task(Measure("", ("acc",))), BASE, TUNED)["ability.made_up"]
    wanted = stats.norm.interval(0.95, 0.5, np.sqrt(0.25 / 60))
    assert figure["interval"] == pytest.approx(wanted, abs=0.01)


def test_the_difference_of_ratios_resamples_both_models_by_the_same_rows():
    # Tuned follows one instruction more in every row: the difference is the same in every resample of rows.
    tuned = [{**row, "done": row["done"] + 1} for row in BASE]
    figure = figures(task(RATIO), BASE, tuned)["ability.made_up_ratio"]
    assert figure["difference"] == pytest.approx(1 / 3, abs=1e-6)
    low, high = figure["difference_interval"]
    assert high - low < 0.7 * (figure["interval"][1] - figure["interval"][0])  # what is left is the rows added
    assert low < 1 / 3


def test_equal_scores_show_no_difference_and_the_same_bytes_come_twice():
    measures = task(Measure("", ("acc",)), RATIO)
    for figure in figures(measures, BASE, BASE).values():
        low, high = figure["difference_interval"]
        assert low < figure["difference"] == 0 < high
    assert figures(measures, BASE, TUNED) == figures(measures, BASE, TUNED)


@pytest.mark.parametrize(("done", "lowest"), [(0.0, 0.0), (3.0, 0.0), (0.0, -1.0)])
def test_a_ratio_that_is_the_same_in_all_rows_is_not_known_for_certain(done, lowest):
    """So no model follows nothing, or is as good as its base, beyond doubt."""
    rows = [{"done": done, "asked": 3.0}] * 40
    measure = Measure("ratio", ("done", "asked"), statistic=share, lowest=lowest)
    figure = figures(task(measure), rows, rows)["ability.made_up_ratio"]
    for value, interval in (("tuned", "interval"), ("difference", "difference_interval")):
        low, high = figure[interval]
        assert low <= figure[value] <= high
        assert 0.05 < high - low < 0.3
    assert figure["interval"][0] >= lowest


def test_the_interval_of_a_ratio_is_near_that_of_the_delta_method():
    draw = np.random.default_rng(4)
    asked = draw.integers(1, 4, 200).astype(float)
    done = draw.binomial(asked.astype(int), 0.6).astype(float)
    rows = [{"done": float(one), "asked": float(of)} for one, of in zip(done, asked, strict=True)]
    figure = figures(task(RATIO), rows, rows)["ability.made_up_ratio"]
    ratio = done.sum() / asked.sum()
    half = 1.96 * (done - ratio * asked).std() / asked.mean() / np.sqrt(200)
    assert figure["interval"] == pytest.approx([ratio - half, ratio + half], abs=0.01)


def test_a_measure_takes_the_rows_that_have_its_scores_and_is_left_out_where_none_has():
    rows = [{"acc": 1.0}, {"acc": 0.0}, {"other": 1.0}]
    found = figures(task(Measure("", ("acc",)), Measure("gone", ("missing",))), rows, rows)
    assert set(found) == {"ability.made_up"}
    assert found["ability.made_up"]["rows"] == 2


def test_of_a_bias_to_either_side_the_difference_is_that_of_the_distances():
    towards = Measure("bias", ("side",), "nearer 0", lambda side: side.mean(axis=-1), lowest=-1.0)
    base = [{"side": 0.0}] * 200
    away = figures(task(towards), base, [{"side": -0.9}] * 200)["ability.made_up_bias"]
    assert (away["tuned"], away["difference"]) == (-0.9, 0.9)
    assert away["difference_interval"][0] > 0.7
    back = figures(task(towards), [{"side": -0.9}] * 200, base)["ability.made_up_bias"]
    assert back["difference"] == -0.9
    assert -0.9 <= back["difference_interval"][0] < back["difference_interval"][1] < -0.7
    over = figures(task(towards), [{"side": -0.4}] * 200, [{"side": 0.4}] * 200)["ability.made_up_bias"]
    assert over["difference"] == 0
    assert over["difference_interval"][0] < 0 < over["difference_interval"][1]
