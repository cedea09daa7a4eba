"""Documents and mails with their attachments, as rows of passages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.files import PlainFile, find_files, plain_files
from pipelines.data.sources.mail import Mail, MailPart, mail_of, mails_in
from pipelines.data.sources.passages import KINDS, Passage, Text, UnreadableError, extracted, text_of
from pipelines.data.sources.rows import Part, Row, batches_of, places_of, value_faults
from pipelines.recipe_sources import DocumentsSource

COLUMNS = {
    "path": "s",
    "title": "s",
    "page": "n",
    "section": "s",
    "passage": "n",
    "text": "s",
    "hidden": "n",
    "subject": "s",
    "sender": "s",
    "sent_at": "s",
}
"""What a passage has, of which a contract declares what it wants, and the kind of each (see json_records.as_text)."""

_LARGEST_BYTES = 2**28
_DEEPEST_MAIL = 10
_MSG_HEAD = re.compile(r"(\*\*(Subject|From|To|CC|BCC|Date)\*\*: [^\n]*\n+)+")


@dataclass(frozen=True)
class _Document:
    """A document that is being read: `label` names it within its source, `alias` does so without the file's name.

    `encoding` is what the recipe or a mail says of its text; None leaves it to the document, since UTF-8 is also what a
    recipe says that says nothing. `mail` is the mail that it is or came with.
    """

    label: str
    alias: str
    source: DocumentsSource
    contract: Contract
    encoding: str | None
    mail: Mail | None = None
    depth: int = 0


def read_documents(source: DocumentsSource, contract: Contract) -> Iterator[Part]:
    """A part for each file. A document that cannot be read is one row with its fault, and the others go on.

    So is a copy of an earlier document: folders of documents are full of them, and each would count twice.

    Raises:
        TinsmithError: no file is found, an archive is refused, or the contract asks for a column that passages lack.
    """
    places_of(contract, list(COLUMNS), "documents", "passage")
    first: dict[str, str] = {}
    for file in find_files(source):
        with plain_files(file, source.members) as plain:
            for one in plain:
                sha256 = one.sha256
                # Files are named after people, as in "Anna - resignation.pdf"; their digests are not.
                document = _Document(one.label, sha256[:16], source, contract, _given_encoding(source))
                if (same := first.setdefault(sha256, one.label)) == one.label:
                    rows = _rows_of_file(one, document)
                    yield Part(one.label, sha256, batches_of(rows, contract), alias=document.alias)
                else:
                    copy = _refused(document, "document: a copy of an earlier one, byte for byte")
                    yield Part(one.label, sha256, batches_of([copy], contract), same, document.alias)


def _given_encoding(source: DocumentsSource) -> str | None:
    return None if source.encoding == "utf-8" else source.encoding


def _rows_of_file(file: PlainFile, document: _Document) -> Iterator[Row]:
    ending = PurePosixPath(file.name).suffix.lower()
    if file.path.stat().st_size > _LARGEST_BYTES and ending != ".mbox":
        yield _refused(document, f"document: larger than {_LARGEST_BYTES} bytes")
    elif ending == ".mbox":
        number = 0
        for number, content in enumerate(mails_in(file.path), 1):
            yield from _rows(content, ".eml", _inner(document, number))
        if not number:
            yield _refused(document, "document: holds no mail")
    else:
        yield from _rows(file.path.read_bytes(), ending, document)


def _rows(content: bytes, ending: str, document: _Document) -> Iterator[Row]:
    try:
        if ending == ".eml":
            yield from _mail_rows(content, document)
        elif ending == ".msg":
            yield from _msg_rows(content, document)
        elif ending in KINDS:
            text = text_of(content, KINDS[ending], document.encoding, document.source.passage_characters)
            yield from _passage_rows(text, document)
        else:
            yield _refused(document, "document: of a kind that is not read")
    except UnreadableError as error:
        yield _refused(document, str(error))


def _mail_rows(content: bytes, document: _Document) -> Iterator[Row]:
    if document.depth > _DEEPEST_MAIL:
        raise UnreadableError(f"document: mails within mails, deeper than {_DEEPEST_MAIL}")
    mail = mail_of(content)
    written = replace(document, mail=mail)
    if mail.body:
        yield from _part_rows(mail.body, written)
    elif not mail.attachments:
        raise UnreadableError("document: holds no text that can be read without recognising pictures")
    for number, attached in enumerate(mail.attachments, 1):
        inner = replace(_inner(written, number), depth=document.depth + 1)
        yield from _part_rows(attached, inner)


def _part_rows(part: MailPart, document: _Document) -> Iterator[Row]:
    encoding = part.encoding or _given_encoding(document.source)
    yield from _rows(part.content, part.ending, replace(document, encoding=encoding))


def _msg_rows(content: bytes, document: _Document) -> Iterator[Row]:
    longest = document.source.passage_characters
    result = extracted(content, KINDS[".msg"], longest)
    known = result.metadata
    sender = known.get("from_email")
    mail = Mail(known.get("subject"), sender, known.get("created_at"), None, ())
    written = replace(document, mail=mail)
    # kreuzberg writes the mail's head above its text.
    body = _MSG_HEAD.sub("", result.content, count=1).strip()
    attached = known.get("attachments") or []
    if body:
        yield from _passage_rows(text_of(body.encode(), "text/markdown", "utf-8", longest), written)
    elif not attached:
        raise UnreadableError("document: holds no text that can be read without recognising pictures")
    # Two attachments may have one name: those that were read come in their order.
    read: dict[str, list[str]] = {}
    for child in result.children or ():
        read.setdefault(child["path"], []).append(child["result"].content.strip())
    for number, name in enumerate(attached, 1):
        inner = _inner(written, number)
        if text := read[name].pop(0) if read.get(name) else "":
            yield from _passage_rows(text_of(text.encode(), "text/markdown", "utf-8", longest), inner)
        else:
            yield _refused(inner, "document: of a kind that is not read")


def _inner(document: _Document, number: int) -> _Document:
    return replace(document, label=f"{document.label}/{number}", alias=f"{document.alias}/{number}")


def _passage_rows(text: Text, document: _Document) -> Iterator[Row]:
    for number, passage in enumerate(text.passages, 1):
        values = _values(text, passage, number, document)
        texts = [values[column.source_name] for column in document.contract.columns]
        kinds = [
            "-" if values[column.source_name] is None else COLUMNS[column.source_name]
            for column in document.contract.columns
        ]
        faults = value_faults(texts)
        row = Row(document.label, number, passage.text, faults, (), None, alias=document.alias)
        yield row if faults else row._replace(texts=texts, kinds="".join(kinds))


def _values(text: Text, passage: Passage, number: int, document: _Document) -> dict[str, str | None]:
    mail = document.mail
    return {
        "path": document.label,
        "title": text.title or (mail.subject if mail else None),
        "page": str(passage.page) if passage.page else None,
        "section": passage.section,
        "passage": str(number),
        "text": passage.text,
        "hidden": str(text.hidden),
        "subject": mail.subject if mail else None,
        "sender": mail.sender if mail else None,
        "sent_at": mail.sent_at if mail else None,
    }


def _refused(document: _Document, fault: str) -> Row:
    return Row(document.label, 1, "", (fault,), (), None, alias=document.alias)
