"""Reading many records at once gives what reading them one by one gives."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.data.sources import csv_records
from pipelines.data.sources.text_lines import read_lines

pieces = st.sampled_from(["a", "b,", ",", '"', '""', '"c\nd"', "\n", "\r\n", "\r", "\0", "é", "1,2\n", '3,"4"\n'])


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(pieces, max_size=60).map("".join), window=st.integers(0, 40))
def test_records_do_not_depend_on_how_many_are_read_at_once(tmp_path, monkeypatch, text, window):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    monkeypatch.setattr(csv_records, "_WINDOW", window)
    replay = csv_records._Replay(read_lines(path, "utf-8"))
    pattern = csv_records._record_pattern(",")
    assert list(csv_records.read_records(read_lines(path, "utf-8"), ",")) == list(
        csv_records._single_records(replay, ",", pattern, 10**9)
    )


@pytest.mark.parametrize("broken", ['"open', 'stray" quote', "bare\rreturn"])
def test_a_broken_record_in_a_long_file_costs_no_other(tmp_path, broken):
    path = tmp_path / "a.csv"
    good = [f'{number},"two\nlines"\n' for number in range(50_000)]
    path.write_text("".join([*good[:20_000], f"x,{broken}\n", *good[20_000:]]), newline="")
    records = list(csv_records.read_records(read_lines(path, "utf-8"), ","))
    assert len(records) == 50_001
    assert [record.line for record in records if record.fault] == [40_001]
