"""Rules for ways to reach a person: e-mail addresses, telephone numbers, web addresses.

Every pattern is anchored so that its time grows with the text's length, not its square.
"""

import re

from pipelines.data.privacy.rule import Rule

_AT = r"(?:@|%40| ?[\[({] ?at ?[\])}] ?)"
_DOT = r"(?:\.| ?[\[({] ?dot ?[\])}] ?)"
_EXTENSION = r"(?: ?(?:x|ext\.?) ?[0-9]{1,6}\b)?"


def _trunk_phone(text: str) -> int:
    return len(text) if 9 <= sum(character.isdigit() for character in text) <= 12 else 0


def _grouped_phone(text: str) -> int:
    return len(text) if 6 <= sum(character.isdigit() for character in text) <= 18 else 0


CONTACT_RULES: tuple[Rule, ...] = (
    Rule(
        "EMAIL",
        re.compile(rf"(?<![\w.+'-])(?P<value>[\w.+'-]++{_AT}(?:[\w-]++{_DOT})+[^\W\d_]{{2,}})", re.I),
        ("@", "%00", "at]", "at)", "at}", "at ]", "at )", "at }"),
    ),
    Rule(
        "EMAIL",  # spelled out: ada at example dot org
        re.compile(
            r"(?<![\w.+'-])(?P<value>[\w.+'-]++ at [\w-]++(?:(?: dot |\.)[\w-]++)*? dot [^\W\d_]{2,})(?!\w)", re.I
        ),
        (" dot ",),
    ),
    Rule(
        "PHONE",  # international
        re.compile(
            r"(?<![\w.])(?P<value>(?:\+|00(?=.{9}))[ .(-]?[0-9](?:[ ().\-/]{0,2}[0-9]){6,14}"
            rf"(?![0-9]){_EXTENSION})"
        ),
        ("+", "00"),
        digits=7,
    ),
    Rule(
        "PHONE",  # North America, ten digits or the local seven, or any area code in brackets
        re.compile(
            r"(?<![\w.-])(?P<value>(?:(?:1[ .-]?)?(?:\([0-9]{3}\) ?[0-9]{3}[ .-]?[0-9]{4}"
            r"|[0-9]{3}[.-][0-9]{3}[.-][0-9]{4}|[2-9][0-9]{2} [2-9][0-9]{2}[ -]?[0-9]{4}"
            r"|[2-9][0-9]{2}[2-9][0-9]{2}-[0-9]{4})|[2-9][0-9]{2}[.-][0-9]{4}"
            rf"|\([0-9]{{2,4}}\) ?[0-9]{{3,4}}[ .-][0-9]{{3,4}})(?![0-9]){_EXTENSION})(?!\w|[.-][0-9])"
        ),
        ("000-000", "000 000", "000.000", "0000000"),
        digits=7,
    ),
    Rule(
        "PHONE",  # with a trunk 0, as in most of Europe
        re.compile(
            r"(?<![\w./-])(?<![0-9][,:])(?!\d\d([./-])\d\d\1(?:19|20)\d\d\b)"
            r"(?P<value>\(?0[1-9][0-9]{0,4}\)?(?:[ ./-]{0,2}[0-9]{2,8}){1,5})(?!\w|[.:-][0-9])"
        ),
        ("00",),
        _trunk_phone,
        digits=9,
    ),
    Rule(
        "PHONE",  # any number that is called one
        re.compile(
            r"\b(?:(?:tele|smart)?phone|tel|mobile|cell|fax|desk|whatsapp|call|ring|text|reach|dial|registered|landline)"
            r"(?: (?:me|us|him|her|them))?(?: back)?[ .:#\n]{1,3}"
            r"(?:(?:no|number|nr|on|at|is)\b[ .:#\n]{0,3}){0,2}"
            rf"(?P<value>\+?[0-9(](?:[ ().\-/]{{0,2}}[0-9]){{5,14}}(?![0-9]){_EXTENSION})",
            re.I,
        ),
        (
            "phone",
            "tel",
            "mobile",
            "cell",
            "fax",
            "desk",
            "whatsapp",
            "call",
            "ring",
            "text",
            "reach",
            "dial",
            "regist",
            "landline",
        ),
        digits=5,
    ),
    Rule(
        "PHONE",  # 73 448 266 office
        re.compile(
            rf"(?<![\w.,/-])(?P<value>\(?[0-9]{{2,10}}\)?(?:[ .-]{{1,2}}[0-9]{{2,8}}){{0,4}}{_EXTENSION})"
            r"(?= ?[-(]? ?(?:office|fax|mobile|home|cell|desk|work)\b)",
            re.I,
        ),
        ("office", "fax", "mobile", "home", "cell", "desk", "work"),
        _grouped_phone,
        also=("00",),
    ),
    Rule(
        "URL",
        re.compile(r"(?<![\w@.-])(?P<value>(?:https?://|ftp://|www\.)[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}])", re.I),
        ("://", "www."),
    ),
    Rule(
        "URL",  # a bare domain, under the endings that prose does not have
        re.compile(
            r"(?<![\w@.-])(?P<value>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
            r"(?:com|org|net|edu|gov|io|dev|info|biz|co\.uk|de|fr|eu|ch|at|nl|be|ca|com\.au|co)\b(?:/[^\s<>\"'`]*[\w/])?)"
            r"(?!\.?\w|@)",
            re.I,
        ),
        (
            ".com",
            ".org",
            ".net",
            ".edu",
            ".gov",
            ".io",
            ".dev",
            ".info",
            ".biz",
            ".co",
            ".de",
            ".fr",
            ".eu",
            ".ch",
            ".at",
            ".nl",
            ".be",
            ".ca",
        ),
    ),
)
