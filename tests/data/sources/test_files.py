"""Finding files, and making each a plain one: compressed, packed, far away, or posing as what it is not."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pytest

from pipelines.data.sources.files import find_files, told_path
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import FilesSource
from tests.data.sources.reads import CONTRACT, collected, contract_of, parts_of, read, rows_of

CSV = b"id,body\n1,good\n"


def test_files_come_sorted_and_are_named_without_this_machines_folders(tmp_path, monkeypatch):
    for name in ("b/x.csv", "a/x.csv", "a/w.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("id,body\n")
    monkeypatch.setenv("TICKETS", str(tmp_path))
    found = find_files(FilesSource(contract="c", type="files", path="${TICKETS}/*/*"))
    assert [file.label for file in found] == ["a/w.jsonl", "a/x.csv", "b/x.csv"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere/*.csv", "no file matches nowhere/*.csv"),
        ("${TINSMITH_UNSET}/a.csv", "environment variable TINSMITH_UNSET, which is not set"),
        ("$/a.csv", "write $$ for a plain $"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(path, told):
    with pytest.raises(TinsmithError) as caught:
        find_files(FilesSource(contract="c", type="files", path=path))
    assert told in str(caught.value)


def test_an_unknown_ending_asks_for_the_format(tmp_path):
    (tmp_path / "a.txt").write_text("id\n")
    with pytest.raises(TinsmithError, match=r"'.txt' does not say the format; set the source's format"):
        collected(path=str(tmp_path / "a.txt"))


def zstd(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return out.getvalue().to_pybytes()


COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


@pytest.mark.parametrize("ending", COMPRESS)
def test_compressed_files_are_read_whole(tmp_path, ending):
    rows = rows_of(tmp_path / f"a.csv.{ending}", COMPRESS[ending](CSV + b"2,\xc3\xa9\n"))
    assert read(rows) == [("1", "good"), ("2", "é")]
    assert [(row.source, row.line, row.offset) for row in rows] == [
        (f"a.csv.{ending}", 2, 8),
        (f"a.csv.{ending}", 3, 15),
    ]


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_compressed_piece_by_piece_is_read_to_its_end(tmp_path, ending):
    content = COMPRESS[ending](CSV) + COMPRESS[ending](b"2,b\n")
    assert read(rows_of(tmp_path / f"a.csv.{ending}", content)) == [("1", "good"), ("2", "b")]


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_damaged_compressed_file_is_told(tmp_path, ending):
    for content in (COMPRESS[ending](CSV * 100)[:-9], b"id,body\n"):
        with pytest.raises(TinsmithError, match=rf"a\.csv\.{ending}: broken \w+ \(cut short, damaged or encrypted\)"):
            rows_of(tmp_path / f"a.csv.{ending}", content)


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_bomb_stops_with_one_line(tmp_path, ending):
    bomb = b"".join([COMPRESS[ending](b"\0" * 2**20)] * 80)
    with pytest.raises(TinsmithError, match=r"expands to more than 200 times its size, as a bomb does"):
        rows_of(tmp_path / f"a.csv.{ending}", bomb)


def zipped(path, members: dict[str, bytes], **info) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for field, value in info.items():
                setattr(entry, field, value)
            archive.writestr(entry, content)


def tarred(path, members: dict[str, bytes], kind=tarfile.REGTYPE, mode="w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size = kind, "/etc/passwd", len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize(("name", "mode"), [("a.zip", None), ("a.tar", "w"), ("a.tgz", "w:gz"), ("a.tar.xz", "w:xz")])
def test_the_members_of_an_archive_that_match_are_read_sorted(tmp_path, name, mode):
    members = {"z/b.csv": CSV, "readme.md": b"no rows", "z/a.csv.gz": gzip.compress(b"id,body\n2,b\n"), "z/c.txt": b""}
    zipped(tmp_path / name, members) if mode is None else tarred(tmp_path / name, members, mode=mode)
    parts = parts_of(path=str(tmp_path / name), members="*.csv*")
    assert [(part.label, read(rows)) for part, rows in parts] == [
        (f"{name}/z/a.csv.gz", [("2", "b")]),
        (f"{name}/z/b.csv", [("1", "good")]),
    ]
    with pytest.raises(TinsmithError, match=r"no file in it matches members '\*\.jsonl'"):
        parts_of(path=str(tmp_path / name), members="*.jsonl")


def test_a_folder_packed_from_within_is_read(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_bytes(CSV)
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        archive.add(tmp_path / "data", ".")
        assert archive.getnames() == [".", "./a.csv"]
    ((part, rows),) = parts_of(path=str(tmp_path / "a.tgz"), members="a.*")
    assert (part.label, read(rows)) == ("a.tgz/a.csv", [("1", "good")])


@pytest.mark.parametrize("kind", ["files", "documents"])
@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx", "csv.zst", "txt", "html"])
def test_a_file_whose_name_is_no_utf_8_is_to_be_renamed(tmp_path, kind, ending):
    (tmp_path / f"M\udcfcller.{ending}").write_bytes(CSV)
    with pytest.raises(TinsmithError, match=rf"M\\xfcller\.{ending}: the name is no UTF-8; rename it") as caught:
        collected(contract_of(text="string") if kind == "documents" else CONTRACT, type=kind, path=str(tmp_path / "*"))
    assert str(caught.value).isascii()


def test_a_member_whose_name_is_no_utf_8_is_to_be_renamed(tmp_path):
    tarred(tmp_path / "a.tar", {"M\udcfcller.csv": CSV, "good.csv": CSV})
    with pytest.raises(TinsmithError, match=r"a\.tar/M\\xfcller\.csv: the name is no UTF-8; rename it"):
        collected(path=str(tmp_path / "a.tar"))
    assert read(collected(path=str(tmp_path / "a.tar"), members="good*")) == [("1", "good")]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_what_a_system_hides_in_an_archive_is_passed_over_as_on_disk(tmp_path, pack):
    path = tmp_path / f"a.{pack.__name__[:3]}"
    hidden = {"__MACOSX/._a.csv": b"\0\5\26\7", ".DS_Store": b"\0", "b/.git/a.csv": b"", "./.c.csv": b"\0"}
    pack(path, {"b/a.csv": CSV, **hidden})
    assert [part.label for part, _ in parts_of(path=str(path))] == [f"{path.name}/b/a.csv"]
    pack(path, hidden)
    with pytest.raises(TinsmithError, match=r"no file in it matches members '\*' \(hidden ones are passed over\)"):
        parts_of(path=str(path))


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "a/../../x.csv", "..\\x.csv"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_with_a_name_that_leads_out_of_it_is_refused(tmp_path, pack, name):
    pack(tmp_path / f"a.{pack.__name__[:3]}", {"good.csv": CSV, name: CSV})
    with pytest.raises(TinsmithError, match="a name that leads out of it"):
        collected(path=str(tmp_path / f"a.{pack.__name__[:3]}"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_tar_with_a_link_or_a_device_is_refused(tmp_path, kind):
    tarred(tmp_path / "a.tar", {"a.csv": b""}, kind)
    with pytest.raises(TinsmithError, match="holds a link, a device"):
        collected(path=str(tmp_path / "a.tar"))


def test_a_zip_with_a_link_is_refused(tmp_path):
    zipped(tmp_path / "a.zip", {"a.csv": b"/etc/passwd"}, create_system=3, external_attr=0o120777 << 16)
    with pytest.raises(TinsmithError, match="holds a link, a device"):
        collected(path=str(tmp_path / "a.zip"))


def test_a_zip_with_a_file_without_a_name_is_refused(tmp_path):
    """Found by test_any_bytes."""
    zipped(tmp_path / "a.zip", {"x": CSV})
    content = bytearray((tmp_path / "a.zip").read_bytes())
    # In the central directory, whose entries have 46 bytes before the name; a NUL ends the name.
    content[content.index(b"PK\1\2") + 46] = 0
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(TinsmithError, match=r"a\.zip: holds a link, a device or a name"):
        collected(path=str(tmp_path / "a.zip"))


def test_a_bomb_in_an_archive_and_an_archive_in_an_archive_are_refused(tmp_path):
    zipped(tmp_path / "a.zip", {"a.csv": b"\0" * 80 * 2**20})
    with pytest.raises(TinsmithError, match="expands to more than"):
        collected(path=str(tmp_path / "a.zip"))
    zipped(tmp_path / "b.zip", {"a.zip": b""})
    with pytest.raises(TinsmithError, match="is an archive in an archive"):
        collected(path=str(tmp_path / "b.zip"))


@pytest.mark.parametrize("content", [b"", b"PK\3\4 not a zip", b"no archive" * 100])
@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_a_broken_archive_is_told(tmp_path, ending, content):
    with pytest.raises(TinsmithError, match="broken archive"):
        rows_of(tmp_path / f"a.{ending}", content)


@pytest.mark.parametrize("ending", ["pkl", "pickle", "joblib", "pt", "npy", "xlsm"])
def test_what_can_run_code_is_refused_by_its_name(tmp_path, ending):
    with pytest.raises(TinsmithError, match="can run code when it is read"):
        rows_of(tmp_path / f"a.{ending}", b"")


def test_urls_of_any_protocol_are_read(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("b.csv", "a.csv"):
        (tmp_path / "in" / name).write_bytes(CSV)
    parts = parts_of(path=f"file://{tmp_path}/in/*.csv")
    assert [(part.label, read(rows)) for part, rows in parts] == [
        ("a.csv", [("1", "good")]),
        ("b.csv", [("1", "good")]),
    ]
    with pytest.raises(TinsmithError, match="no file matches"):
        parts_of(path=f"file://{tmp_path}/in/*.jsonl")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nosuch://bucket/a.csv", "needs a package that is not installed|cannot be reached"),
        ("${URL}", "cannot be reached|no file matches"),
    ],
)
def test_a_url_that_cannot_be_reached_is_one_line_without_its_secrets(monkeypatch, url, told):
    monkeypatch.setenv("URL", "http://me:sesame@127.0.0.1:9/a.csv?token=sesame")
    with pytest.raises(TinsmithError, match=told) as caught:
        collected(path=url)
    assert "sesame" not in str(caught.value)
    assert told_path("http://me:sesame@127.0.0.1:9/a.csv?token=sesame") == "http://127.0.0.1:9/a.csv"
