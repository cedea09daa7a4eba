"""Invented customers: names nobody bears, telephone numbers 555-01xx, mail at example.com, .org and .net.

Notation of fragments as in products.py; `{name}`, `{first}`, `{phone}`, `{email}`, `{card}`, `{order}` and `{key}` are
filled in by the customer.
"""

from dataclasses import dataclass
from random import Random

FIRST_NAMES = (
    "Zibby",
    "Orlo",
    "Tansie",
    "Fenwin",
    "Quillo",
    "Maribeth",
    "Osrin",
    "Pippaline",
    "Wendeline",
    "Jorrit",
    "Saffi",
    "Thaddo",
    "Elowin",
    "Birken",
    "Nolwen",
    "Isko",
    "Calla",
    "Dorrin",
    "Vesper",
    "Halwin",
    "Junia",
    "Merrit",
    "Odelle",
    "Perrin",
    "Runa",
    "Sorrel",
    "Tibbet",
    "Umbra",
    "Winnow",
    "Yarrow",
    "Brisa",
    "Corvin",
    "Della",
    "Embry",
    "Fable",
    "Garrin",
    "Hollin",
    "Ivo",
    "Kestrin",
    "Lumen",
)
LAST_NAMES = (
    "Samplewood",
    "Testerby",
    "Mockinger",
    "Fauxworth",
    "Placeholt",
    "Loremson",
    "Ipsumsen",
    "Exemplary",
    "Nonesuch",
    "Madeupton",
    "Fictitias",
    "Imaginer",
    "Pretendra",
    "Whimsley",
    "Doodlebee",
    "Quibblestone",
    "Bogusson",
    "Examplesworth",
    "Dummerly",
    "Inventson",
    "Phantasman",
    "Makebelief",
    "Storybrook",
    "Fableton",
    "Unrealis",
    "Draftman",
    "Mustermax",
    "Pseudonia",
    "Hypotheta",
    "Notreally",
)
MAIL_DOMAINS = ("example.com", "example.org", "example.net")
AREA_CODES = ("212", "303", "415", "512", "617", "702", "808", "907")
PHONE_FORMS = ("({area}) 555-{tail}", "+1 {area} 555 {tail}", "{area}-555-{tail}", "+1-{area}-555-{tail}")

# The payment networks' documented test numbers: valid checksums, no account behind them.
TEST_CARDS = (
    "4111 1111 1111 1111",
    "5555 5555 5555 4444",
    "4242424242424242",
    "3782 822463 10005",
    "6011-1111-1111-1117",
)

CONTACT = {
    "PHONE": (
        "[Call|Ring] me on {phone}.",
        "My number is {phone}.",
        "[Reach me at|You get me under] {phone} [after six|in the morning].",
        "tel. {phone}",
    ),
    "EMAIL": (
        "Write to {email} please.",
        "My [other|private] address is {email}.",
        "[Copy|Please also tell] {email}.",
        "It is registered with {email}.",
    ),
    "CARD": (
        "I paid with [card|Visa] {card}.",
        "The card is {card}.",
        "Card number {card} [if you need it|for the booking].",
    ),
    "ORDER": (
        "[Order|Order number] {order}.",
        "My order is {order}.",
        "See {order}.",
        "Ref. {order}",
    ),
    "API_KEY": (
        "My script uses {key}.",
        "The [developer|api] key is {key}.",
        "api_key={key}",
        "The home server connects with {key}, maybe that helps.",
    ),
    "PASSWORD": (
        "My password is {key}.",
        "Log in with my password: {key}",
    ),
}

GREETINGS = (
    "Hello,",
    "Hi,",
    "Hi there,",
    "Good morning,",
    "Good evening,",
    "Dear team,",
    "Dear support,",
    "Hello Ostrelle,",
    "hey,",
    "To whom it may concern,",
)
SIGNATURES = (
    "[Regards|Best|Thanks|Cheers|Greetings],\n{name}",
    "{name}",
    "[Kind|Best|Warm] regards\n{name}",
    "- {first}",
    "[thx|thanks] {first}",
    "{name}\n{phone}",
    "{name}\n{email}",
    "Sent from my phone",
    "Sent from my tablet",
)
AGENT_REPLIES = (
    "we have [asked the courier about|traced] your parcel.",
    "your refund [is on its way|was approved].",
    "please [hold the button for ten seconds|update the firmware] and try again.",
    "the invoice is in your profile under 'Documents'.",
    "your plan [ends on the 30th|was cancelled as you wished].",
    "a replacement [leaves our warehouse today|has been booked].",
    "you can [reset your password|change the address] in the app.",
    "we have raised this as an emergency.",
    "as it is not urgent we will answer within five days.",
    "thank you for your interest, a leaflet is attached.",
)


@dataclass(frozen=True)
class Customer:
    """One invented customer."""

    id: str
    name: str
    email: str
    phone: str

    @property
    def first(self) -> str:
        """The given name."""
        return self.name.split()[0]


def make_customers(rng: Random, count: int) -> list[Customer]:
    """`count` customers with different names (at most 1,200)."""
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    customers = []
    for number, name in enumerate(rng.sample(names, count)):
        email = f"{name.lower().replace(' ', '.')}@{rng.choice(MAIL_DOMAINS)}"
        phone = rng.choice(PHONE_FORMS).format(area=rng.choice(AREA_CODES), tail=f"01{rng.randrange(100):02}")
        customers.append(Customer(f"C-{10_000 + 7 * number}", name, email, phone))
    return customers


def make_api_key(rng: Random) -> str:
    """A key in the form of Ostrelle's invented service; no provider uses this prefix."""
    return "tsk_live_" + "".join(rng.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=24))
