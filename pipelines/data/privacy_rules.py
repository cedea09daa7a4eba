"""The patterns of personal data and secrets, matched on normalised text (see privacy.py), secrets first.

Every pattern is anchored so that its time grows with the text's length, not its square.
"""

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

_DIGITS = tuple("0123456789")
_NO_MASK = r"(?!\[[A-Z_]+\])"
_EXTENSION = r"(?: ?(?:x|ext\.?) ?[0-9]{1,6}\b)?"


@dataclass(frozen=True)
class Rule:
    """A kind and its pattern, whose group `value` is what is masked.

    `hints` are lower-case strings of which one must occur before the pattern is tried. `length` says how many of the
    value's characters are truly of this kind; 0 refuses the match.
    """

    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    length: Callable[[str], int] = len


def luhn_holds(number: str) -> bool:
    """Whether a card number's check digit is right (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in reversed(number) if character.isdigit()]
    doubled = [digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)) % 10 == 0


def iban_length(text: str) -> int:
    """The length of the longest IBAN that `text` begins with (ISO 13616: mod 97 gives 1), or 0."""
    places = [place for place, character in enumerate(text) if character.isalnum()]
    for size in range(len(places), 14, -1):
        plain = "".join(text[place] for place in places[:size])
        number = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
        if int(number) % 97 == 1:
            return places[size - 1] + 1
    return 0


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _card(text: str) -> int:
    return len(text) if luhn_holds(text) else 0


def _ipv6(text: str) -> int:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return 0
    return len(text) if any(character.isdigit() for character in text) else 0


def _trunk_phone(text: str) -> int:
    return len(text) if 9 <= sum(character.isdigit() for character in text) <= 12 else 0


def _password(text: str) -> int:
    # Without a digit, sign or inner capital, "my password is wrong" would be one.
    core = text.rstrip(".!?)")
    telling = re.search(r"\d|[^\w'\-/.]|(?<=[a-z])[A-Z]", core)
    return len(core) if len(core) >= 4 and telling else 0


def _random_key(text: str) -> int:
    mixed = re.search(r"\d", text) and re.search(r"[A-Za-z]", text)
    return len(text) if mixed and entropy(text) >= 3.0 else 0


RULES: tuple[Rule, ...] = (
    Rule(
        "private_key",
        re.compile(
            r"(?P<value>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            # Lazy, not possessive: Python 3.11.2 gives up characters of a possessive group that looks ahead.
            r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}-----|(?=-----)|\Z))"
        ),
        ("private key",),
    ),
    Rule(
        "aws_access_key",
        re.compile(r"\b(?P<value>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b"),
        ("akia", "asia", "abia", "acca"),
    ),
    Rule(
        "vendor_token",
        re.compile(
            r"\b(?P<value>[A-Za-z]{2,12}_(?:live|test)_[A-Za-z0-9]{10,}|gh[opusr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"
            r"|xox[a-z]-[A-Za-z0-9-]{10,}|glpat-[\w-]{20,}|AIza[\w-]{30,}|sk-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{30,}"
            r"|hf_[A-Za-z0-9]{30,}|SG\.[\w-]{16,}\.[\w-]{30,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|pypi-[\w-]{50,})"
        ),
        ("_live_", "_test_", "gh", "xox", "glpat-", "aiza", "sk-", "npm_", "hf_", "sg.", "shp", "pypi-"),
    ),
    Rule("jwt", re.compile(r"\b(?P<value>eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?)"), ("eyj",)),
    Rule("basic_auth", re.compile(rf"://(?P<value>{_NO_MASK}[^\s/:@]+:[^\s/@]+)@"), ("://",)),
    Rule(
        "password",
        re.compile(
            r"\b(?:pass(?:word|wd|code|phrase|wort)|pwd|kennwort|mot de passe|contraseña|pin)(?: code)?"
            rf"(?: ?[:=]| (?:is|was|to|ist|lautet|est|es)\b:?)\s*[\"'`]?(?P<value>{_NO_MASK}[^\s\"'`,;<>]+)",
            re.I,
        ),
        ("pass", "pwd", "kennwort", "contrase", "pin"),
        _password,
    ),
    Rule(
        "assigned_key",
        re.compile(
            r"(?:api|access|auth|secret|private|client|bearer)[ _-]?(?:key|token|secret)?[\"']?"
            r"\s{0,3}(?::|=>?|is)?\s{0,3}[\"'`]?\b(?P<value>[A-Za-z0-9+/_~-]{16,}={0,2})",
            re.I,
        ),
        ("api", "access", "auth", "secret", "private", "client", "bearer"),
        _random_key,
    ),
    Rule(
        "EMAIL",
        re.compile(r"(?<![\w.+'-])(?P<value>[\w.+'-]++(?:@|%40| ?[\[(] ?at ?[\])] ?)(?:[\w-]++\.)+[^\W\d_]{2,})", re.I),
        ("@", "%40", "at]", "at)", "at ]", "at )"),
    ),
    Rule(
        "IBAN",
        re.compile(r"(?<![A-Z0-9])(?=(?P<value>[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}))", re.I | re.A),
        _DIGITS,
        iban_length,
    ),
    Rule(
        "CARD",
        re.compile(
            r"(?<![0-9])(?=(?P<value>[2-6][0-9]{3}([ -]?)[0-9]{4}\2[0-9]{4}\2[0-9]{4}"
            r"|3[0-9]{3}([ -]?)[0-9]{6}\3[0-9]{4,5}|[2-6][0-9]{12,18}"
            r"|(?:5[0678]|6[0-9])[0-9]{10}|(?:1800|2131)[0-9]{11})(?![0-9]))"
        ),
        _DIGITS,
        _card,
    ),
    Rule(
        "IP",
        re.compile(
            r"(?<![\w.])(?P<value>(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]))"
            r"(?!\w|\.[0-9])"
        ),
        (".",),
    ),
    Rule(
        "IP",
        re.compile(r"(?<![\w:])(?P<value>(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?<!\.))(?![\w:])"),
        (":",),
        _ipv6,
    ),
    Rule(
        "PHONE",  # international
        re.compile(
            r"(?<![\w.])(?P<value>(?:\+|00(?=.{9}))[ .(-]?[1-9](?:[ ().\-/]{0,2}[0-9]){6,13}"
            rf"(?![0-9]){_EXTENSION})"
        ),
        ("+", "00"),
    ),
    Rule(
        "PHONE",  # North America, ten digits or the local seven, or any area code in brackets
        re.compile(
            r"(?<![\w.-])(?P<value>(?:(?:1[ .-]?)?(?:\([0-9]{3}\) ?[0-9]{3}[ .-]?[0-9]{4}"
            r"|[0-9]{3}[.-][0-9]{3}[.-][0-9]{4}|[2-9][0-9]{2} ?[2-9][0-9]{2}[ -]?[0-9]{4})|[2-9][0-9]{2}[.-][0-9]{4}"
            rf"|\([0-9]{{2,4}}\) ?[0-9]{{3,4}}[ .-][0-9]{{3,4}})(?![0-9]){_EXTENSION})(?!\w|[.-][0-9])"
        ),
        _DIGITS,
    ),
    Rule(
        "PHONE",  # with a trunk 0, as in most of Europe
        re.compile(
            r"(?<![\w./-])(?<![0-9][,:])(?!\d\d([./-])\d\d\1(?:19|20)\d\d\b)"
            r"(?P<value>\(?0[1-9][0-9]{0,4}\)?(?:[ ./-]{0,2}[0-9]{2,8}){1,5})(?!\w|[.:-][0-9])"
        ),
        ("0",),
        _trunk_phone,
    ),
    Rule(
        "PHONE",  # any number that is called one
        re.compile(
            r"\b(?:phone|tel|telephone|mobile|cell|fax|whatsapp|call|ring|text|reach)(?: me)?(?: back)?[ .:#]{1,3}"
            r"(?:(?:no|number|nr|on|at|is)\b[ .:#]{0,3}){0,2}"
            r"(?P<value>\+?[0-9(](?:[ ().\-/]{0,2}[0-9]){6,14})(?![0-9])",
            re.I,
        ),
        ("phone", "tel", "mobile", "cell", "fax", "whatsapp", "call", "ring", "text", "reach"),
    ),
)
