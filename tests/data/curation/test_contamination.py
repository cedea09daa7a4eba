import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.data.curation.contamination import GRAM, benchmark_texts, contaminated, grams_of
from pipelines.errors import TinsmithError

QUESTION = "a train leaves the station at nine and travels sixty miles before it stops for lunch how fast did it go"


def flags(texts, judged):
    return contaminated(texts, grams_of(judged)).tolist()


def test_thirteen_words_in_a_row_are_an_overlap_and_twelve_are_not():
    said = QUESTION.split()
    enough, too_few = " ".join(["first", *said[2 : 2 + GRAM], "last"]), " ".join(["first", *said[2 : 1 + GRAM], "last"])
    assert flags([enough, too_few, QUESTION.upper() + "?"], [QUESTION]) == [True, False, True]


def test_a_short_text_is_compared_as_a_whole_when_it_has_eight_words():
    short = "which of these is the largest known planet"
    assert flags([short, f"{short} then", "yes"], [short, "yes"]) == [True, False, False]


def test_what_many_training_rows_say_is_common_phrasing():
    assert flags([QUESTION] * 10, [QUESTION]) == [True] * 10
    assert flags([QUESTION] * 11, [QUESTION]) == [False] * 11


def test_nothing_to_compare_with_flags_nothing():
    assert flags([QUESTION], []) == [False]
    assert flags([], [QUESTION]) == []


def test_benchmarks_of_every_kind_are_read(tmp_path):
    rows = [{"q": "one", "choices": ["two", {"text": "three"}], "id": 4}]
    line = json.dumps(rows[0]) + "\n"
    (tmp_path / "a.jsonl").write_text(line)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "a.csv").write_text('one,"two",three\n')
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    pq.write_table(pa.table({"q": ["one"], "choices": [["two", "three"]], "id": [4]}), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.jsonl.gz", "a.csv", "a.txt", "a.parquet"):
        assert [text.strip() for text in benchmark_texts(tmp_path / name)] == ["one", "two", "three"], name


@pytest.mark.parametrize(("name", "text"), [("a.jsonl", "{"), ("a.parquet", "x"), ("a.docx", "x"), ("a.csv.gz", "x")])
def test_a_benchmark_that_cannot_be_read_is_named(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(TinsmithError, match=name):
        list(benchmark_texts(tmp_path / name))
    with pytest.raises(TinsmithError, match="missing"):
        list(benchmark_texts(tmp_path / "missing.jsonl"))
