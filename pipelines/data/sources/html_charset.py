"""The encoding that an HTML page names itself, found as the HTML standard's "encoding sniffing algorithm" finds it."""

import codecs
import re
from html.parser import HTMLParser

_LOOKED_AT = 1024
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.I)
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF16_LE: "utf-16"}
# By the names of Python's codecs, what browsers read under these names (https://encoding.spec.whatwg.org): mostly more.
_READ_AS = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    # A page that could be read so far is not written in UTF-16.
    "utf-16": "utf-8",
    "utf-16-be": "utf-8",
    "utf-16-le": "utf-8",
}
_KNOWN = {
    *_READ_AS.values(),
    *(f"cp{page}" for page in (866, *range(1250, 1259))),
    *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *("euc_jp", "iso2022_jp", "koi8-r", "koi8-u", "mac-cyrillic", "mac-roman"),
}


def page_encoding(content: bytes) -> str:
    """Python's name of a page's encoding: of its byte order mark, else of its first `meta` that names one, else UTF-8.

    Raises:
        LookupError: the encoding that it names is none that browsers know.
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    page = _Page()
    page.feed(content[:_LOOKED_AT].decode("latin-1"))
    name = codecs.lookup(page.charset or "utf-8").name
    encoding = _READ_AS.get(name, name)
    if encoding not in _KNOWN:
        raise LookupError(f"unknown encoding: {name}")
    return encoding


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.charset = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the encoding that the first `meta` names, by itself or as the header Content-Type would."""
        if tag != "meta" or self.charset:
            return
        given = {name: value or "" for name, value in attrs}
        self.charset = given.get("charset", "").strip()
        if not self.charset and given.get("http-equiv", "").lower() == "content-type":
            found = _CHARSET.search(given.get("content", ""))
            self.charset = found[1] if found else ""
