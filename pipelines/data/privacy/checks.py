"""What tells a true number or key from one that only looks like it: check digits and entropy."""

import ipaddress
import math
from collections import Counter


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


def is_ipv6(text: str) -> bool:
    """Whether `text` is an IPv6 address with at least one digit (RFC 4291); `::` alone is rather code."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return any(character.isdigit() for character in text)


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
