import base64
import html
import re
import unicodedata
from email.header import Header
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.people import full_names

VALUES = {
    "EMAIL": "ada.okafor@mail.example.com",
    "CARD": "4111 1111 1111 1111",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "PHONE": "+44 20 7946 0958",
    "SSN": "536-22-1834",
    "IP": "192.168.17.10",
    "vendor_token": "tsk_live_abcdefghij0123456789",
    "aws_access_key": "AKIAIOSFODNN7EXAMPLE",
}


def full_width(text):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


DISGUISES = {
    "zero-width": lambda text: "\u200b".join(text),
    "soft hyphens": lambda text: "\u00ad".join(text),
    "full width": full_width,
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "thin spaces": lambda text: text.replace(" ", "\u2009"),
    "odd dashes": lambda text: text.replace("-", "\u2011"),
    "arabic digits": lambda text: text.translate({ord(str(n)): chr(0x0660 + n) for n in range(10)}),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent, signs only": lambda text: quote(text, safe=" "),
    "html": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "html, signs only": lambda text: html.escape(text).replace("@", "&#x40;").replace(".", "&period;"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a sentence": lambda text: base64.b64encode(f"please write to {text} soon".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "encoded word": lambda text: Header(f"né {text}", "utf-8", maxlinelen=1000).encode(),
}
# What a disguise turns into another thing than itself.
NO_DISGUISE = {
    # A key's own letters: a service would not take it in these.
    *(("arabic digits", kind) for kind in ("vendor_token", "aws_access_key")),
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_hides_a_value(disguise, kind):
    hidden = DISGUISES[disguise](VALUES[kind])
    text = f"see {hidden} please"
    spans = Detector().find(text)
    left = text
    for span in reversed(spans):
        left = left[: span.start] + span.mask + left[span.end :]
    assert re.fullmatch(r"see \[[A-Z_]+\] please", left)
    assert spans[0].kind == kind or (disguise, kind) in NO_DISGUISE or "sentence" in disguise


@pytest.mark.parametrize(
    "written",
    ["ada [at] example.org", "ada(at)example(dot)org", "ada {at} example {dot} org", "ada at example dot org",
     "ada%40example.org", "ada@\u200bexample.org", "ada＠example．org"],
)  # fmt: skip
def test_spelled_out_addresses_are_found(written):
    assert [(span.kind, span.start, span.end) for span in Detector().find(f"to {written} now")] == [
        ("EMAIL", 3, 3 + len(written))
    ]


@pytest.mark.parametrize("text", ["meet me at noon dot", "the shop at the corner", "100%20 or 50%40", "a &nothing; b",
                                  "internationalisation", "AAAAAAAAAAAAAAAAAAAAAAAA", "deadbeefdeadbeef"])  # fmt: skip
def test_what_only_looks_encoded_stays(text):
    assert Detector().find(text) == []


PLANTED = st.sampled_from(sorted(VALUES.items()))
DISGUISED = st.sampled_from(sorted(DISGUISES))
AROUND = st.sampled_from(["", "\n", "Hello. ", "> ", "(", "re: ", "«", "my number is "])
AFTER = st.sampled_from(["", "\n", " thanks", ")", ", or so", ".", "»", "?!"])


@given(AROUND, PLANTED, DISGUISED, AFTER)
def test_nothing_planted_survives_wherever_it_stands(before, planted, disguise, after):
    _, value = planted
    hidden = DISGUISES[disguise](value)
    text = before + hidden + after
    spans = Detector().find(text)
    left = "".join(c for place, c in enumerate(text) if not any(s.start <= place < s.end for s in spans))
    assert len(left) <= len(before) + len(after)


@pytest.mark.parametrize("name", ["José Müller", "Zoë Nguyễn", "한 지민"])
@pytest.mark.parametrize("known_as", ["NFC", "NFD"])
@pytest.mark.parametrize("written_as", ["NFC", "NFD"])
def test_a_name_is_the_same_composed_or_not(name, known_as, written_as):
    written = unicodedata.normalize(written_as, name)
    text = unicodedata.normalize(written_as, f"Café: call from {name} today")
    (span,) = Detector(everybody=full_names([unicodedata.normalize(known_as, name)])).find(text)
    assert text[span.start : span.end] == written


@pytest.mark.parametrize(
    "word", ["=?shift_jis?B?tsC2xQ==?=", "=?ütf-8?Q?abc?=", "=?undefined?Q?abc?=", "=?idna?Q?a..b?=", "=?zlib?Q?abc?="]
)
def test_an_encoded_word_that_holds_nothing_stops_nothing(word):
    (span,) = Detector().find(f"{word} from ada@example.com")
    assert span.kind == "EMAIL"
