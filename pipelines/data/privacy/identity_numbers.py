"""Rules for numbers that states, banks and chains give people: what a text calls a passport, and what looks like one.

Without a word that says so, most are any number: a check digit alone lets one number in ten through, and nations have
dozens of such numbers.
"""

import hashlib
import re

from pipelines.data.privacy.rule import Rule

_CALLED = (
    "passport", "itin", "tax id", "tax number", "taxpayer", "nino", "national insurance", "national id", "nhs",
    "medicare", "medicaid", "dea", "pesel", "aadhaar", "aadhar", "codice fiscale", "partita iva", "nif", "nie", "cpf",
    "bsn", "steuer-id", "steuernummer", "personnummer", "personalausweis", "identity card", "id card", "bank account",
    "account number", "account no", "acct", "routing number", "sort code", "kontonummer", "blz",
)  # fmt: skip
_FEWEST = 6
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _number_length(text: str) -> int:
    """How much of some words, the first of which may be letters alone, is one number of six characters and more."""
    end = signs = 0
    spelled = False
    for word in re.finditer(r"[A-Za-z0-9]+", text):
        letters = word[0].isalpha()
        if letters and not (len(word[0]) <= 2 and end == 0) and not (spelled and len(word[0]) == 1):
            break
        spelled = spelled or (letters and end == 0)
        signs += len(word[0])
        end = word.end()
    number = text[:end]
    return end if signs >= _FEWEST and sum(map(str.isdigit, number)) >= _FEWEST // 2 else 0


def bitcoin_length(text: str) -> int:
    """All of an address whose check bytes are right (Base58Check, as in Bitcoin's first client), or 0."""
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    address = number.to_bytes(33, "big")[-25:]
    twice = hashlib.sha256(hashlib.sha256(address[:-4]).digest()).digest()
    return len(text) if twice[:4] == address[-4:] else 0


IDENTITY_RULES: tuple[Rule, ...] = (
    Rule(
        "ID_NUMBER",  # any number that is called one
        re.compile(
            rf"\b(?:{'|'.join(_CALLED)})(?: (?:no|number|nr|id|card))?[.:#]?(?: (?:is|was))?[:#]? ?#?"
            r"(?P<value>[A-Z0-9]{1,18}+(?:[ .-][A-Z0-9]{1,18}+){0,5})(?![A-Z0-9])",
            re.I,
        ),
        _CALLED,
        _number_length,
        also=("0",),
    ),
    Rule(  # a taxpayer's of the United States, which is formed as a social security number is
        "ID_NUMBER",
        re.compile(r"(?<![\w-])(?P<value>9[0-9]{2}([ -])(?:[57][0-9]|8[0-8]|9[0-24-9])\2[0-9]{4})(?![\w-])"),
        ("000-00-0000", "000 00 0000"),
    ),
    Rule(  # of the British national insurance
        "ID_NUMBER",
        re.compile(
            r"(?<![A-Z0-9])(?P<value>(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
            r" ?[0-9]{2}( ?)[0-9]{2}\2[0-9]{2} ?[A-D])(?![A-Z0-9])"
        ),
        ("00 00 00", "000000"),
    ),
    Rule(  # of an Italian taxpayer
        "ID_NUMBER",
        re.compile(
            r"(?<![A-Z0-9])(?P<value>[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z])(?![A-Z0-9])", re.I | re.A
        ),
        ("00",),
        run=16,
    ),
)
# What is digits and letters by chance can be a card's number in between, so these go before the other numbers.
CRYPTO_RULES: tuple[Rule, ...] = (
    Rule(
        "CRYPTO",
        re.compile(rf"(?<![0-9A-Za-z])(?P<value>[13][{_BASE58}]{{25,34}})(?![0-9A-Za-z])"),
        ("0",),
        bitcoin_length,
        run=26,
    ),
    Rule(
        "CRYPTO",
        re.compile(r"(?<![0-9A-Za-z])(?P<value>0x[0-9A-Fa-f]{40}|bc1[02-9ac-hj-np-z]{11,71})(?![0-9A-Za-z])"),
        ("0x", "bc0"),
        run=14,
    ),
)
