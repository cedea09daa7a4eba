"""Makes the tickets: who writes when about what, in which thread, with which personal data in the text."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from support_tickets.people import (
    AGENT_REPLIES,
    CONTACT,
    GREETINGS,
    SIGNATURES,
    TEST_CARDS,
    Customer,
    make_api_key,
    make_customers,
)
from support_tickets.priorities import SPREAD
from support_tickets.products import PRODUCTS
from support_tickets.writing import expand, misspell, weighted, write_story, write_subject

INTENTS = {
    "setup": 11,
    "fault": 20,
    "delivery": 14,
    "refund": 14,
    "billing": 12,
    "account": 11,
    "cancel": 10,
    "question": 12,
}
_CHANNELS = {"email": 5, "web_form": 3, "app": 2, "chat": 2}
_START = datetime(2025, 10, 1, tzinfo=UTC)
_DAYS = 365
_MISSPELT_SHARE = 0.16
_QUOTED_SHARE = 0.35
_CONTACT_SHARE = {"PHONE": 0.06, "EMAIL": 0.04, "CARD": 0.02, "ORDER": 0.12, "API_KEY": 0.006, "PASSWORD": 0.002}
_DOCUMENTED_AWS_EXAMPLE_KEY = "AKIAIOSFODNN7EXAMPLE"


@dataclass(frozen=True)
class Planted:
    """A piece of text that the privacy steps should find (or, for an order number, should leave)."""

    kind: str
    value: str


@dataclass(frozen=True)
class Ticket:
    """One ticket; `sentences` is what the customer says in the body without greeting, signature and quotes."""

    thread_id: str
    customer: Customer
    channel: str
    created_at: datetime
    subject: str
    body: str
    product: str
    intent: str
    priority: str
    satisfaction: str
    sentences: tuple[str, ...] = ()
    planted: tuple[Planted, ...] = ()


@dataclass
class _Body:
    """A body in the making and what was planted in it."""

    customer: Customer
    text: str = ""
    planted: list[Planted] = field(default_factory=list)

    def add(self, rng: Random, fragment: str, separator: str, order: str = "", key: str = "") -> None:
        """Append a fragment of people.py, filled in with the customer's data."""
        values = {
            "name": ("NAME", self.customer.name),
            "first": ("NAME", self.customer.first),
            "phone": ("PHONE", self.customer.phone),
            "email": ("EMAIL", self.customer.email),
            "card": ("CARD", rng.choice(TEST_CARDS)),
            "order": ("ORDER_NUMBER", order),
            "key": ("API_KEY" if key.startswith(("tsk_", "AKIA")) else "PASSWORD", key),
        }
        text = expand(rng, fragment)
        self.planted += [Planted(kind, value) for slot, (kind, value) in values.items() if f"{{{slot}}}" in text]
        text = text.format(**{slot: value for slot, (_, value) in values.items()})
        self.text += (separator if self.text else "") + text


def make_tickets(rng: Random, count: int) -> list[Ticket]:
    """`count` tickets by about a quarter as many customers, some of whom write often; sorted by time."""
    customers = make_customers(rng, count // 4)
    # A few write a lot, most once or twice: about Zipf's law, cut off so that no split is ruled by one customer.
    eagerness = [1 / (rank + 40) for rank in range(len(customers))]
    tickets: list[Ticket] = []
    while len(tickets) < count:
        customer = rng.choices(customers, eagerness)[0]
        tickets += _make_thread(rng, customer, f"TH-{20_001 + len(tickets)}", customers)
    return sorted(tickets[:count], key=lambda ticket: ticket.created_at)


def _make_thread(rng: Random, customer: Customer, thread_id: str, customers: list[Customer]) -> list[Ticket]:
    moment = _START + timedelta(seconds=rng.randrange(_DAYS * 86_400 - 20 * 86_400))
    product = rng.choice(list(PRODUCTS))
    thread: list[Ticket] = []
    for _ in range(rng.choices((1, 2, 3), (80, 15, 5))[0]):
        previous = thread[-1] if thread else None
        # Now and then somebody else of the household goes on with the thread.
        writer = rng.choice(customers) if previous and rng.random() < 0.05 else customer
        thread.append(_make_ticket(rng, writer, thread_id, moment, product, previous))
        moment += timedelta(seconds=rng.randrange(3_600, 6 * 86_400))
    return thread


def _make_ticket(
    rng: Random, customer: Customer, thread_id: str, moment: datetime, product: str, previous: Ticket | None
) -> Ticket:
    intent = weighted(rng, INTENTS)
    priority = weighted(rng, SPREAD[intent])
    channel = weighted(rng, _CHANNELS)
    sentences = write_story(rng, product, intent, priority)
    subject = write_subject(rng, product, intent, priority)
    if previous:
        subject = previous.subject if previous.subject.startswith("Re: ") else f"Re: {previous.subject}"
    body = _write_body(rng, customer, channel, sentences, previous)
    return Ticket(
        thread_id=thread_id,
        customer=customer,
        channel=channel,
        created_at=moment,
        subject=subject,
        body=body.text,
        product=product,
        intent=intent,
        priority=priority,
        satisfaction=rng.choice(("", "", "", "1", "2", "3", "4", "5")),
        sentences=tuple(sentences),
        planted=tuple(body.planted),
    )


def _write_body(rng: Random, customer: Customer, channel: str, sentences: list[str], previous: Ticket | None) -> _Body:
    if rng.random() < _MISSPELT_SHARE:
        sentences = [misspell(rng, sentence) if rng.random() < 0.5 else sentence for sentence in sentences]
    if channel == "chat":
        sentences = [sentence.lower() for sentence in sentences]
    body = _Body(customer)
    if channel == "email" and rng.random() < 0.5:
        body.text = rng.choice(GREETINGS)
    body.text += ("\n" if body.text else "") + " ".join(sentences)
    for kind, share in _CONTACT_SHARE.items():
        if rng.random() < share:
            _add_contact(rng, body, kind)
    if channel == "email" and rng.random() < 0.4:
        body.add(rng, rng.choice(SIGNATURES), "\n")
    if channel == "email" and (previous or rng.random() < 0.05) and rng.random() < _QUOTED_SHARE * 2:
        _quote(rng, body, previous)
    return body


def _add_contact(rng: Random, body: _Body, kind: str) -> None:
    key = ""
    if kind == "API_KEY":
        key = make_api_key(rng)
    elif kind == "PASSWORD":
        key = f"Marmot{rng.randrange(1000, 9999)}!"
    body.add(rng, rng.choice(CONTACT[kind]), " ", order=f"OR-{rng.randrange(10_000_000, 99_999_999)}", key=key)


def _quote(rng: Random, body: _Body, previous: Ticket | None) -> None:
    """What stood in the thread before: often the words of another intent or priority."""
    if previous and rng.random() < 0.5:
        words = " ".join(previous.sentences[:2])
        body.add(rng, "[On Monday|Earlier|Before that] I wrote:", "\n\n")
        body.text += f"\n> {words}"
        return
    body.add(rng, "[Your answer|Ostrelle Support wrote|Original message]:", "\n\n")
    body.add(rng, f"Dear {{name}}, {rng.choice(AGENT_REPLIES)}", "\n> ")


def with_documented_aws_key(ticket: Ticket) -> Ticket:
    """The ticket with the key that stands in Amazon's own documentation, which scanners know as an example."""
    key = Planted("API_KEY", _DOCUMENTED_AWS_EXAMPLE_KEY)
    return replace(ticket, body=f"{ticket.body} aws key: {key.value}", planted=(*ticket.planted, key))
