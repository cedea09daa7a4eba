"""The near-duplicate benchmark's judge, and its own side on a few documents."""

from benchmarks.curation import measure
from benchmarks.near_duplicates import compare, judged, tickets


def test_perfect_clusters_are_judged_perfect_and_none_find_nothing():
    given = tickets(400)
    alone = list(range(400))
    joined = list(alone)
    for original, copy in given.pairs:
        joined[copy] = joined[original]
    recall, precision = judged(given, joined)
    assert recall == 1
    assert 0.4 < precision < 1  # copies with many words changed are no near duplicates


def test_joining_everything_finds_all_and_is_not_precise():
    recall, precision = judged(tickets(300), [0] * 300)
    assert recall == 1
    assert precision < 0.5


def test_ours_is_run_and_put_into_the_table(tmp_path):
    table = compare(300, {}, tmp_path)
    cells = table.splitlines()[-1].split(" | ")
    assert cells[0] == "| ours"
    assert cells[2:4] == ["1.0000", "1.0000"]


def test_every_step_of_curation_is_timed(tmp_path):
    lines = measure(300, tmp_path).splitlines()
    assert len(lines) == 2 + 7
