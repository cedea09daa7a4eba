"""Plants what goes wrong in a company's exports, and notes it: the truth that tests compare with."""

import csv
import io
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from support_tickets.priorities import SPREAD
from support_tickets.products import PRODUCTS
from support_tickets.tickets import INTENTS, Planted, Ticket, with_documented_aws_key

COLUMNS = (
    "ticket_id",
    "thread_id",
    "customer_id",
    "customer_name",
    "customer_email",
    "customer_phone",
    "channel",
    "created_at",
    "subject",
    "body",
    "product",
    "intent",
    "priority",
    "satisfaction",
)
_PERSONAL = slice(COLUMNS.index("customer_name"), COLUMNS.index("customer_phone") + 1)
_EXACT_DUPLICATES = 28
_NEAR_DUPLICATES = 42
_LABEL_NOISE = 0.025
_BESIDE = {
    "intent": {
        "setup": "fault",
        "fault": "setup",
        "delivery": "refund",
        "refund": "fault",
        "billing": "refund",
        "account": "setup",
        "cancel": "billing",
        "question": "setup",
    },
    "priority": {"urgent": "high", "high": "normal", "normal": "low", "low": "normal"},
}
_AFTERTHOUGHTS = ("Sending this again.", "Did you get this?", "Still waiting.", "Second try.", "Once more, sorry.")

# Value put into a column, by kind of fault; the contract refuses each.
_BAD_VALUES = {
    "bad_date": ("created_at", ("2026-02-30T10:15:00Z", "31.04.2026 14:05", "yesterday", "0000-00-00 00:00:00", "")),
    "unknown_product": ("product", ("toaster", "speaker", "camera/lock", "n/a", "Glimmer")),
    "unknown_intent": ("intent", ("other", "???")),
    "missing_label": ("priority", ("",)),
    "missing_id": ("ticket_id", ("",)),
    "malformed_id": ("ticket_id", ("#REF!", "T-12", "1.00E+05")),
    "missing_customer": ("customer_id", ("",)),
    "missing_thread": ("thread_id", ("",)),
    "missing_body": ("body", ("",)),
    "out_of_range": ("satisfaction", ("9", "-1")),
    "not_an_integer": ("satisfaction", ("4.5", "good")),
    "too_long": ("body", ("The log says: " + "retry connection failed; " * 200,)),
}
_HOW_OFTEN = {
    "bad_date": 12,
    "unknown_product": 9,
    "unknown_intent": 4,
    "missing_label": 4,
    "missing_id": 6,
    "malformed_id": 4,
    "missing_customer": 4,
    "missing_thread": 3,
    "missing_body": 4,
    "out_of_range": 3,
    "not_an_integer": 3,
    "too_long": 2,
    "duplicate_key": 7,
    "broken_encoding": 9,
    "too_few_columns": 5,
    "too_many_columns": 5,
}
_REJECTED_RAW = ("broken_encoding", "too_few_columns", "too_many_columns")


@dataclass
class Row:
    """A row of an export and what a test should know about it; `twin` is the row it repeats in key or text."""

    file: str
    cells: list[str]
    planted: tuple[Planted, ...]
    encoding: str = "utf-8"
    fault: str | None = None
    column: str | None = None
    duplicate: str | None = None
    twin: "Row | None" = None
    noise: list[tuple[str, str]] = field(default_factory=list)

    def as_bytes(self) -> bytes:
        """The row as the export holds it: CSV in the row's own encoding, one newline at its end."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(self.cells)
        return text.getvalue().encode(self.encoding)

    def has_column_with(self, value: str) -> bool:
        """Whether one of the customer's own columns holds the value."""
        return any(value in cell for cell in self.cells[_PERSONAL])

    @property
    def outcome(self) -> str:
        """What ingest should make of a faulty row."""
        return "rejected_raw" if self.fault in _REJECTED_RAW else "quarantined"


def make_rows(rng: Random, tickets: list[Ticket]) -> list[Row]:
    """Rows in order of time: the tickets, repeated tickets, wrong labels and faults, each noted in its row."""
    keyed = with_documented_aws_key(tickets[len(tickets) // 2])
    tickets = [*tickets[: len(tickets) // 2], keyed, *tickets[len(tickets) // 2 + 1 :]]
    originals = rng.sample(range(len(tickets)), _EXACT_DUPLICATES + _NEAR_DUPLICATES)
    entries: list[tuple[Ticket, int | None, str | None]] = [(ticket, None, None) for ticket in tickets]
    for place, original in enumerate(originals):
        kind = "exact" if place < _EXACT_DUPLICATES else "near"
        entries.append((_repeat(rng, tickets, original, kind), original, kind))
    order = sorted(range(len(entries)), key=lambda index: entries[index][0].created_at)
    rows: dict[int, Row] = {}
    for place, index in enumerate(order):
        ticket, repeats, repeat_kind = entries[index]
        twin = None if repeats is None else rows[repeats]
        cells = _cells(f"T-{100_001 + place}", ticket)
        rows[index] = Row(_export_of(ticket), cells, ticket.planted, duplicate=repeat_kind, twin=twin)
    in_order = [rows[index] for index in order]
    repeated = {id(rows[original]) for original in originals}
    free = [row for row in in_order if row.twin is None and id(row) not in repeated]
    rng.shuffle(free)
    _plant_label_noise(rng, free, round(_LABEL_NOISE * len(in_order)))
    _plant_faults(rng, free)
    return in_order


def _export_of(ticket: Ticket) -> str:
    return f"tickets_{ticket.created_at.year}q{(ticket.created_at.month + 2) // 3}.csv"


def _cells(ticket_id: str, ticket: Ticket) -> list[str]:
    customer = ticket.customer
    return [
        ticket_id,
        ticket.thread_id,
        customer.id,
        customer.name,
        customer.email,
        # Not every customer gives a telephone number.
        "" if int(customer.id[-1]) % 3 == 0 else customer.phone,
        ticket.channel,
        ticket.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ticket.subject,
        ticket.body,
        ticket.product,
        ticket.intent,
        ticket.priority,
        ticket.satisfaction,
    ]


def _repeat(rng: Random, tickets: list[Ticket], original: int, kind: str) -> Ticket:
    ticket = tickets[original]
    later = ticket.created_at + timedelta(seconds=rng.randrange(60, 86_400))
    # Most repeats are the same person's; some come from another customer and only their text ties them together.
    writer = rng.choice(tickets) if rng.random() < 0.3 else ticket
    thread_id = ticket.thread_id if writer is ticket and rng.random() < 0.5 else f"TH-{90_001 + original}"
    body = ticket.body
    if kind == "near":
        head, space, tail = body.partition(" ")
        body = f"{head}{space}{tail} {rng.choice(_AFTERTHOUGHTS)}" if rng.random() < 0.6 else f"{head}{space}  {tail}!"
    return replace(ticket, customer=writer.customer, thread_id=thread_id, created_at=later, body=body)


def _plant_label_noise(rng: Random, free: list[Row], count: int) -> None:
    for _ in range(count):
        row = free.pop()
        column = rng.choice(("product", "intent", "priority"))
        at = COLUMNS.index(column)
        true = row.cells[at]
        wrong = _BESIDE[column][true] if column in _BESIDE else rng.choice([name for name in PRODUCTS if name != true])
        row.cells[at] = wrong
        row.noise.append((column, true))


def _plant_faults(rng: Random, free: list[Row]) -> None:
    one_line = [row for row in free if "\n" not in row.cells[COLUMNS.index("body")]]
    for kind, count in _HOW_OFTEN.items():
        for number in range(count):
            row = one_line.pop()
            if kind == "duplicate_key":
                # The first row with a key is good; ids rise with time, as rows do.
                first, row = sorted((row, one_line.pop()), key=lambda row: row.cells[0])
                row.column, row.twin, row.cells[0] = "ticket_id", first, first.cells[0]
            elif kind in _BAD_VALUES:
                _plant_bad_value(row, kind, number)
            else:
                _make_unreadable(rng, row, kind)
            row.fault = kind


def _plant_bad_value(row: Row, kind: str, number: int) -> None:
    row.column, values = _BAD_VALUES[kind]
    row.cells[COLUMNS.index(row.column)] = values[number % len(values)]
    if row.column == "body":
        row.planted = ()


def _make_unreadable(rng: Random, row: Row, kind: str) -> None:
    body = COLUMNS.index("body")
    if kind == "broken_encoding":
        row.encoding = "latin-1"
        row.cells[body] += rng.choice((" Merci, à bientôt!", " Grüße", " ¡Olé!", " voilà"))
    elif kind == "too_few_columns":
        del row.cells[-rng.randint(1, 4) :]
    else:
        row.cells.insert(body, "and one more thing")


LABELS = {"product": tuple(PRODUCTS), "intent": tuple(INTENTS), "priority": tuple(SPREAD["fault"])}
