import hashlib
import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from pipelines.files import (
    clear_unfinished,
    kept_lines,
    read_json,
    sha256_of_file,
    sha256_of_json,
    write_json,
    write_text,
    written_whole,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "report.json"
    write_text(path, "old")

    def fail_midway():
        with written_whole(path) as fresh:
            fresh.write_text("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_write_left_is_cleared_and_nothing_else(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_text(path, "old")
    for name in (".rows.jsonl.x7f", ".rows.x7f", ".other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.jsonl").touch()
    clear_unfinished(path, tmp_path / "nowhere" / "rows")
    assert sorted(left.name for left in tmp_path.iterdir()) == [".other", ".rows.x7f", "rows.jsonl"]


def test_until_the_end_readers_see_the_old_file(tmp_path):
    path = tmp_path / "deep" / "report.json"
    write_text(path, "old")
    with written_whole(path) as fresh:
        fresh.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "gguf"
    for content in ("old", "new"):
        with written_whole(path) as fresh:
            fresh.mkdir()
            (fresh / content).touch()
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "report.json"
    write_text(path, "old")
    with pytest.raises(FileNotFoundError), written_whole(path):
        pass
    assert path.read_text() == "old"


def test_two_writers_at_once_do_not_mix(tmp_path):
    path = tmp_path / "report.txt"
    texts = [letter * 100_000 for letter in "abcd"]
    writers = [threading.Thread(target=write_text, args=(path, text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_text() in texts


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_that_other_programs_cannot_read_is_not_written(tmp_path, number):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "report.json", {"loss": number})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("files") / "value"


@settings(max_examples=50, deadline=None)
@given(value=JSON)
def test_json_reads_back_as_it_was_written(scratch, value):
    write_json(scratch, value)
    assert read_json(scratch) == value


@settings(max_examples=30, deadline=None)
@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_the_digest_of_json_knows_no_order_of_keys(value):
    assert sha256_of_json(value) == sha256_of_json(dict(reversed(value.items())))
    assert sha256_of_json(value) == sha256_of_json(json.loads(json.dumps(value)))
    assert sha256_of_json(value) != sha256_of_json({**value, "another key": 1, "": [value]})


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"bytes\0" * 100_000)
    assert sha256_of_file(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_half_a_line_that_a_kill_left_is_cut_off_and_the_whole_ones_stay(tmp_path):
    file = tmp_path / "kept.jsonl"
    assert kept_lines(file) == []
    file.write_bytes(b'{"row": 1}\n{"row": "\xe2\x80\xa8"}\n{"row": 3, "ans')
    assert kept_lines(file) == [{"row": 1}, {"row": "\u2028"}]
    assert file.read_bytes() == b'{"row": 1}\n{"row": "\xe2\x80\xa8"}\n'
    assert len(kept_lines(file)) == 2


@pytest.mark.parametrize(("text", "place"), [(b'{\n"rows": 3,\n<<<<<<< HEAD\n', ":3"), (b"", ":1"), (b"\xff{}", "")])
def test_a_report_that_is_no_json_is_told_with_its_place(tmp_path, text, place):
    (tmp_path / "export.json").write_bytes(text)
    with pytest.raises(TinsmithError, match=rf"export\.json{place}: is no JSON; restore the file"):
        read_json(tmp_path / "export.json")
