"""The text of one document, split into passages by its headings and paragraphs, each with page and section."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import kreuzberg

from pipelines.data.sources.html_charset import page_encoding
from pipelines.data.sources.html_text import visible_html

_LONGEST_SECONDS = 120
KINDS = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".html": "text/html",
    ".htm": "text/html",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".msg": "application/vnd.ms-outlook",
}
"""The MIME types of the documents that are read here, by their files' endings."""


class UnreadableError(ValueError):
    """A document that cannot be read; the message is its fault."""


@dataclass(frozen=True)
class Passage:
    """A passage; `page` is the 1-based page on which it begins, `section` its headings, outermost first."""

    text: str
    page: int | None
    section: str | None


@dataclass(frozen=True)
class Text:
    """A document's passages and title; `hidden` counts the characters of an HTML page that nobody would see."""

    title: str | None
    passages: tuple[Passage, ...]
    hidden: int = 0


def text_of(content: bytes, mime: str, encoding: str | None, longest: int) -> Text:
    """The text of a document's bytes; `longest` is the number of characters of the longest passage.

    Where no encoding is given, a page of HTML is in the one that it names, and every other text in UTF-8.

    Text formats are decoded strictly, since kreuzberg would write replacement characters without a word.

    Raises:
        UnreadableError: the document is empty, damaged, encrypted, not of its kind or encoding, a bomb, or has no text.
    """
    if not content:
        raise UnreadableError("document: is empty")
    title, hidden = None, 0
    if mime.startswith("text/"):
        decoded = strictly_decoded(content, encoding or _own_encoding(content, mime))
        if mime == "text/html":
            decoded, title, hidden = visible_html(decoded)
        content = decoded.encode()
    result = extracted(content, mime, longest)
    passages = tuple(_passages(result))
    if not passages:
        raise UnreadableError("document: holds no text that can be read without recognising pictures")
    return Text(title or result.metadata.get("title") or None, passages, hidden)


def _own_encoding(content: bytes, mime: str) -> str:
    try:
        return page_encoding(content) if mime == "text/html" else "utf-8"
    except LookupError:
        raise UnreadableError("document: of an encoding that is not known") from None


def strictly_decoded(content: bytes, encoding: str) -> str:
    """The text of bytes, without a byte order mark; raises UnreadableError where they are not of the encoding."""
    try:
        # A mail names its own encoding; of a name that is none, which could be anything, nothing is told.
        known = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise UnreadableError("document: of an encoding that is not known") from None
    try:
        text = content.decode("utf-8-sig" if known == "utf-8" else known)
    except (ValueError, LookupError):
        raise UnreadableError(f"document: not {known}") from None
    if "\0" in text:
        raise UnreadableError("document: NUL character")
    return text


def extracted(content: bytes, mime: str, longest: int) -> Any:
    """What kreuzberg makes of a document's bytes; raises UnreadableError where it refuses them."""
    try:
        return kreuzberg.extract_bytes_sync(content, mime, config=_config(longest, mime == "text/plain"))
    except kreuzberg.ExtractionTimeoutError:
        raise UnreadableError(f"document: takes longer than {_LONGEST_SECONDS} seconds to read") from None
    except (kreuzberg.KreuzbergError, OSError, RuntimeError, ValueError) as error:
        if "password" in str(error).lower() or "encrypt" in str(error).lower():
            raise UnreadableError("document: encrypted") from None
        raise UnreadableError("document: damaged, or not of the kind that its name says") from None


@cache
def _config(longest: int, plain: bool) -> kreuzberg.ExtractionConfig:
    return kreuzberg.ExtractionConfig(  # type: ignore[call-arg]
        # Its types do not know disable_ocr yet.
        # Its cache would keep the documents' text in the user's home.
        use_cache=False,
        disable_ocr=True,
        output_format="plain" if plain else "markdown",
        chunking=kreuzberg.ChunkingConfig(
            max_chars=longest, max_overlap=0, chunker_type="text" if plain else "markdown"
        ),
        pages=kreuzberg.PageConfig(extract_pages=True),
        extraction_timeout_secs=_LONGEST_SECONDS,
    )


def _passages(result: Any) -> Iterator[Passage]:
    for chunk in result.chunks or ():
        if text := chunk.content.strip():
            headings = (chunk.metadata.get("heading_context") or {}).get("headings", [])
            section = " > ".join(heading["text"] for heading in headings)
            yield Passage(text, chunk.metadata.get("first_page"), section or None)
