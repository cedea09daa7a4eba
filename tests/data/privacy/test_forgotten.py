import pytest

from pipelines.data.privacy.forgotten import add_tombstones, check_key, read_tombstones, tombstone
from pipelines.errors import TinsmithError

KEY, OTHER = b"k" * 64, b"x" * 64


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "forgotten.txt"
    for subject in ("c2", "c1"):
        add_tombstones(KEY, {tombstone(KEY, "notes, of 2026", subject): "notes, of 2026"}, path)
    return path


def test_the_list_keeps_all_with_their_contract_and_tells_no_order(listed):
    assert read_tombstones(listed) == {
        tombstone(KEY, "notes, of 2026", subject): "notes, of 2026" for subject in ("c1", "c2")
    }
    lines = [line for line in listed.read_text().splitlines() if line.endswith("notes, of 2026")]
    assert lines == sorted(lines)
    before = listed.read_bytes()
    add_tombstones(KEY, read_tombstones(listed), listed)
    assert listed.read_bytes() == before


def test_another_key_is_told_and_adds_nobody(listed):
    check_key(KEY, listed)
    before = listed.read_bytes()
    for refused in (lambda: check_key(OTHER, listed), lambda: add_tombstones(OTHER, {"ab" * 32: "notes"}, listed)):
        with pytest.raises(TinsmithError, match="another TINSMITH_KEY"):
            refused()
    assert listed.read_bytes() == before


def test_a_list_without_its_key_is_not_believed(listed):
    listed.write_text("".join(line for line in listed.read_text().splitlines(True) if not line.startswith("key")))
    with pytest.raises(TinsmithError, match="another TINSMITH_KEY"):
        check_key(KEY, listed)


def test_no_list_and_an_empty_one_need_no_key_of_theirs(tmp_path):
    check_key(KEY, tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("# nobody yet\n")
    check_key(KEY, tmp_path / "empty.txt")
    assert read_tombstones(tmp_path / "empty.txt") == {}


@pytest.mark.parametrize("line", ["<<<<<<< HEAD", "ab" * 32, "key c2", f"{'ab' * 32} "])
def test_a_line_that_nobody_wrote_is_told_with_its_place(listed, line):
    listed.write_text(f"{listed.read_text()}{line}\n")
    with pytest.raises(TinsmithError, match=r"forgotten.txt:5: is no line of `tinsmith forget`"):
        read_tombstones(listed)
