"""Rules for numbers that name a person or an account: cards, IBANs, social security, driving licences, IP addresses.

Every pattern is anchored so that its time grows with the text's length, not its square.
"""

import re
from string import ascii_lowercase

from pipelines.data.privacy.checks import iban_length, is_ipv6, luhn_holds
from pipelines.data.privacy.rule import Rule


def _card(text: str) -> int:
    return len(text) if luhn_holds(text) else 0


def _ipv6(text: str) -> int:
    return len(text) if is_ipv6(text) else 0


def _with_digit(text: str) -> int:
    return len(text) if any(character.isdigit() for character in text) else 0


NUMBER_RULES: tuple[Rule, ...] = (
    Rule(
        "IBAN",
        re.compile(r"(?<![A-Z0-9])(?=(?P<value>[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}))", re.I | re.A),
        tuple(f"{letter}00" for letter in ascii_lowercase),
        iban_length,
    ),
    Rule(
        "CARD",
        re.compile(
            r"(?<![0-9])(?=(?P<value>[2-6][0-9]{3}(| {1,2}|[-.])[0-9]{4}\2[0-9]{4}\2[0-9]{4}"
            r"|3[0-9]{3}(| {1,2}|[-.])[0-9]{6}\3[0-9]{4,5}|[2-6][0-9]{12,18}"
            r"|(?:5[0678]|6[0-9])[0-9]{10}|(?:1800|2131)[0-9]{11})(?![0-9]))"
        ),
        ("0000 0000", "0000  0000", "0000-0000", "0000.0000", "00000000"),
        _card,
        digits=12,
    ),
    Rule(
        "SSN",
        re.compile(r"(?<![\w-])(?P<value>(?!000|666)[0-8][0-9]{2}([ -])(?!00)[0-9]{2}\2(?!0000)[0-9]{4})(?![\w-])"),
        ("000-00-0000", "000 00 0000"),
    ),
    Rule(
        "SSN",  # any number that is called one
        re.compile(
            r"\b(?:ssn|social security)\b[^\n0-9]{0,30}(?P<value>[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4})(?![\w-])", re.I
        ),
        ("ssn", "social security"),
        also=("000",),
    ),
    Rule(
        "DRIVER_LICENSE",
        re.compile(
            r"\b(?:driv(?:er'?s?|ing)(?: |')(?:licen[cs]e|permit)|dl)(?: (?:no|number|nr|#))?[.:#]? ?(?:is|was|:|#)? ?"
            r"(?P<value>[A-Z0-9](?:[ -]?[A-Z0-9]){4,17})\b",
            re.I,
        ),
        ("licen", "permit", "dl"),
        _with_digit,
        also=("0",),
    ),
    Rule(
        "IP",
        re.compile(
            r"(?<![\w.])(?P<value>(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]))"
            r"(?!\w|\.[0-9])"
        ),
        ("0.0",),
    ),
    Rule(
        "IP",
        re.compile(r"(?<![\w:])(?P<value>(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?<!\.))(?![\w:])"),
        (":",),
        _ipv6,
    ),
)
