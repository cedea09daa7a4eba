"""Sentences with marked names and addresses for training: pii_presidio's, filled anew, and those of support mail."""

import random
import re
from collections.abc import Iterator, Sequence

from faker import Faker

from benchmarks.privacy.labelled import Labelled, Mark

LOCALES = ("en_US", "en_GB", "en_IN", "en_AU", "de_DE", "fr_FR", "es_ES", "es_MX", "it_IT", "nl_NL", "pl_PL", "pt_BR",
           "pt_PT", "sv_SE", "da_DK", "no_NO", "fi_FI", "cs_CZ", "hu_HU", "ro_RO", "hr_HR", "sl_SI", "tr_TR", "en_NZ",
           "et_EE", "lt_LT", "lv_LV", "sk_SK")  # fmt: skip
_TITLES = ("Mr.", "Mrs.", "Ms.", "Dr.", "Mr", "Mrs", "Prof.", "Miss", "Sir")
_SUPPORT = (
    "Hi {N},\n\nthanks for the quick answer. It still does not work.\n\nBest regards\n{N}",
    "Hello,\nmy {P} stopped working last week. Can you help?\nThanks, {N}",
    "Dear {T} {N},\nyour order has been shipped.",
    "My name is {N} and I ordered the {P} two weeks ago.",
    "this is {N} from {O}, we spoke on the phone yesterday",
    "I talked to {N} in your {C} office, and {N} told me to write again.",
    "Please send it to {A}, attention {N}.",
    "We moved. The new address is {A}. Please update it for {N}'s account.",
    "I live at {A} and nobody came.",
    "The parcel went to {A} instead of {A}.",
    "Your technician {N} came on Monday but left without a word.",
    "On Tue, May 5, {N} wrote:\n> Hello {N},\n> please restart the {P}.",
    "From: {N}\nTo: Support\nSubject: {P} broken",
    "{N} here again. Same problem with the {P} as before.",
    "Cheers,\n{N}\n{O}",
    "Kind regards,\n{N}\n{A}",
    "Please call my wife {N}, she is at home.",
    "the account belongs to {N}, i only use it",
    "Can you add {N} and {N} to the account?",
    "Ship to: {N}, {A}",
    "Customer: {N}\nAddress: {A}\nProduct: {P}",
    "Forwarded by {N} ({O}): the {P} in {C} is offline.",
    "I bought it as a gift for {N} but the {P} never turned on.",
    "Regards {N}",
    "thx {N}",
    "Sincerely, {T} {N}",
    "{N}, could you have a look at this?",
    "As {N} said, the {P} needs a new battery. Ask {N} about it.",
    "My neighbour {T} {N} took the parcel.",
    "It is registered under {N}, {A}.",
    "{O} charged me twice. I want my money back!",
    "The {P} lost Wi-Fi in {C} after the update on Friday. Support said to wait.",
    "Hello Support Team, the {P} shows Error 42. What now? Thanks in advance!",
    "Can I use the {P} in {C}? Does {O} ship there?",
    "Order 10023 from {O} arrived with a broken Screen. Return Label please.",
    "Dear Sir or Madam, I want to cancel my Subscription as of March 2024.",
    "Dear Customer Service, Invoice 2024-118 is wrong. Please send a new PDF.",
    "Since the Firmware Update 3.1 the {P} does not connect to Alexa or Google Home.",
    "I was charged 49.99 on Monday and 12 on Tuesday. Please refund one Payment.",
    "Room 12 has 3 windows and 2 doors; the {P} covers 40 square metres.",
    "How do I upgrade to the Gold plan? My Platinum account and the Pro version show no such Button.",
    '1. Go to Settings.\n2. Select the Edit option next to Billing.\n3. Click "Contact Us" or Save.\n4. Scroll down.',
    "Click on Account, then Profile. Under Security choose Reset Password. If it persists, contact us (e.g. by chat).",
    "See Doc. 13, p. 4 and Section 1666(a), 15 U.S.C. 1681; 595 F.3d 26, 38 (1st Cir. 2012). Plaintiff says so.",
    "The Premium and the Standard Subscription differ: Basic has 3 seats, Freemium none. Invoice #85632, order 4411.",
    "In Georgia, Arizona and New York the Bank of Washington closed; Chase, Wells Fargo and Macy's did not.",
    "Tried 3 times, waited 20 minutes, 5 people in the queue.",
    "Good Morning, Happy New Year! Where is my Parcel? Tracking says Out for Delivery.",
    "{P} offline\nHi,\nmy {P} has been offline since the update in June. The {P} app says no connection.",
    "The {P} keeps beeping and the {P} in the hall does too. It was fine in April and May.",
    "My {P} will not pair with my phone. I reset the {P} twice and reinstalled the {P} app in January.",
    "How do I connect the {P} to my {P}? I followed the steps in the {P} manual.",
    "Is the {P} compatible with a {P}? Does your {P} work without a hub?",
    "Order: 2 x {P}, 1 x {P}. Only one {P} was in the box. It was 120 euros, not 85 dollars, and 3 weeks late.",
    "Agent {N} hung up on me, supervisor {N} never called back and manager {N} was rude.",
    "I spoke with Ms. {N} first, then with her colleague {N}. Neither {N} nor {N} could help.",
    "Hi {N}, I am writing to you because the {P} from {O} broke. Yours, {N}",
    "Since July our {P} will not start and {O} does not answer. We bought the {P} in August.",
    "We drove from {C} to {C} and stayed a week in {C}. The hotel in {C} was full.",
    "{O} has shops in {C} and in {C}, but none near {C}. Is {O} coming to {C}?",
    "The parcel left {C} on Monday, reached {C} on Friday and went back to {C}, says {O}.",
)
_PRODUCTS = ("Camera", "Smart Lock", "thermostat", "Hub Pro", "Light Strip 2", "doorbell", "iPhone 12", "Credit Card")
_THINGS = ("app", "camera", "lock", "hub", "router", "thermostat", "lamp", "sensor", "subscription", "account",
           "charger")  # fmt: skip
_BEGINNINGS = ("Al", "Bre", "Cor", "Den", "El", "Fi", "Glo", "Har", "In", "Ju", "Kel", "Lu", "Mo", "Nex", "Or", "Plu",
               "Qui", "Ro", "Sta", "Tri", "Ul", "Ve", "Wa", "Xe", "Ze")  # fmt: skip
_ENDINGS = ("bly", "cast", "dra", "ero", "fy", "gate", "hub", "io", "ix", "kit", "lia", "loom", "mo", "nest", "nio",
            "ora", "pad", "rix", "sense", "ta", "tron", "va", "well", "xa", "zo")  # fmt: skip
_PRONOUN = re.compile(
    r"\b(?:he|she|him|they|them|his|their|somebody|someone|(?:a|the) (?:man|woman|lady|girl|boy))\b", re.I
)
_KINDS = {"N": "NAME", "A": "ADDRESS", "C": "LOCATION", "O": "ORGANIZATION", "P": "", "T": ""}


class Filler:
    """Draws names, addresses and places from Faker's locales and from the values of given sentences."""

    def __init__(self, seed: int, sentences: Sequence[Labelled]) -> None:
        self.random = random.Random(seed)
        self._fakers = [Faker(locale) for locale in LOCALES]
        # Faker's Italian cities are a set, in another order in every process.
        self._of_cities = [faker for faker, locale in zip(self._fakers, LOCALES, strict=True) if locale != "it_IT"]
        for number, faker in enumerate(self._fakers):
            faker.seed_instance(seed + number)
        self._seen: dict[str, list[str]] = {}
        for row in sentences:
            for mark in row.marks:
                self._seen.setdefault(mark.kind, []).append(row.text[mark.start : mark.end])

    def value(self, kind: str) -> str:
        """A value of a kind (NAME, ADDRESS, LOCATION, ORGANIZATION)."""
        faker = self.random.choice(self._fakers)
        draw = self.random.random()
        if kind == "NAME":
            return self._name(faker, draw)
        if kind in self._seen and (draw < 0.5 or kind == "ORGANIZATION"):
            return self.random.choice(self._seen[kind])
        if kind == "ADDRESS":
            return faker.address() if draw < 0.65 else faker.street_address() if draw < 0.85 else self._in_line(faker)
        if draw < 0.8 or kind != "LOCATION":
            return self.random.choice(self._of_cities).city()
        return faker.country()

    def _name(self, faker: Faker, draw: float) -> str:
        if draw < 0.25:
            return self.random.choice(self._seen["NAME"])
        if draw < 0.5:
            return faker.first_name()
        if draw < 0.6:
            return faker.last_name()
        if draw < 0.65:
            return f"{faker.random_uppercase_letter()}. {faker.last_name()}"
        return f"{faker.first_name()} {faker.last_name()}"

    def _in_line(self, faker: Faker) -> str:
        return faker.address().replace("\n", ", ")


def refilled(row: Labelled, filler: Filler) -> Labelled:
    """The sentence with every name, address, place and organisation drawn anew."""
    parts: list[str] = []
    marks: list[Mark] = []
    place = length = 0
    for mark in sorted(row.marks):
        if mark.start < place:
            continue
        value = row.text[mark.start : mark.end]
        if mark.kind in ("NAME", "ADDRESS", "LOCATION") and len(value) > 4:
            value = filler.value(mark.kind)
        between = row.text[place : mark.start]
        length += len(between)
        marks.append(Mark(length, length + len(value), mark.kind))
        length += len(value)
        parts += [between, value]
        place = mark.end
    return Labelled("".join([*parts, row.text[place:]]), tuple(marks), row.template)


def support_sentences(count: int, filler: Filler) -> Iterator[Labelled]:
    """So many texts as customers and agents write them, with marks, and some without anything to mark."""
    for _ in range(count):
        template = " ".join(filler.random.sample(_SUPPORT, filler.random.choice((1, 1, 2))))
        parts: list[str] = []
        marks: list[Mark] = []
        length = 0
        for piece in re.split(r"(\{[A-Z]\})", template):
            kind = _KINDS.get(piece[1:-1]) if piece.startswith("{") else None
            text = piece if kind is None else filler.value(kind) if kind else _word(piece[1], filler)
            if kind:
                marks.append(Mark(length, length + len(text), kind))
            elif piece == "{P}" and text.split()[0] not in _PRODUCTS:
                marks.append(Mark(length, length + len(text.split()[0]), "ORGANIZATION"))
            parts.append(text)
            length += len(text)
        yield Labelled("".join(parts), tuple(marks))


def _word(letter: str, filler: Filler) -> str:
    return filler.random.choice(_TITLES) if letter == "T" else _product(filler.random)


def _product(chance: random.Random) -> str:
    """A product's name as companies invent them, with or without what it is, or a number behind it."""
    draw = chance.random()
    if draw < 0.2:
        return chance.choice(_PRODUCTS)
    name = chance.choice(_BEGINNINGS) + chance.choice(_ENDINGS)
    behind = "" if draw < 0.6 else f" {chance.choice(_THINGS)}" if draw < 0.8 else f" {chance.randint(1, 9)}"
    return name + behind


def with_names_for_pronouns(texts: Sequence[str], count: int, filler: Filler) -> Iterator[Labelled]:
    """Sentences in which names stand where prose says he, them, or her: the contexts that no template has."""
    sentences = [one for text in texts for one in re.split(r"(?<=[.!?])\s+", text) if _PRONOUN.search(one)]
    plain = [one for one in sentences if 20 < len(one) < 300 and not re.search(r"[a-z,] [A-HJ-Z][a-z]|XX|\\", one)]
    for sentence in filler.random.sample(plain, min(count, len(plain))):
        parts: list[str] = []
        marks: list[Mark] = []
        place = length = 0
        for match in _PRONOUN.finditer(sentence):
            if filler.random.random() < 0.3:
                continue
            between, name = sentence[place : match.start()], filler.value("NAME")
            ending = "'s" if match[0].lower() in ("his", "their") else ""
            length += len(between)
            marks.append(Mark(length, length + len(name), "NAME"))
            length += len(name) + len(ending)
            parts += [between, name, ending]
            place = match.end()
        yield Labelled("".join([*parts, sentence[place:]]), tuple(marks))


def subject_lines(texts: Sequence[str], count: int, chance: random.Random) -> Iterator[Labelled]:
    """Sentences without names below a line of a few of their words, capitalised as in a ticket's subject."""
    for text in chance.sample(texts, count):
        words = re.findall(r"\b[a-z]{4,}\b", text[:600])
        if len(words) > 4:
            place = chance.randrange(len(words) - 3)
            subject = " ".join(words[place : place + chance.choice((1, 1, 2, 3))])
            yield Labelled(f"{subject.title() if chance.random() < 0.5 else subject.capitalize()}\n{text[:200]}", ())


def mistyped(text: str, chance: random.Random) -> Labelled:
    """A text without names in which some words lack a letter, have one twice, or two in the wrong order."""
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 3 and word.isalpha() and chance.random() < 0.15:
            at = chance.randrange(len(word) - 1)
            one, two = word[at], word[at + 1]
            words[place] = word[:at] + chance.choice((two, one + one + two, two + one)) + word[at + 2 :]
    return Labelled(" ".join(words), ())


def noisy(row: Labelled, chance: random.Random) -> Labelled:
    """The sentence as people type it: small letters or capitals only, now and then without full stops; marks stay."""
    draw = chance.random()
    text = row.text.lower() if draw < 0.75 else row.text.upper()
    if len(text) != len(row.text):
        return row
    if draw < 0.3:
        text = text.replace(".", " ").replace(",", " ").replace("'", " ")
    return Labelled(text, row.marks, row.template)
