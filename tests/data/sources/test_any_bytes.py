"""Whatever bytes a file holds, reading it gives rows, or one error that names it: never a crash or a hang.

TINSMITH_FUZZ_EXAMPLES sets how many damaged files of each kind are tried.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from tests.data.sources.reads import CONTRACT, collected, contract_of
from tests.data.sources.test_documents import docx, paragraph, pdf
from tests.data.sources.test_xlsx_rows import workbook

EXAMPLES = int(os.environ.get("TINSMITH_FUZZ_EXAMPLES", "40"))
CSV = b'id,body\n1,"two\nlines"\n2,caf\xc3\xa9\n'
JSONL = b'{"id": "1", "body": "a"}\n{"id": 2, "body": null}\n'
PASSAGES = contract_of(text="string", page="integer")


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"id": ["1", "2"], "body": ["a", None], "more": [[1], None]}), out)
    return out.getvalue()


def xlsx(folder) -> bytes:
    path = workbook(folder / "seed", rows=[["id", "body"], ["1", "a"], [2, True]])
    with open(path, "rb") as stream:
        return stream.read()


def archive(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("a.csv", CSV)
    else:
        with tarfile.open(fileobj=out, mode="w") as made:
            entry = tarfile.TarInfo("a.csv")
            entry.size = len(CSV)
            made.addfile(entry, io.BytesIO(CSV))
    return out.getvalue()


def mail() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = "Größe", "a@example.com", "Sat, 31 Jan 2026 10:00:00 +0100"
    message.set_content("The body.")
    message.add_attachment(pdf("The bill."), maintype="application", subtype="pdf", filename="bill.pdf")
    return message.as_bytes()


FILES: dict[str, Callable[..., bytes]] = {
    "csv": lambda _: CSV,
    "jsonl": lambda _: JSONL,
    "json": lambda _: json.dumps([{"id": "1"}, {"id": 2, "body": "é"}]).encode(),
    "parquet": lambda _: parquet(),
    "xlsx": xlsx,
    "csv.gz": lambda _: gzip.compress(CSV),
    "csv.bz2": lambda _: bz2.compress(CSV),
    "csv.xz": lambda _: lzma.compress(CSV),
    "zip": lambda _: archive("zip"),
    "tar": lambda _: archive("tar"),
}
DOCUMENTS: dict[str, Callable[..., bytes]] = {
    "pdf": lambda _: pdf("First.", "Second."),
    "docx": lambda _: docx(paragraph("Terms", "Heading1") + paragraph("Thirty days.")),
    "html": lambda _: b"<html><head><title>T</title></head><body><p hidden>x</p><h1>A</h1>text</body></html>",
    "md": lambda _: b"# A\n\ntext\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "eml": lambda _: mail(),
    "mbox": lambda _: b"From a@example.com Sat Jan 31 10:00:00 2026\n" + mail() + b"\n",
}


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """The bytes with a few of them changed, cut out, doubled or put in."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.integers(0, 40)))
        piece = draw(st.binary(max_size=8) | st.sampled_from([b"\0", b'"', b"\xff" * 4, b"\x7f\xff\xff\xff", b"<"]))
        content[begin:end] = draw(st.sampled_from([piece, bytes(content[begin:end]) * 2, b""]))
    return bytes(content)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ending", FILES)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_file_gives_rows_or_one_error_that_names_it(tmp_path, ending, data):
    path = tmp_path / f"damaged.{ending}"
    path.write_bytes(data.draw(damaged(FILES[ending](tmp_path))))
    told = ""
    try:
        rows = collected(CONTRACT, path=str(path))
    except TinsmithError as error:
        told, rows = str(error), []
    assert f"damaged.{ending}" in told or not told
    assert all(row.faults or len(row.texts) == 2 for row in rows)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ending", DOCUMENTS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_document_gives_passages_or_a_reason(tmp_path, ending, data):
    path = tmp_path / f"damaged.{ending}"
    path.write_bytes(data.draw(damaged(DOCUMENTS[ending](tmp_path))))
    rows = collected(PASSAGES, type="documents", path=str(path))
    assert rows
    assert all(row.faults or len(row.texts) == 2 for row in rows)
