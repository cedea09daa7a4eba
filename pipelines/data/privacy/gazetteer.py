"""Words that names and addresses are made of, from the locale data of Faker (MIT), read once for a process."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import faker.providers.address
import faker.providers.person

_WORD = re.compile(r"[^\W\d_]+")
ORDINARY = Path(__file__).parent / "ordinary_words.txt"


@dataclass(frozen=True)
class Gazetteer:
    """Small-letter words: of given and family names, of places, of streets, and the ordinary words of English prose."""

    given: frozenset[str]
    family: frozenset[str]
    places: frozenset[str]
    streets: frozenset[str]
    ordinary: frozenset[str]

    def is_ordinary(self, word: str) -> bool:
        """Whether a small-letter word is one of prose, or the plural of one and nobody's name, as Adams is."""
        if word in self.ordinary:
            return True
        return word.endswith("s") and word[:-1] in self.ordinary and word not in self.given and word not in self.family


@cache
def ordinary_words() -> frozenset[str]:
    """The ordinary words of English prose that benchmarks/privacy/train_names.py wrote."""
    return frozenset(ORDINARY.read_text(encoding="utf-8").split())


@cache
def gazetteer() -> Gazetteer:
    """The words of all of Faker's locales, and the ordinary words."""
    people = list(_providers(faker.providers.person))
    addresses = list(_providers(faker.providers.address))
    return Gazetteer(
        given=_words(people, ("first_name",)) - {"the", "an"},
        family=_words(people, ("last_name",)) - {"the", "an"},
        places=_words(addresses, ("countries", "cities", "city_names", "city", "counties", "states", "provinces")),
        streets=_words(addresses, ("street_suffixes", "street_prefixes", "street_suffix", "street_name", "streets")),
        ordinary=ordinary_words(),
    )


def _providers(package: ModuleType) -> Iterator[Any]:
    for module in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{module.name}").Provider


def _words(providers: Iterable[Any], prefixes: tuple[str, ...]) -> frozenset[str]:
    """The words of every list of strings whose attribute's name begins so."""
    words: set[str] = set()
    for provider in providers:
        for attribute in dir(provider):
            if attribute.startswith(prefixes):
                for text in _strings(getattr(provider, attribute)):
                    words.update(word.lower() for word in _WORD.findall(text) if len(word) > 1)
    return frozenset(words)


def _strings(value: Any) -> Iterator[str]:
    """The strings of a list, of (name, ...) rows, or of a mapping's keys; formats such as {{first_name}} are none."""
    if isinstance(value, dict | list | tuple):
        for one in value:
            text = one[0] if isinstance(one, list | tuple) and one else one
            if isinstance(text, str) and "{{" not in text:
                yield text
