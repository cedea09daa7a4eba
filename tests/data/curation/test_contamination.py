import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.curation import contamination
from pipelines.data.curation.contamination import (
    FEWEST_HELD,
    GRAM,
    MOST_SHARED,
    SHORTEST,
    benchmark_texts,
    contaminated,
    grams_of,
)
from pipelines.data.words import shingles, words
from pipelines.errors import TinsmithError

QUESTION = "a train leaves the station at nine and travels sixty miles before it stops for lunch how fast did it go"
TICKET = " ".join(f"word{number}" for number in range(40))


def flags(texts, judged):
    return contaminated(((text,) for text in texts), grams_of(judged)).tolist()


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


@pytest.mark.parametrize("quotes", [MOST_SHARED, MOST_SHARED + 1, 50])
def test_rows_that_quote_most_of_a_text_hold_it_however_many_they_are(quotes):
    said = TICKET.split()
    replies = [f"reply {number} {' '.join(said[:30])} regards" for number in range(quotes)]
    less = [f"reply {number} {' '.join(said[:24])} regards" for number in range(50)]
    assert flags([*replies, *less], [QUESTION, TICKET]) == [True] * quotes + [False] * 50


def test_a_signature_below_many_texts_and_many_rows_is_common_phrasing():
    def signed(name):
        return f"{name} asks {TICKET}"

    judged = [signed(f"tester{number}") for number in range(MOST_SHARED + 1)]
    assert flags([signed(f"writer{number}") for number in range(50)], judged) == [False] * 50


def test_prompt_and_answer_are_looked_at_apart_and_a_row_counts_once():
    short = "which of these is the largest known planet"
    judged = grams_of([short, QUESTION])
    rows = [(short, "a long answer that nobody is asked for in any of the tests"), ("yes", QUESTION), ("no", "yes")]
    assert contaminated(rows, judged).tolist() == [True, True, False]
    assert contaminated([(QUESTION, QUESTION)] * MOST_SHARED, judged).tolist() == [True] * MOST_SHARED


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


def test_blank_lines_between_questions_are_no_fault(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"q": "one"}\n\n \t\r\n{"q": "two"}\n\n')
    assert list(benchmark_texts(tmp_path / "a.jsonl")) == ["one", "two"]


@pytest.mark.parametrize("line", ["{", '{"q": "secret"', "[" * 200_000 + "]" * 200_000])
def test_a_line_of_a_benchmark_that_is_no_json_is_named_without_its_text(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(f'{{"q": "one"}}\n\n{line}\n')
    with pytest.raises(TinsmithError) as caught:
        list(benchmark_texts(tmp_path / "a.jsonl"))
    message = str(caught.value)
    assert (
        message == f"{tmp_path / 'a.jsonl'}:3: the benchmark's line is no JSON, or nested too deeply; mend or delete it"
    )


def test_texts_are_found_however_deep_they_lie(tmp_path):
    (tmp_path / "a.jsonl").write_text("[" * 900 + '"one", {"q": ["two"]}' + "]" * 900)
    assert list(benchmark_texts(tmp_path / "a.jsonl")) == ["one", "two"]


_ZIPPED = gzip.compress(b"one\ntwo\nthree\n", mtime=0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b"{"),
        ("a.parquet", b"x"),
        ("a.docx", b"x"),
        ("a.csv.gz", b"x"),
        ("a.txt.gz", _ZIPPED[:-9]),
        ("a.txt.gz", _ZIPPED[:10] + b"\xff" * 9 + _ZIPPED[19:]),
    ],
)
def test_a_benchmark_that_cannot_be_read_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TinsmithError, match=name):
        list(benchmark_texts(tmp_path / name))
    with pytest.raises(TinsmithError, match="missing"):
        list(benchmark_texts(tmp_path / "missing.jsonl"))


def naive_flags(texts, judged):
    """Gram by gram with Python's sets."""

    def grams(text):
        text_words = words(text)
        return set(shingles(text_words, GRAM)) if len(text_words) >= SHORTEST else set()

    asked = set().union(*map(grams, judged))
    counts = Counter(gram for text in texts for gram in grams(text) & asked)
    common = {gram for gram in asked if sum(gram in grams(text) for text in judged) > MOST_SHARED}

    def holds(text, whole):
        held = len(grams(text) & grams(whole) - common)
        return held >= FEWEST_HELD and 2 * held >= len(grams(whole))

    return [
        any(counts[gram] <= MOST_SHARED for gram in grams(text) & asked) or any(holds(text, whole) for whole in judged)
        for text in texts
    ]


SAID = [*QUESTION.split(), *TICKET.split()]
TEXTS = st.lists(
    st.builds(lambda start, length: " ".join(SAID[start:][:length]), st.integers(0, 8), st.integers(0, 60)),
    max_size=40,
)


@given(TEXTS, TEXTS, st.integers(1, 7))
@settings(max_examples=50)
def test_batches_of_any_size_flag_what_sets_of_all_grams_do(texts, judged, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contamination, "_BATCH", batch)
        assert flags(texts, judged) == naive_flags(texts, judged)
