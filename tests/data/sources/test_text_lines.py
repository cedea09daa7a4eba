"""Where lines and rows stand in a file's bytes, and that none of those bytes is lost."""

import codecs
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.sources.text_lines import codec_of, read_lines, shown, undecoded, without_end

ENCODINGS = {"utf-8": b"", "latin-1": b"", "cp1252": b"", "utf-16": codecs.BOM_UTF16_BE}
PIECES = st.sampled_from(
    [b"a", b",", b"\xc3\xa9", b"\xe9", b"\xf0\x9f\x91\x8d", b"\x81", b"\0", b"\xd8", b"\r", b"\r\n", b"\n", b"\\xe9"]
)


def bytes_of(text: str, codec: str) -> bytes:
    """What the quarantine gives back of a row."""
    broken = undecoded(text, codec)
    return shown(text).encode(codec) if broken is None else broken


@settings(max_examples=200, deadline=None)
@given(encoding=st.sampled_from(sorted(ENCODINGS)), pieces=st.lists(PIECES, max_size=12))
def test_offsets_cut_a_file_into_its_lines_and_every_byte_comes_back(encoding, pieces):
    content = ENCODINGS[encoding] + b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.csv")
        path.write_bytes(content)
        lines = list(read_lines(path, encoding))
        codec = codec_of(path, encoding)
    ends = [line.offset for line in lines[1:]] + [len(content)] * bool(lines)
    for line, end in zip(lines, ends, strict=True):
        raw = content[line.offset : end]
        # A line's end is no part of the row that the quarantine keeps.
        kept = bytes_of(line.text, codec)
        assert raw.startswith(kept)
        assert raw[len(kept) :] in {ending.encode(codec) for ending in ("", "\n", "\r", "\r\n")}
    assert "".join(without_end(line.text) for line in lines).count("\n") == 0


@pytest.mark.parametrize(
    ("encoding", "mark", "offset"),
    [("utf-8", codecs.BOM_UTF8, 3), ("utf-16", codecs.BOM_UTF16_LE, 2), ("utf-16", codecs.BOM_UTF16_BE, 2)],
)
def test_the_first_line_begins_behind_the_byte_order_mark(tmp_path, encoding, mark, offset):
    path = tmp_path / "x.csv"
    codec = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark, "utf-8")
    path.write_bytes(mark + "é\nb\n".encode(codec))
    first, second = read_lines(path, encoding)
    assert (first.text, first.offset) == ("é\n", offset)
    assert path.read_bytes()[second.offset :].decode(codec) == "b\n"


def test_an_empty_file_has_no_lines(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"")
    assert [list(read_lines(path, encoding)) for encoding in ENCODINGS] == [[]] * 4
