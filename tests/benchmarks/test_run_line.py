"""What run_line prints is what the reports say."""

from pathlib import Path

from benchmarks.run_line import STAGES, results
from pipelines.files import write_json


def test_results_tell_rows_steps_minutes_and_intervals(tmp_path: Path) -> None:
    for stage in STAGES:
        write_json(tmp_path / "timing" / f"{stage}.json", {"seconds": 90.0, "peak_memory_bytes": 2**31})
    write_json(tmp_path / "ingest.json", {"rows_in": 100, "accepted": 98})
    rows = {"accepted": 98, "dropped_secret": 1, "dropped_too_long": 7, "train": 70, "validation": 8, "test": 12}
    write_json(tmp_path / "datasheet.json", {"rows": rows})
    train = {"steps": 40, "trained_tokens": 4000, "tokens_per_second": 300.5, "first_loss": 3.0, "last_loss": 0.5}
    write_json(tmp_path / "train.json", train)
    metric = {"base": 0.01, "tuned": 0.5, "difference": 0.49, "interval": [0.4, 0.58], "compared_with": "base"}
    write_json(
        tmp_path / "evaluation.json", {"verdict": "pass", "rows": 12, "metrics": {"exact_match": metric}, "rules": []}
    )

    said = results(tmp_path, seconds=840.0)

    assert "100 rows in, 98 accepted; dropped: 1 secret, 7 too long. 70 train, 8 validate, 12 test." in said
    assert "40 steps, 4000 tokens" in said
    assert "| train | 1.5 | 2.0 |" in said
    assert "| `dvc repro`, all | 14.0 |  |" in said
    assert "| exact_match | 12 | 1.0 | - | - | 50.0 | 49.0 [40.0, 58.0] | base |" in said
    assert "Verdict of the gate: pass." in said
