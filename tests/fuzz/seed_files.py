"""A small good file of every kind that is read, made here, for tests that break it."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.data.sources.test_documents import docx, paragraph, pdf
from tests.data.sources.test_xlsx_rows import workbook

CSV = b'id,body\n1,"two\nlines"\n2,caf\xc3\xa9\n'
JSONL = b'{"id": "1", "body": "a"}\n{"id": 2, "body": null}\n'
TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
_ODT = "application/vnd.oasis.opendocument.text"


def _parquet(**columns: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def _xlsx() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return Path(workbook(f"{folder}/a.xlsx", rows=[["id", "body"], ["1", "a"], [2, True]])).read_bytes()


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        entry = tarfile.TarInfo("a.csv")
        entry.size = len(CSV)
        made.addfile(entry, io.BytesIO(CSV))
    # Without the zeros that fill its last record: a mutation should hit what is read.
    return out.getvalue()[:2048]


def _zstd() -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(CSV)
    return out.getvalue().to_pybytes()


def _mail() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = "Größe", "a@example.com", "Sat, 31 Jan 2026 10:00:00 +0100"
    message.set_content("The body.")
    message.add_attachment(pdf("The bill."), maintype="application", subtype="pdf", filename="bill.pdf")
    inner = EmailMessage()
    inner["Subject"] = "Inner"
    inner.set_content("<p hidden>x</p><p>Within.</p>", subtype="html")
    message.add_attachment(inner)
    return message.as_bytes()


def _pptx() -> bytes:
    office = "http://schemas.openxmlformats.org"
    related = f"{office}/officeDocument/2006/relationships"
    slide = (
        f'<p:sld xmlns:p="{office}/presentationml/2006/main" xmlns:a="{office}/drawingml/2006/main"><p:cSld><p:spTree>'
        "<p:sp><p:txBody><a:p><a:r><a:t>Terms of delivery</a:t></a:r></a:p></p:txBody></p:sp>"
        "</p:spTree></p:cSld></p:sld>"
    )
    relations = f'<Relationships xmlns="{office}/package/2006/relationships">{{}}</Relationships>'
    relation = f'<Relationship Id="r1" Type="{related}/{{}}" Target="{{}}"/>'
    return _zip(
        **{
            "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types"/>'.encode(),
            "_rels/.rels": relations.format(relation.format("officeDocument", "ppt/presentation.xml")).encode(),
            "ppt/presentation.xml": (
                f'<p:presentation xmlns:p="{office}/presentationml/2006/main" xmlns:r="{related}">'
                '<p:sldIdLst><p:sldId id="256" r:id="r1"/></p:sldIdLst></p:presentation>'
            ).encode(),
            "ppt/_rels/presentation.xml.rels": relations.format(relation.format("slide", "slides/slide1.xml")).encode(),
            "ppt/slides/slide1.xml": slide.encode(),
        }
    )


def _odt() -> bytes:
    named = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{named}:office:1.0" xmlns:text="{named}:text:1.0"><office:body>'
        "<office:text><text:h>Terms</text:h><text:p>Thirty days.</text:p></office:text></office:body>"
        "</office:document-content>"
    )
    return _zip(**{"mimetype": _ODT.encode(), "content.xml": content.encode()})


FILES: dict[str, Callable[[], bytes]] = {
    "csv": lambda: CSV,
    "jsonl": lambda: JSONL,
    "json": lambda: json.dumps([{"id": "1"}, {"id": 2, "body": "é"}]).encode(),
    "parquet": lambda: _parquet(id=["1", "2"], body=["a", None], more=[[1], None]),
    "xlsx": _xlsx,
    "messages.jsonl": lambda: json.dumps({"messages": TURNS}).encode() + b"\n",
    "messages.json": lambda: json.dumps([{"messages": TURNS}]).encode(),
    "messages.parquet": lambda: _parquet(messages=[TURNS]),
    "csv.gz": lambda: gzip.compress(CSV, mtime=0),
    "csv.bz2": lambda: bz2.compress(CSV),
    "csv.xz": lambda: lzma.compress(CSV),
    "csv.zst": _zstd,
    "zip": lambda: _zip(**{"a.csv": CSV}),
    "tar": _tar,
}
DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "pdf": lambda: pdf("First.", "Second."),
    "docx": lambda: docx(paragraph("Terms", "Heading1") + paragraph("Thirty days.")),
    "pptx": _pptx,
    "odt": _odt,
    "html": lambda: b"<html><head><title>T</title></head><body><p hidden>x</p><h1>A</h1>text<table><tr><td>1</table>",
    "md": lambda: b"# A\n\ntext\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n  - y\n\n```\ncode\n```\n",
    "txt": lambda: "Größe und\n\nFarbe".encode(),
    "eml": _mail,
    "mbox": lambda: b"From a@example.com Sat Jan 31 10:00:00 2026\n" + _mail() + b"\n",
}
