"""The benchmark of scale on a few rows, and its judge on rows that were lost."""

import numpy as np
import pytest

from benchmarks.scale import check, measure
from benchmarks.scale_steps import KEPT, PATHS
from benchmarks.scale_tickets import NEAR, PLANTED, TICKETS, write_tickets
from pipelines.files import read_json, write_json

pytestmark = pytest.mark.timeout(400)


def test_every_step_runs_the_rows_balance_and_a_lost_row_is_noticed(tmp_path):
    lines = measure(tmp_path, 600, everything=False)
    assert [line[:2] for line in lines] == [
        [step, "600"] for step in ("collect", "ingest", "render", "exact duplicates", "near duplicates", "split")
    ]
    assert all(50 < float(line[-1].replace(",", "")) < 1000 for line in lines)
    planted = read_json(tmp_path / PLANTED)
    assert min(planted.values()) > 0
    assert check(tmp_path, planted).startswith("600 rows: ")

    kept = np.load(tmp_path / KEPT)
    np.save(tmp_path / KEPT, np.append(kept[:-1], not kept[-1]))
    with pytest.raises(AssertionError):
        check(tmp_path, planted)
    np.save(tmp_path / KEPT, kept)
    split = read_json(tmp_path / PATHS.reports / "split.json")
    write_json(tmp_path / PATHS.reports / "split.json", {**split, "train": split["train"] - 1})
    with pytest.raises(AssertionError):
        check(tmp_path, planted)


def test_the_same_tickets_are_written_every_time(tmp_path):
    for name in ("one", "other"):
        write_tickets(tmp_path / name, 500)
    for file in (TICKETS, NEAR, PLANTED):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()
    rows = (tmp_path / "one" / TICKETS).read_text().splitlines()
    assert len(rows) == 501
    assert 300 < sum(map(len, rows)) / len(rows) < 500
