"""Writes the text of one ticket from the fragments of products.py, intents.py and priorities.py."""

import re
from random import Random

from support_tickets.asides import (
    LOUD,
    LOUD_SHARE,
    NOUNS,
    OTHER_INTENTS,
    OTHER_PRIORITIES,
    OTHER_PRODUCTS,
    REPORTED_ASKS,
    REPORTED_CONSEQUENCES,
    REPORTED_TROUBLES,
    SOFT,
)
from support_tickets.intents import ASKS, CAUSES, OPEN_ASKS, PLAIN_CAUSE, SITUATIONS, SUBJECTS, VAGUE_SUBJECTS
from support_tickets.priorities import CONSEQUENCES, TOLD
from support_tickets.products import ABOUT, PRODUCTS

_INNERMOST_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_OPEN_ASK_SHARE = 0.4
_REPORTED_SHARE = 0.5
_EXTRAS = {"product": 0.55, "intent": 0.42, "priority": 0.4, "tone": 0.2}
_EXTRAS_AT_MOST = 2


def weighted(rng: Random, weights: dict[str, int] | dict[str, float]) -> str:
    """A key, drawn in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def expand(rng: Random, fragment: str) -> str:
    """The fragment with each `[a|b|c]` replaced by one of its alternatives."""
    while choice := _INNERMOST_CHOICE.search(fragment):
        alternative = rng.choice(choice[1].split("|"))
        fragment = fragment[: choice.start()] + alternative + fragment[choice.end() :]
    return fragment


def write_story(rng: Random, product: str, intent: str, priority: str) -> list[str]:
    """The sentences from which a reader can tell product, intent and priority, and some that only seem to."""
    cause = weighted(rng, CAUSES[intent])
    situation = _situation(rng, product, cause)
    ask = _ask(rng, product, intent, cause)
    parts = [situation, ask] if rng.random() < 0.75 else [ask, situation]
    if intent == "question" and rng.random() < 0.5:
        parts = [ask]
    if _tells_consequences(rng, intent, priority):
        parts.insert(rng.randint(0, len(parts)), _consequence(rng, product, priority))
    for extra in _extras(rng, product, intent, priority):
        parts.insert(rng.randint(0, len(parts)), extra)
    own = PRODUCTS[product].setup + PRODUCTS[product].faults
    if not any("{p}" in part or "{it}" in part or part in own for part in parts):
        parts.insert(rng.randint(0, 1), rng.choice(ABOUT))
    return _in_words(rng, parts, product)


def write_subject(rng: Random, product: str, intent: str, priority: str) -> str:
    """A subject: of the intent, of no intent, or of another one; sometimes with a shout."""
    kind = rng.random()
    if kind < 0.45:
        subject = rng.choice(SUBJECTS[intent])
    elif kind < 0.82:
        subject = rng.choice(VAGUE_SUBJECTS)
    else:
        subject = rng.choice(SUBJECTS[rng.choice(list(SUBJECTS))])
    subject = _upper_first(subject.format(p=rng.choice(PRODUCTS[product].names)))
    if rng.random() < LOUD_SHARE[priority] / 2:
        subject = rng.choice(("URGENT: ", "Important! ", "asap - ", "!!! ")) + subject
    return subject


def misspell(rng: Random, sentence: str) -> str:
    """The sentence with one or two slips of the fingers in words of five letters or more."""
    words = sentence.split(" ")
    long_words = [index for index, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    for index in rng.sample(long_words, min(len(long_words), rng.randint(1, 2))):
        words[index] = _slip(rng, words[index])
    return " ".join(words)


def _situation(rng: Random, product: str, cause: str) -> str:
    if cause == "setup":
        return rng.choice(PRODUCTS[product].setup)
    if cause == "fault":
        return rng.choice(PRODUCTS[product].faults)
    return rng.choice(SITUATIONS[cause])


def _ask(rng: Random, product: str, intent: str, cause: str) -> str:
    if PLAIN_CAUSE.get(intent) == cause and rng.random() < _OPEN_ASK_SHARE:
        return rng.choice(OPEN_ASKS)
    if intent == "question" and rng.random() < 0.75:
        return rng.choice(PRODUCTS[product].questions)
    return rng.choice(ASKS[intent])


def _tells_consequences(rng: Random, intent: str, priority: str) -> bool:
    untold = "low" if intent == "question" else "normal"
    return priority != untold or rng.random() < TOLD[priority]


def _consequence(rng: Random, product: str, priority: str) -> str:
    fragments = {"urgent": PRODUCTS[product].urgent, "high": PRODUCTS[product].high}.get(priority, ())
    if fragments and rng.random() < 0.55:
        return rng.choice(fragments)
    return rng.choice(CONSEQUENCES[priority])


def _extras(rng: Random, product: str, intent: str, priority: str) -> list[str]:
    kinds = [kind for kind, share in _EXTRAS.items() if rng.random() < share]
    rng.shuffle(kinds)
    return [_extra(rng, kind, product, intent, priority) for kind in kinds[:_EXTRAS_AT_MOST]]


def _extra(rng: Random, kind: str, product: str, intent: str, priority: str) -> str:
    if kind == "product":
        return _other_product(rng, product)
    if kind == "intent":
        return _other_intent(rng, intent)
    if kind == "priority":
        return _other_priority(rng, priority)
    return rng.choice(LOUD if rng.random() < LOUD_SHARE[priority] * 2 else SOFT)


def _other_product(rng: Random, product: str) -> str:
    other = PRODUCTS[rng.choice([label for label in PRODUCTS if label != product])]
    name = rng.choice(other.names)
    if rng.random() < _REPORTED_SHARE / 2:
        return _reporting(rng, REPORTED_TROUBLES, rng.choice(other.faults).replace("{p}", name))
    return rng.choice(OTHER_PRODUCTS).replace("{o}", name)


def _other_intent(rng: Random, intent: str) -> str:
    other = rng.choice([label for label in NOUNS if label != intent])
    if rng.random() < _REPORTED_SHARE:
        return _reporting(rng, REPORTED_ASKS, rng.choice(ASKS[other]).replace("{it}", "it"))
    return rng.choice(OTHER_INTENTS).replace("{n}", rng.choice(NOUNS[other]))


def _other_priority(rng: Random, priority: str) -> str:
    if rng.random() < _REPORTED_SHARE:
        other = rng.choice([label for label in CONSEQUENCES if label != priority])
        return _reporting(rng, REPORTED_CONSEQUENCES, rng.choice(CONSEQUENCES[other]))
    return rng.choice(OTHER_PRIORITIES[priority])


def _reporting(rng: Random, frames: tuple[str, ...], said: str) -> str:
    said = expand(rng, said).rstrip(".?")
    return rng.choice(frames).replace("{q}", said[:1].lower() + said[1:])


def _in_words(rng: Random, parts: list[str], product: str) -> list[str]:
    names = PRODUCTS[product].names
    name = rng.choice(names)
    owner = rng.choice(("the", "the", "my", "our", "this"))
    named = False
    sentences = []
    for part in parts:
        text = expand(rng, part).replace("{it}", "it" if named else "the {p}")
        if "{p}" in text:
            text = text.replace("the {p}", f"{owner} {{p}}").replace("The {p}", f"{owner} {{p}}")
            text = text.replace("{p}", name)
            named, owner, name = True, "the", rng.choice((name, name, rng.choice(names)))
        sentences.append(_upper_first(" ".join(text.split())))
    return sentences


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _slip(rng: Random, word: str) -> str:
    at = rng.randrange(1, len(word) - 2)
    kind = rng.choice(("swapped", "missing", "doubled"))
    if kind == "swapped":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "missing":
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]
