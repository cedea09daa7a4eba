"""Mails: who wrote what when, and what is attached. Names of attachments are read for their endings alone."""

import datetime
import email
import email.policy
import email.utils
import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.data.sources.passages import UnreadableError, strictly_decoded

# What the standard library's own parser raises on headers that no mail should have.
_BROKEN_HEADER = (ValueError, IndexError, AttributeError, LookupError, TypeError, RecursionError)
_LONGEST_HEADER = 10_000


class _BoundedPolicy(email.policy.EmailPolicy):
    """The standard library's, but never parsing a header whose length would take it minutes and gigabytes."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """The parsed header; raises UnreadableError where it is too long."""
        if len(value) > _LONGEST_HEADER:
            raise UnreadableError(f"document: a header longer than {_LONGEST_HEADER} characters")
        return super().header_fetch_parse(name, value)


# Headers of a mail within a mail are given on as they are: to fold some anew never ends.
_POLICY = _BoundedPolicy(refold_source="none")


@dataclass(frozen=True)
class Attachment:
    """The bytes of an attachment and the ending of its name, such as .pdf; a mail in a mail has the ending .eml."""

    ending: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """A mail; `body` is its text and `is_html` the form of it, `sent_at` an ISO 8601 time in UTC."""

    subject: str | None
    sender: str | None
    sent_at: str | None
    body: str
    is_html: bool
    attachments: tuple[Attachment, ...]


def mail_of(content: bytes, encoding: str) -> Mail:
    """The mail in an EML's bytes; `encoding` is that of a body that does not name its own.

    Raises:
        UnreadableError: the bytes are no mail, or the body is not of its encoding, or parts are nested without end.
    """
    try:
        # Only typeshed's policy knows the kind of its messages.
        return _mail(email.message_from_bytes(content, policy=_POLICY), encoding)  # type: ignore[arg-type]
    except RecursionError:
        raise UnreadableError("document: parts or headers nested too deeply") from None


def _mail(message: EmailMessage, encoding: str) -> Mail:
    if not message.keys():
        raise UnreadableError("document: no mail, since it has no headers")
    body = message.get_body(("plain", "html"))
    return Mail(
        subject=_header(message, "subject"),
        sender=_header(message, "from"),
        sent_at=_sent_at(message),
        body=_text(body, encoding) if body else "",
        is_html=body is not None and body.get_content_type() == "text/html",
        attachments=tuple(_attachments(message)),
    )


def mails_in(path: Path) -> Iterator[bytes]:
    """The bytes of each mail of an MBOX, in order."""
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            yield box.get_bytes(key)
    finally:
        box.close()


def _header(message: EmailMessage, name: str) -> str | None:
    try:
        text = " ".join(str(message.get(name) or "").split())
    except _BROKEN_HEADER:
        return None
    return text.encode("utf-8", "replace").decode() or None


def _sent_at(message: EmailMessage) -> str | None:
    try:
        sent = email.utils.parsedate_to_datetime(str(message.get("date") or ""))
        # RFC 5322: -0000 says nothing of the sender's zone, and the time is UTC.
        sent = sent if sent.tzinfo else sent.replace(tzinfo=datetime.UTC)
        return sent.astimezone(datetime.UTC).isoformat()
    except (*_BROKEN_HEADER, OverflowError):
        return None


def _text(part: Any, encoding: str) -> str:
    charset = part.get_content_charset() or encoding
    return strictly_decoded(_bytes_of(part), charset)


def _attachments(message: EmailMessage) -> Iterator[Attachment]:
    # A mail that holds nothing but a document has it as its own content.
    parts = message.iter_attachments() if message.is_multipart() else [message] if message.get_filename() else []
    for part in parts:
        if part.get_content_type() == "message/rfc822":
            inner: Any = part.get_payload(0)
            yield Attachment(".eml", inner.as_bytes())
        elif not part.is_multipart():
            ending = PurePosixPath((part.get_filename() or "").replace("\\", "/")).suffix.lower()
            yield Attachment(ending, _bytes_of(part))


def _bytes_of(part: Any) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
