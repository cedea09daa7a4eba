"""In which encoding an HTML page says that it is written."""

import codecs

import pytest

from pipelines.data.sources.html_charset import page_encoding


@pytest.mark.parametrize(
    ("page", "encoding"),
    [
        (b"<p>text</p>", "utf-8"),
        (b'<meta charset="iso-8859-1">', "cp1252"),
        (b"<META CHARSET=Windows-1251>", "cp1251"),
        (b"<meta content='text/html; charset = \"shift_jis\"' http-equiv=Content-Type />", "cp932"),
        (b'<meta name="a" content="charset=koi8-r"><meta charset="latin2">', "iso8859-2"),
        (b'<meta name="viewport"><meta charset="UTF8"><meta charset="koi8-r">', "utf-8"),
        (b'<!-- <meta charset="koi8-r"> --><script>"<meta charset=koi8-r>"</script>', "utf-8"),
        (b'<meta charset="utf-16le">', "utf-8"),
        (b'<meta charset="">', "utf-8"),
        (b" " * 1024 + b'<meta charset="koi8-r">', "utf-8"),
        (codecs.BOM_UTF8 + b'<meta charset="koi8-r">', "utf-8"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        (codecs.BOM_UTF16_LE, "utf-16"),
    ],
)
def test_the_mark_goes_before_the_meta_element_and_that_before_utf_8(page, encoding):
    assert page_encoding(page) == encoding


@pytest.mark.parametrize("name", ["sesame", "hex", "punycode", "unicode_escape", "utf-7", "\xe9", "cp037"])
def test_what_no_browser_knows_is_refused(name):
    with pytest.raises(LookupError):
        page_encoding(f'<meta charset="{name}">'.encode("latin-1"))
