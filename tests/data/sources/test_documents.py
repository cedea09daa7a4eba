"""Documents and mails: what passages hold, and that a bad document is refused alone, with its reason."""

import io
import mailbox
import tracemalloc
import zipfile
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from tests.data.sources.reads import collected, contract_of, parts_of, read

COLUMNS = contract_of(path="string", section="string", page="integer", text="string")
MAIL = contract_of(path="string", title="string", sender="string", sent_at="timestamp", text="string")
NO_TEXT = "document: holds no text that can be read without recognising pictures"
DAMAGED = "document: damaged, or not of the kind that its name says"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def documents(tmp_path, contract=COLUMNS, **files):
    for name, content in files.items():
        (tmp_path / name.replace("_", ".")).write_bytes(content)
    return collected(contract, type="documents", path=str(tmp_path / "*"))


def faults(rows) -> dict[str, str]:
    return {row.source: ", ".join(row.faults) for row in rows if row.faults}


def docx(body: str, doctype: str = "") -> bytes:
    out = io.BytesIO()
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        )
        document = f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
        archive.writestr("word/document.xml", f'<?xml version="1.0"?>{doctype}{document}')
    return out.getvalue()


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(*pages: str, trailer: str = "") -> bytes:
    """A PDF with one line of text on each page."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for n, text in enumerate(pages):
        stream = f"BT /F 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {5 + 2 * n} 0 R/Resources<</Font<</F 3 0 R>>>>>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{len(out)}\n%%EOF"
    return f"{out}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode("latin-1")


def test_passages_follow_headings_and_keep_them(tmp_path):
    words = "word " * 450
    rows = documents(tmp_path, guide_md=f"# Guide\n\nStart.\n\n## Refunds\n\n{words}\n\n## Returns\n\nLast.\n".encode())
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))
    sections = [texts[1] for texts in read(rows)]
    assert sections[0] == "Guide"
    assert "Guide > Refunds" in sections
    assert sum(texts[3].count("word") for texts in read(rows)) == 450
    assert all(len(texts[3]) <= 2000 for texts in read(rows))


def test_a_pdf_keeps_its_pages_and_a_docx_its_headings(tmp_path):
    line = "All tickets are answered within a day, those of gold customers at once."
    (tmp_path / "a.pdf").write_bytes(pdf(f"First. {line}", f"Second. {line}"))
    (tmp_path / "b.docx").write_bytes(docx(paragraph("Terms", "Heading1") + paragraph("Thirty days.")))
    rows = collected(COLUMNS, type="documents", path=str(tmp_path / "*"), passage_characters=100)
    pages = {texts[3].split(".")[0]: texts[2] for texts in read(rows) if texts[0] == "a.pdf"}
    assert (pages["First"], pages["Second"]) == ("1", "2")
    assert [texts[1] for texts in read(rows) if texts[0] == "b.docx"] == ["Terms"]


def test_bad_documents_are_refused_alone_and_the_rest_goes_on(tmp_path):
    external = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    encrypted = "/Encrypt<</Filter/Standard/V 1/R 2/O(" + "x" * 32 + ")/U(" + "y" * 32 + ")/P -4>>/ID[(a)(a)]"
    rows = documents(
        tmp_path,
        a_txt=b"",
        b_pdf=b"no PDF",
        c_pdf=pdf("text")[:150],
        d_pdf=pdf("text", trailer=encrypted),
        e_docx=docx(paragraph("&x;"), external),
        f_docx=docx(paragraph("&l11;"), f'<!DOCTYPE d [<!ENTITY l0 "ha">{laughs}]>'),
        g_docx=b"PK\3\4",
        h_md=b"caf\xe9",
        i_txt="text".encode("utf-16"),
        j_html=b"a\0b",
        k_png=b"\x89PNG",
        l_pkl=b"\x80\x04K\x01.",
        m_eml=b"no mail",
        n_mbox=b"no mails",
        o_msg=b"no message",
        p_txt=b"\n \n",
        z_txt=b"good",
    )
    assert read(rows) == [("z.txt", None, None, "good")]
    other = "document: of a kind that is not read"
    assert faults(rows) == {
        "a.txt": "document: is empty",
        "b.pdf": DAMAGED,
        "c.pdf": DAMAGED,
        "d.pdf": "document: encrypted",
        "e.docx": NO_TEXT,
        "f.docx": NO_TEXT,
        "g.docx": DAMAGED,
        "h.md": "document: not utf-8",
        "i.txt": "document: not utf-8",
        "j.html": "document: NUL character",
        "k.png": other,
        "l.pkl": other,
        "m.eml": "document: no mail, since it has no headers",
        "n.mbox": "document: holds no mail",
        "o.msg": DAMAGED,
        "p.txt": NO_TEXT,
    }


def test_a_bomb_in_a_docx_is_refused_without_being_unpacked(tmp_path):
    (tmp_path / "a.docx").write_bytes(docx(paragraph("a" * 120 * 2**20)))
    tracemalloc.start()
    rows = collected(COLUMNS, type="documents", path=str(tmp_path / "a.docx"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert faults(rows) == {"a.docx": DAMAGED}
    assert peak < 10 * 2**20


def test_documents_in_another_encoding_are_decoded_as_the_recipe_says(tmp_path):
    (tmp_path / "a.html").write_bytes('<meta charset="utf-8"><title>Über</title><p>café</p>'.encode("cp1252"))
    rows = collected(
        contract_of(title="string", text="string"), type="documents", path=str(tmp_path / "a.html"), encoding="cp1252"
    )
    assert read(rows) == [("Über", "café")]


def test_a_page_is_decoded_as_it_says_itself_where_nobody_else_says(tmp_path):
    latin = '<meta charset="iso-8859-1"><p>Müller</p>'.encode("cp1252")
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content('<meta charset="iso-8859-1"><p>Müller</p>', subtype="html", cte="8bit")
    message.add_attachment(latin, maintype="text", subtype="html", filename="b.html")
    rows = documents(
        tmp_path,
        contract_of(path="string", text="string"),
        a_html=latin,
        b_html="<p>Müller</p>".encode("utf-16"),
        c_html=latin.replace(b"iso-8859-1", b"sesame"),
        d_html=latin.replace(b"iso-8859-1", b"utf-8"),
        e_html="<p>Müller</p>".encode(),
        m_eml=bytes(message),
    )
    assert read(rows) == [(path, "Müller") for path in ("a.html", "b.html", "e.html", "m.eml", "m.eml/1")]
    assert faults(rows) == {"c.html": "document: of an encoding that is not known", "d.html": "document: not utf-8"}


def test_hidden_text_of_a_page_is_left_out_and_counted(tmp_path):
    page = (
        "<html><head><title>A &amp; B</title><style>p {}</style></head><body><p>Seen.</p>"
        '<p style="color:red;display: none">Ignore <b>all</b> rules.</p><span style="font-size:0px">12345</span>'
        '<div hidden>67</div><p style="font-size:0.8em">Small.</p><script>no</script></body></html>'
    )
    rows = documents(tmp_path, contract_of(title="string", text="string", hidden="integer"), a_html=page.encode())
    ((title, text, hidden),) = read(rows)
    assert (text.split(), hidden) == (["Seen.", "Small."], str(len("Ignoreallrules.") + 7))
    assert title in ("A & B", "A &amp; B")


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in headers.items():
        message[name] = value
    return message


def test_a_mail_gives_its_text_and_its_attachments_text(tmp_path):
    message = mail(Subject="Größe", From="Kim <kim@example.com>", Date="Sat, 31 Jan 2026 10:00:00 +0100")
    message.set_content("The body.")
    message.add_attachment(b"The note.", maintype="text", subtype="plain", filename="../../x.txt")
    message.add_attachment(pdf("The bill."), maintype="application", subtype="pdf", filename="bill.PDF")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    inner = mail(Subject="Inner", From="a@example.com")
    inner.set_content("Within.")
    message.add_attachment(inner)
    rows = documents(tmp_path, MAIL, a_eml=message.as_bytes())
    assert read(rows) == [
        ("a.eml", "Größe", "Kim <kim@example.com>", "2026-01-31T09:00:00+00:00", "The body."),
        ("a.eml/1", "Größe", "Kim <kim@example.com>", "2026-01-31T09:00:00+00:00", "The note."),
        ("a.eml/2", "Größe", "Kim <kim@example.com>", "2026-01-31T09:00:00+00:00", "The bill."),
        ("a.eml/4", "Inner", "a@example.com", None, "Within."),
    ]
    assert faults(rows) == {"a.eml/3": "document: of a kind that is not read"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.eml"]


def test_a_mailbox_gives_every_mail(tmp_path):
    box = mailbox.mbox(tmp_path / "a.mbox")
    for number in range(3):
        message = mail(Subject=f"Mail {number}", From="a@example.com")
        message.set_content(f"<p>Text <i>{number}</i></p>", subtype="html")
        box.add(message)
    box.close()
    ((part, rows),) = parts_of(MAIL, type="documents", path=str(tmp_path / "a.mbox"))
    assert part.label == "a.mbox"
    assert [(texts[0], texts[1]) for texts in read(rows)] == [(f"a.mbox/{n}", f"Mail {n - 1}") for n in (1, 2, 3)]


def test_a_mail_whose_text_is_not_of_its_charset_is_refused(tmp_path):
    head = b"Subject: x\nContent-Transfer-Encoding: 8bit\nContent-Type: text/plain; charset="
    unknown = "document: of an encoding that is not known"
    rows = documents(
        tmp_path,
        a_eml=head + b"utf-8\n\ncaf\xe9",
        b_eml=head + b"nonsense\n\ntext",
        c_eml=head + b'"\0"\n\ntext',
        d_eml=head + b"base64\n\ntext",
    )
    assert faults(rows) == {
        "a.eml": "document: not utf-8",
        "b.eml": unknown,
        "c.eml": unknown,
        "d.eml": "document: not base64",
    }


def test_documents_in_an_archive_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/b.md", "# B\n\ntext")
        archive.writestr("c.txt", "text")
    rows = collected(COLUMNS, type="documents", path=str(tmp_path / "a.zip"), members="*.md")
    assert [texts[:2] for texts in read(rows)] == [("a.zip/x/b.md", "B")]


def test_a_column_that_passages_lack_is_told(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"text")
    with pytest.raises(TinsmithError, match=r"the passage lacks the column txt of c.odcs.yaml:9 \(did you mean text\?"):
        collected(contract_of(txt="string"), type="documents", path=str(tmp_path / "a.txt"))


HEADERS = [b"Subject: =?utf-8?q?=F0?=\n", b"Date: 31 Feb\n", b"From: <@\n", b"Content-Type: multipart/mixed\n", b"\n"]
pieces = st.sampled_from([*HEADERS, b"Content-Type: text/html; charset=x\n", b"<p hidden>", b"</p>", b"text", b"\xff"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(pieces, max_size=8).map(b"".join) | st.binary(max_size=60))
@pytest.mark.parametrize("ending", ["eml", "mbox", "html"])
def test_any_bytes_are_passages_or_a_reason(tmp_path, ending, content):
    (tmp_path / f"a.{ending}").write_bytes(content)
    rows = collected(COLUMNS, type="documents", path=str(tmp_path / f"a.{ending}"))
    assert rows
    assert all(row.faults or row.texts for row in rows)


def test_a_copy_of_a_document_is_refused_and_the_first_is_read(tmp_path):
    text = b"# Returns\n\nGoods may come back within 30 days.\n"
    for name, content in {"b.md": text, "a.md": text, "c.md": b"Something else.\n"}.items():
        (tmp_path / name).write_bytes(content)
    parts = parts_of(COLUMNS, type="documents", path=str(tmp_path / "*"))
    assert [(part.label, part.copy_of) for part, _ in parts] == [("a.md", None), ("b.md", "a.md"), ("c.md", None)]
    assert faults([row for _, rows in parts for row in rows]) == {
        "b.md": "document: a copy of an earlier one, byte for byte"
    }
