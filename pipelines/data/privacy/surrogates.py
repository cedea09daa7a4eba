"""Believable stand-ins for personal data: the same value always gets the same one, and no two values share one.

A stand-in is drawn by the value's HMAC-SHA-256 (RFC 2104) under the company's key; where it is taken, the draw is
repeated with a counter. Names are replaced word by word, so that Anna Okafor, OKAFOR and Anna stay the same person.

A value that has not the form of its kind, such as the `n/a` of a column of cards, has no stand-in: it stays masked. So
does one whose draws were all taken.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from faker import Faker
from faker.providers.person.en_US import Provider as English

from pipelines.data.privacy.checks import luhn_holds
from pipelines.data.privacy.gazetteer import gazetteer
from pipelines.data.privacy.normalise import fold, normalise
from pipelines.data.privacy.people import NAME

_WORD = re.compile(r"[^\W\d_]+")
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam"])
_PARTICLES = frozenset(["van", "von", "de", "der", "den", "di", "da", "la", "le"])
_DRAWS_FROM_ONE_NAME = 8
# Of 100,000 stand-ins, the fewest that a form has, one is still found when nine of ten are taken.
_MOST_DRAWS = 200
_Draw = Callable[["Draws", str], str]


class Draws:
    """Endless numbers that a key, a text and a counter determine."""

    def __init__(self, key: bytes, text: str) -> None:
        self._key = key
        self._text = text.encode()
        self._draws = 0

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        self._draws += 1
        message = self._draws.to_bytes(4, "big") + self._text
        return int.from_bytes(hmac.digest(self._key, message, "sha256")[:8], "big") % limit

    def choice(self, options: tuple[str, ...]) -> str:
        """One of the options."""
        return options[self.below(len(options))]


class Surrogates:
    """Gives values their stand-ins and remembers them.

    `given` maps kind and folded value to the stand-ins of earlier builds; `real` holds folded words of names that must
    not serve as stand-ins, since persons of the data bear them.
    """

    def __init__(self, key: bytes, given: dict[str, dict[str, str]] | None = None, real: Iterable[str] = ()) -> None:
        self._key = key
        self.given = given or {}
        self._taken = {kind: {_identity(kind, one) for one in known.values()} for kind, known in self.given.items()}
        self._real = frozenset(real)

    def surrogate(self, kind: str, value: str) -> str | None:
        """The stand-in for a value of a kind.

        None for kinds that have none (dates, ages, unknown kinds), for a value that has not the form of its kind, and
        where none is free.
        """
        plain = normalise(value).text.strip()
        if kind not in _FORMS or not _FORMS[kind].fullmatch(plain):
            return None
        if kind == NAME:
            return _WORD.sub(lambda word: self._name_word(word[0]), plain)
        identity, draw = _identity(kind, plain), _DRAWS[kind]
        numbers = self._numbers(kind, identity)
        return self._first_free(kind, identity, (draw(numbers, plain) for _ in range(_MOST_DRAWS)))

    def _name_word(self, word: str) -> str:
        folded = fold(word)
        if folded in _TITLES or word in _PARTICLES or (len(word) == 1 and word.islower()):
            return word
        drawn = _names(self._numbers(NAME, folded), folded, _initial if len(word) == 1 else _name)
        stand_in = self._first_free(NAME, folded, drawn)
        assert stand_in is not None, "longer names never run out"
        return (
            stand_in.upper() if word.isupper() and len(word) > 1 else stand_in.lower() if word.islower() else stand_in
        )

    def _numbers(self, kind: str, identity: str) -> Draws:
        return Draws(self._key, f"{kind}\0{identity}")

    def _first_free(self, kind: str, identity: str, drawn: Iterable[str]) -> str | None:
        """The stand-in of `identity`, else the first of those drawn that is free; None where none is."""
        known = self.given.setdefault(kind, {})
        if identity not in known:
            free = next((one for one in drawn if self._may_stand(kind, _identity(kind, one), identity)), None)
            if free is None:
                return None
            known[identity] = free
            self._taken.setdefault(kind, set()).add(_identity(kind, free))
        return known[identity]

    def _may_stand(self, kind: str, candidate: str, identity: str) -> bool:
        taken = candidate == identity or candidate in self._taken.get(kind, ())
        return not taken and not (kind == NAME and candidate in self._real)


def _identity(kind: str, value: str) -> str:
    """What makes two spellings the same: capitals and spaces never count, signs not in numbers."""
    folded = " ".join(fold(normalise(value).text).split())
    return folded if kind in (NAME, "EMAIL", "URL", "ADDRESS", "IP") else "".join(filter(str.isalnum, folded))


@cache
def _pools() -> tuple[tuple[str, ...], tuple[str, ...]]:
    given, family = (
        tuple(sorted(name for name in pool if name.isascii() and name.isalpha() and len(name) > 2))
        for pool in (English.first_names, English.last_names)
    )
    return given, family


def _name(numbers: Draws, word: str) -> str:
    given, family = _pools()
    return numbers.choice(given if word in gazetteer().given else family)


def _names(numbers: Draws, word: str, draw: _Draw) -> Iterator[str]:
    """Single names or initials, and when those are taken, longer and longer hyphenated ones: one is always free."""
    parts = 1
    while True:
        for _ in range(_DRAWS_FROM_ONE_NAME):
            yield "-".join(draw(numbers, word) for _ in range(parts))
        parts += 1


def _initial(numbers: Draws, _: str) -> str:
    return chr(ord("A") + numbers.below(26))


def _email(numbers: Draws, _: str) -> str:
    given, family = _pools()
    name = f"{numbers.choice(given)}.{numbers.choice(family)}{numbers.below(1000)}".lower()
    return f"{name}@example.{numbers.choice(('com', 'net', 'org'))}"  # RFC 2606: nobody's


def _alike(numbers: Draws, value: str) -> str:
    """Other digits and letters in the same places; the first three characters of a number may name a country."""
    return "".join(_other(numbers, character) for character in value)


def _other(numbers: Draws, character: str) -> str:
    if character.isdigit():
        return str(numbers.below(10))
    if character.isalpha():
        letter = chr(ord("a") + numbers.below(26))
        return letter.upper() if character.isupper() else letter
    return character


def _card(numbers: Draws, value: str) -> str:
    """As many digits and a right check digit, from a range that no bank has (ISO/IEC 7812: 9 is national)."""
    text = list(_alike(numbers, value))
    places = [place for place, character in enumerate(text) if character.isdigit()]
    text[places[0]] = "9"
    for digit in "0123456789":
        text[places[-1]] = digit
        if luhn_holds("".join(text)):
            break
    return "".join(text)


def _iban(numbers: Draws, value: str) -> str:
    """The same country, other digits, right check digits (ISO 13616)."""
    plain = "".join(filter(str.isalnum, value)).upper()
    account = _alike(numbers, plain[4:])
    number = "".join(str(int(character, 36)) for character in account + plain[:2] + "00")
    return f"{plain[:2]}{98 - int(number) % 97:02}{account}"


def _ssn(numbers: Draws, value: str) -> str:
    return "9" + _alike(numbers, value)[1:]  # never given out


def _ip(numbers: Draws, value: str) -> str:
    if ":" in value:  # RFC 3849: for documentation
        return "2001:db8:" + ":".join(f"{numbers.below(1 << 16):x}" for _ in range(6))
    return "10." + ".".join(str(numbers.below(256)) for _ in range(3))  # RFC 1918: private


def _url(numbers: Draws, _: str) -> str:
    return f"https://{numbers.choice(_pools()[1]).lower()}{numbers.below(1 << 20)}.example"


def _address(numbers: Draws, _: str) -> str:
    faker = _faker()
    faker.seed_instance(numbers.below(1 << 62))
    return faker.address().replace("\n", ", ")


@cache
def _faker() -> Faker:
    return Faker("en_US")


_DRAWS: dict[str, _Draw] = {
    "EMAIL": _email,
    "PHONE": _alike,
    "CARD": _card,
    "IBAN": _iban,
    "SSN": _ssn,
    "DRIVER_LICENSE": _alike,
    "IP": _ip,
    "URL": _url,
    "ADDRESS": _address,
}

# What a value must be for its stand-in to be one of the kind, and to keep nothing of the value.
_NUMBER = re.compile(r"(?=.*[0-9])(?:[ -/:-@\[-`{-~]*[0-9A-Za-z]){5}[ -~]*")
_FORMS = {
    NAME: re.compile(r"(?!.*[0-9]).*?[^\W\d_].*", re.S),
    "EMAIL": re.compile(r".*(?:@|\bat\b).*", re.I | re.S),
    "PHONE": _NUMBER,
    "CARD": re.compile(r"(?:[0-9][ .-]{0,2}){12,19}"),
    "IBAN": re.compile(r"[A-Z]{2}[ -]?[0-9]{2}(?:[ .-]?[A-Z0-9]){11,30}", re.I | re.A),
    "SSN": re.compile(r"(?:[0-9][ .-]?){9}"),
    "DRIVER_LICENSE": _NUMBER,
    "IP": re.compile(r"(?=.*[0-9])(?=.*[.:])[0-9a-f.:]+", re.I),
    "URL": re.compile(r".*(?:://|\w\.\w).*", re.S),
    "ADDRESS": re.compile(r".*\w.*", re.S),
}
