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

from pipelines.data.sources.passages import KINDS, UnreadableError

# What the standard library's own parser raises on headers that no mail should have.
_BROKEN_HEADER = (ValueError, IndexError, AttributeError, LookupError, TypeError, RecursionError)
_LONGEST_HEADER = 10_000
# Of a text in several forms the first of these that holds something is read.
_TEXTS = ("text/plain", "text/html")
_MAILS = ("message/rfc822", "message/global", "message/news")
_ENDINGS = {mime: ending for ending, mime in KINDS.items()}


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
class MailPart:
    """The bytes of a part of a mail, the ending of its name or kind, such as .pdf, and the encoding that it names."""

    ending: str
    content: bytes
    encoding: str | None


@dataclass(frozen=True)
class Mail:
    """A mail; `sent_at` is an ISO 8601 time in UTC, `body` its first text, `attachments` every other part, in order."""

    subject: str | None
    sender: str | None
    sent_at: str | None
    body: MailPart | None
    attachments: tuple[MailPart, ...]


def mail_of(content: bytes) -> Mail:
    """The mail in an EML's bytes. Nothing of it is lost but blank texts and other forms of the same text.

    Raises:
        UnreadableError: the bytes are no mail, or parts are nested without end.
    """
    try:
        # Only typeshed's policy knows the kind of its messages.
        return _mail(email.message_from_bytes(content, policy=_POLICY))  # type: ignore[arg-type]
    except RecursionError:
        raise UnreadableError("document: parts or headers nested too deeply") from None


def _mail(message: EmailMessage) -> Mail:
    if not message.keys():
        raise UnreadableError("document: no mail, since it has no headers")
    leaves = _leaves(message)
    body = next(filter(_is_text, leaves), None)
    return Mail(
        subject=_header(message, "subject"),
        sender=_header(message, "from"),
        sent_at=_sent_at(message),
        body=_part(body) if body is not None else None,
        attachments=tuple(_part(leaf) for leaf in leaves if leaf is not body),
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


def _leaves(part: Any) -> list[Any]:
    """The parts that hold something themselves, in order; a mail within the mail is one of them."""
    if part.get_content_maintype() != "multipart" or not part.is_multipart():
        return [] if _is_text(part) and not _bytes_of(part).strip() else [part]
    leaves = [leaf for inner in part.get_payload() for leaf in _leaves(inner)]
    if part.get_content_type() == "multipart/alternative":
        forms = {leaf.get_content_type() for leaf in leaves if _is_text(leaf)}
        read = next((form for form in _TEXTS if form in forms), None)
        return [leaf for leaf in leaves if not _is_text(leaf) or leaf.get_content_type() == read]
    return leaves


def _is_text(part: Any) -> bool:
    """Whether a part is text of the mail itself, and no file."""
    return part.get_content_type() in _TEXTS and not part.is_attachment() and not _file_name(part)


def _part(leaf: Any) -> MailPart:
    kind = leaf.get_content_type()
    if kind in _MAILS:
        return MailPart(".eml", leaf.get_payload(0).as_bytes(), None)
    ending = PurePosixPath(_file_name(leaf).replace("\\", "/")).suffix.lower()
    return MailPart(
        ending or _ENDINGS.get(kind, ""), _bytes_of(leaf), _parameter(leaf, "content-type", "charset") or None
    )


def _file_name(part: Any) -> str:
    return _parameter(part, "content-disposition", "filename") or _parameter(part, "content-type", "name")


def _parameter(part: Any, header: str, name: str) -> str:
    # The message's own get_param decodes what the policy has decoded, and fails on some of it.
    parsed = part.get(header)
    return parsed.params.get(name, "") if parsed is not None else ""


def _bytes_of(part: Any) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
