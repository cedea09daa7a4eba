"""Compressed files and archives that would fill the disk or write where they should not."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.bad_inputs.line import GOOD, HEADER, bounded_told, files, told, walk

BOMB = "expands to more than 200 times its size, as a bomb does; unpack it yourself if it is good"
ZEROS = b"\0" * 2**20


def zipped(members: dict[str, bytes], **fields: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for field, value in fields.items():
                setattr(entry, field, value)
            archive.writestr(entry, content)
    return out.getvalue()


def tarred(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE, to: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size = kind, to, len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def test_a_gzip_bomb():
    """A gigabyte in a megabyte: members one after the other are one stream."""
    Path("data/a.csv.gz").write_bytes(gzip.compress(HEADER + b"1,sesame,good\n") + gzip.compress(ZEROS) * 1024)
    assert bounded_told() == f"error: data/a.csv.gz: {BOMB}\n"


def test_a_zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as stream:
        for _ in range(256):
            stream.write(ZEROS)
    files(a_zip=out.getvalue())
    assert bounded_told() == f"error: data/a.zip: {BOMB}\n"


def test_an_archive_in_an_archive():
    files(a_zip=zipped({"b.zip": zipped({"a.csv": HEADER + GOOD})}))
    assert told() == "data/a.zip/b.zip: is an archive in an archive, which is not read; unpack it"


@pytest.mark.parametrize("name", ["../x.csv", "a/../../x.csv", "/x.csv", "..\\x.csv", "../../../../../tmp/x.csv"])
@pytest.mark.parametrize(("ending", "pack"), [("zip", zipped), ("tar", tarred)])
def test_an_archive_that_leads_out_of_itself(folder, ending, pack, name):
    files(**{f"a_{ending}": pack({"good.csv": HEADER + GOOD, name: HEADER + b"1,sesame,good\n"})})
    before = sorted(folder.parent.iterdir())
    assert told() == f"data/a.{ending}: holds a link, a device or a name that leads out of it; pack it anew without"
    assert sorted(folder.parent.iterdir()) == before
    assert not list(folder.rglob("x.csv"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("to", ["/etc/passwd", "../secret.csv", "good.csv"])
def test_a_tar_with_a_link_or_a_device(kind, to):
    Path("secret.csv").write_bytes(HEADER + b"1,sesame,good\n")
    files(a_tar=tarred({"a.csv": b""}, kind, to))
    assert told() == "data/a.tar: holds a link, a device or a name that leads out of it; pack it anew without"


def test_a_zip_with_a_link():
    Path("secret.csv").write_bytes(HEADER + b"1,sesame,good\n")
    link = {"create_system": 3, "external_attr": 0o120777 << 16}
    files(a_zip=zipped({"a.csv": b"../secret.csv"}, **link))
    assert told() == "data/a.zip: holds a link, a device or a name that leads out of it; pack it anew without"


def test_two_members_of_one_name():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", HEADER + GOOD)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.csv", HEADER + b"1,sesame,good\n")
    files(a_zip=out.getvalue())
    assert told() == "data/a.zip: holds two files of the same name; pack it anew"


@pytest.mark.parametrize("ending", ["csv.gz", "zip"])
def test_a_compressed_file_that_was_cut_short(ending):
    content = HEADER + b"".join(b"%d,sesame %d,good\n" % (number, number) for number in range(999))
    whole = gzip.compress(content) if ending == "csv.gz" else zipped({"a.csv": content})
    Path(f"data/a.{ending}").write_bytes(whole[: len(whole) // 2])
    assert told().startswith(f"data/a.{ending}: broken ")
    Path(f"data/a.{ending}").write_bytes(whole)
    assert walk().report["accepted"] == 999
