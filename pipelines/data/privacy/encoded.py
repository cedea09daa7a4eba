"""Runs of text that hold other text in an encoding: base64, hexadecimal, and mail's encoded words."""

import base64
import binascii
import email.errors
import email.header
import re
from collections.abc import Iterator

_WORD = re.compile(r"=\?[\w-]{1,40}\?[BbQq]\?[^?\s]{1,2000}\?=(?:\s+=\?[\w-]{1,40}\?[BbQq]\?[^?\s]{1,2000}\?=)*")
# Possessive, so that it takes a run whole or leaves it: nothing needs to be said of what stands beside it.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}+={0,2}")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){8,}(?![0-9A-Fa-f])")
_SHORTEST = 12


def encoded_runs(text: str, longest: int) -> Iterator[tuple[int, int, str]]:
    """Each encoded run as its start, its end and the text it holds; runs that hold no readable text are left out.

    `longest` is the length of the text's longest run without space.
    """
    if "=?" in text:
        for match in _WORD.finditer(text):
            if meant := _encoded_word(match[0]):
                yield match.start(), match.end(), meant
    for run in _BASE64.finditer(text) if longest >= _SHORTEST else ():
        for match, decode in ((run, _from_base64), *((one, bytes.fromhex) for one in _HEX.finditer(text, *run.span()))):
            if meant := _readable(decode(match[0])):
                yield match.start(), match.end(), meant


def _encoded_word(run: str) -> str | None:
    """What a header's encoded words say (RFC 2047)."""
    try:
        parts = email.header.decode_header(run)
        return "".join(part if isinstance(part, str) else part.decode(charset or "ascii") for part, charset in parts)
    except (email.errors.HeaderParseError, LookupError, UnicodeError):
        return None


def _from_base64(run: str) -> bytes:
    """Decoded base64 (RFC 4648, both alphabets, with or without padding); nothing where it is none."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""


def _readable(content: bytes) -> str | None:
    """Text, if that is what the bytes are: a word of twelve letters is base64 too, but of no text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if text and all(character.isprintable() or character in "\r\n\t" for character in text) else None
