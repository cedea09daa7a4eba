"""Mails' parts: however they are nested, each is the body, another form of its text, or an attachment."""

from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.data.sources.mail import mail_of
from tests.data.sources.msg import msg
from tests.data.sources.reads import collected, contract_of
from tests.data.sources.test_documents import faults, pdf

CONTRACT = contract_of(path="string", text="string")
NOT_READ = "document: of a kind that is not read"


def text(content: str, subtype: str = "plain", **options: str) -> EmailMessage:
    part = EmailMessage()
    part.set_content(content, subtype=subtype, **options)
    return part


def file(content: bytes, kind: str, name: str | None = None) -> EmailMessage:
    part = EmailMessage()
    maintype, subtype = kind.split("/")
    part.set_content(content, maintype=maintype, subtype=subtype, disposition="attachment", filename=name)
    return part


def enclosed(mail: EmailMessage) -> EmailMessage:
    part = EmailMessage()
    part.set_content(mail)
    return part


def multipart(subtype: str, *parts: EmailMessage) -> EmailMessage:
    whole = EmailMessage()
    whole["Content-Type"] = f"multipart/{subtype}"
    whole.set_payload(list(parts))
    return whole


def rows_of(tmp_path, message: EmailMessage):
    message["Subject"] = "x"
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    return collected(CONTRACT, type="documents", path=str(tmp_path / "a.eml"))


def read(rows) -> dict[str, str]:
    return {row.texts[0]: row.texts[1].strip() for row in rows if not row.faults}


BILL = file(pdf("The bill."), "application/pdf", "bill.pdf")
SIGNATURE = file(b"0", "application/pkcs7-signature", "smime.p7s")
WITHIN = text("Within.")
WITHIN["Subject"] = "Inner"

TREES = {
    "Apple Mail": (
        multipart("alternative", text("Hello."), multipart("mixed", text("<p>Hello.</p>", "html"), BILL)),
        {"a.eml": "Hello.", "a.eml/1": "The bill."},
        {},
    ),
    "Apple Mail, text around the file": (
        multipart("mixed", text("Before."), BILL, text("After.")),
        {"a.eml": "Before.", "a.eml/1": "The bill.", "a.eml/2": "After."},
        {},
    ),
    "S/MIME": (
        multipart("signed", multipart("mixed", text("Hello."), BILL), SIGNATURE),
        {"a.eml": "Hello.", "a.eml/1": "The bill."},
        {"a.eml/2": NOT_READ},
    ),
    "Mailman": (
        multipart("mixed", multipart("mixed", text("Hello."), BILL), text("The list.")),
        {"a.eml": "Hello.", "a.eml/1": "The bill.", "a.eml/2": "The list."},
        {},
    ),
    "a picture within the text": (
        multipart("mixed", multipart("related", text("<p>Hello.</p>", "html"), file(b"\x89PNG", "image/png")), BILL),
        {"a.eml": "Hello.", "a.eml/2": "The bill."},
        {"a.eml/1": NOT_READ},
    ),
    "an invitation": (
        multipart("alternative", text("Hello."), text("<p>Hello.</p>", "html"), file(b"BEGIN", "text/calendar")),
        {"a.eml": "Hello."},
        {"a.eml/1": NOT_READ},
    ),
    "a text that is blank beside the page": (
        multipart("alternative", text(" \n"), text("<p>Hello.</p>", "html")),
        {"a.eml": "Hello."},
        {},
    ),
    "a mail in a mail, deep within": (
        multipart("signed", multipart("mixed", text("Hello."), multipart("digest", enclosed(WITHIN))), SIGNATURE),
        {"a.eml": "Hello.", "a.eml/1": "Within."},
        {"a.eml/2": NOT_READ},
    ),
    "a page without text, and a file": (
        multipart("mixed", text("<p hidden>no</p>", "html"), BILL),
        {"a.eml/1": "The bill."},
        {"a.eml": "document: holds no text that can be read without recognising pictures"},
    ),
    "a file without a name": (
        multipart("mixed", text("Hello."), file(pdf("The bill."), "application/pdf")),
        {"a.eml": "Hello.", "a.eml/1": "The bill."},
        {},
    ),
    "a file and no text": (file(pdf("The bill."), "application/pdf", "bill.pdf"), {"a.eml/1": "The bill."}, {}),
}


@pytest.mark.parametrize("tree", TREES)
def test_every_part_is_read_or_refused(tmp_path, tree):
    message, texts, refused = TREES[tree]
    rows = rows_of(tmp_path, message)
    assert read(rows) == texts
    assert faults(rows) == refused


def test_a_body_that_cannot_be_read_keeps_its_attachments(tmp_path):
    body = file(b"caf\xe9", "text/plain")
    del body["Content-Disposition"]
    rows = rows_of(tmp_path, multipart("mixed", body, BILL))
    assert faults(rows) == {"a.eml": "document: not utf-8"}
    assert read(rows) == {"a.eml/1": "The bill."}


def test_each_text_is_decoded_as_it_says_itself(tmp_path):
    parts = [text("Größe", charset=charset) for charset in ("utf-8", "iso-8859-1", "cp437")]
    rows = rows_of(tmp_path, multipart("mixed", *parts))
    assert list(read(rows).values()) == ["Größe"] * 3


def test_a_report_of_delivery_is_refused_and_not_lost(tmp_path):
    head = b"Subject: x\nContent-Type: multipart/report; boundary=b\n\n--b\n\nNot delivered.\n"
    status = b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nAction: failed\n--b--\n"
    (tmp_path / "a.eml").write_bytes(head + status)
    rows = collected(CONTRACT, type="documents", path=str(tmp_path / "a.eml"))
    assert read(rows) == {"a.eml": "Not delivered."}
    assert faults(rows) == {"a.eml/1": NOT_READ}


def test_a_broken_name_of_a_file_does_not_stop_the_others(tmp_path):
    head = b"Subject: x\nContent-Type: application/pdf; (' filename*=utf-8''%ff; filename*0*=; name*=; name*0*=\n"
    (tmp_path / "a.eml").write_bytes(head + b"\n" + pdf("The bill."))
    (tmp_path / "b.eml").write_bytes(b"Subject: x\n\nText.\n")
    rows = collected(CONTRACT, type="documents", path=str(tmp_path / "*"))
    assert read(rows)["b.eml"] == "Text."
    assert len(rows) == 2


def test_an_outlook_message_gives_its_text_and_its_attachments_text(tmp_path):
    files = [
        ("note.txt", b"The note."),
        ("bill.pdf", pdf("The bill.")),
        ("logo.png", b"\x89PNG"),
        ("note.txt", b"Another note."),
    ]
    (tmp_path / "a.msg").write_bytes(msg("Größe", "kim@example.com", "The body.", files))
    contract = contract_of(path="string", text="string", subject="string", sender="string")
    rows = collected(contract, type="documents", path=str(tmp_path / "a.msg"))
    assert read(rows) == {
        "a.msg": "The body.",
        "a.msg/1": "The note.",
        "a.msg/2": "The bill.",
        "a.msg/4": "Another note.",
    }
    assert {tuple(row.texts[2:]) for row in rows if not row.faults} == {("Größe", "kim@example.com")}
    assert faults(rows) == {"a.msg/3": NOT_READ}


leaves = st.sampled_from(["text/plain", "text/html", "image/png", "application/pdf", "message/rfc822"])
trees = st.recursive(
    leaves,
    lambda inner: st.tuples(st.sampled_from(["mixed", "signed", "related", "digest"]), st.lists(inner, min_size=1)),
)


def _built(tree) -> EmailMessage:
    if isinstance(tree, tuple):
        return multipart(tree[0], *map(_built, tree[1]))
    if tree == "message/rfc822":
        return enclosed(WITHIN)
    maintype, subtype = tree.split("/")
    return text("x", subtype) if maintype == "text" else file(b"x", tree)


def _count(tree) -> int:
    return sum(map(_count, tree[1])) if isinstance(tree, tuple) else 1


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=trees)
def test_no_part_is_lost_however_parts_are_nested(tree):
    message = _built(tree)
    message["Subject"] = "x"
    mail = mail_of(message.as_bytes())
    assert len(mail.attachments) + (mail.body is not None) == _count(tree)
