"""Made-up tickets of about 400 bytes in a CSV of any length, with planted duplicates and bad rows.

Rows are written as they are made; what later rows copy is a sample of bounded size of the earlier ones.
"""

import csv
import random
from collections import Counter
from pathlib import Path

import numpy as np

from pipelines.files import write_json

TICKETS = Path("tickets.csv")
CONTRACT = Path("tickets.odcs.yaml")
RECIPE = Path("recipes/tickets.yaml")
PLANTED = Path("planted.json")
NEAR = Path("near_pairs.int64")  # numbers of an original and of its copy, one pair after the other
CATEGORIES = ("billing", "delivery", "hardware", "login", "outage", "refund", "returns", "software", "spam", "warranty")
PRIORITIES = ("low", "normal", "high")

_SEED = 11
_BATCH = 10_000
_WORDS = 50
_SUBJECT_WORDS = 5
_VOCABULARY = 20_000
_EXACT, _NEAR, _BAD = 0.03, 0.05, 0.01  # shares of the rows
_MOST_CHANGED = 3  # words next to each other: at most five of at least 43 shingles
_SAMPLE = 50_000  # rows that may be copied; a tenth of the new ones take the place of others
_ROWS_OF_A_CUSTOMER = 10

_COLUMNS = ("ticket_id", "customer", "subject", "body", "category", "priority", "opened_at")
_CONTRACT_TEXT = f"""\
version: 1.0.0
apiVersion: v3.2.0
kind: DataContract
id: tickets
status: active
schema:
- name: tickets
  properties:
  - {{name: ticket_id, logicalType: integer, primaryKey: true}}
  - {{name: customer, logicalType: string, required: true}}
  - {{name: subject, logicalType: string, required: true, logicalTypeOptions: {{maxLength: 200}}}}
  - {{name: body, logicalType: string, required: true}}
  - {{name: category, logicalType: string, required: true, enum: [{", ".join(f"{{value: {c}}}" for c in CATEGORIES)}]}}
  - {{name: priority, logicalType: string, required: true, enum: [{", ".join(f"{{value: {p}}}" for p in PRIORITIES)}]}}
  - {{name: opened_at, logicalType: timestamp, required: true}}
"""
_RECIPE_TEXT = f"""\
name: tickets
purpose: Sort made-up tickets.
owner: benchmarks@example.com
data:
  sources:
    tickets: {{contract: {CONTRACT}, type: files, path: {TICKETS}}}
  split: {{group_by: [customer]}}
  example: {{user: "{{subject}}\\n\\n{{body}}", assistant: {{json: [category, priority]}}}}
model: {{base: "embedded:smollm2-135m-instruct"}}
register: {{model: tickets}}
"""


def write_tickets(folder: Path, count: int) -> None:
    """Write `count` tickets, their contract and recipe, and what was planted among them."""
    (folder / RECIPE).parent.mkdir(parents=True)
    (folder / RECIPE).write_text(_RECIPE_TEXT)
    (folder / CONTRACT).write_text(_CONTRACT_TEXT)
    writer = _Writer(count)
    with (
        (folder / TICKETS).open("w", newline="", encoding="utf-8") as rows,
        (folder / NEAR).open("wb") as pairs,
    ):
        csv.writer(rows).writerow(_COLUMNS)
        for start in range(0, count, _BATCH):
            batch, near = writer.batch(start)
            csv.writer(rows).writerows(batch)
            np.array(near, np.int64).tofile(pairs)
    write_json(folder / PLANTED, {"rows": count, **{kind: writer.planted[kind] for kind in ("exact", "near", "bad")}})


class _Writer:
    """Makes rows in order and remembers a sample of those that may be copied, each with its number."""

    def __init__(self, count: int) -> None:
        self.planted: Counter[str] = Counter()
        self._count = count
        self._chance = random.Random(_SEED)
        self._numbers = np.random.default_rng(_SEED)
        letters = "etaoinshrdlucmfwyp"
        self._vocabulary = [
            "".join(self._chance.choices(letters, k=self._chance.randint(3, 9))) for _ in range(_VOCABULARY)
        ]
        # Frequent words are as frequent as in English (Zipf's law).
        weights = 1 / np.arange(1, _VOCABULARY + 1)
        self._thresholds = np.cumsum(weights) / weights.sum()
        self._sample: list[tuple[int, list[str]]] = []

    def batch(self, start: int) -> tuple[list[list[str]], list[tuple[int, int]]]:
        """The rows from number `start` on, and the planted pairs of an original's and a near copy's number."""
        size = min(_BATCH, self._count - start)
        drawn = self._numbers.random((size, _WORDS + _SUBJECT_WORDS))
        places = np.minimum(np.searchsorted(self._thresholds, drawn), _VOCABULARY - 1).tolist()
        rows, near = [], []
        for number, row_places in enumerate(places, start):
            row, original = self._row(number, [self._vocabulary[place] for place in row_places])
            rows.append(row)
            near += [(original, number)] if original is not None else []
        return rows, near

    def _row(self, number: int, words: list[str]) -> tuple[list[str], int | None]:
        """One ticket and, where it is a near copy, the number of its original."""
        kind = self._chance.random()
        if kind < _EXACT and self._sample:
            self.planted["exact"] += 1
            _, told = self._chance.choice(self._sample)
            return self._ticket(number, told), None
        if kind < _EXACT + _NEAR and self._sample:
            self.planted["near"] += 1
            original, told = self._chance.choice(self._sample)
            body = told[1].split(" ")
            changed = self._chance.randint(1, _MOST_CHANGED)
            place = self._chance.randrange(_WORDS - changed)
            body[place : place + changed] = [f"changed{number}"] * changed
            return self._ticket(number, [told[0], " ".join(body), *told[2:]]), original
        body, subject = " ".join(words[:_WORDS]), " ".join(words[_WORDS:])
        told = [subject, body, self._chance.choice(CATEGORIES), self._chance.choice(PRIORITIES)]
        if kind > 1 - _BAD:
            self.planted["bad"] += 1
            return self._broken(self._ticket(number, told)), None
        if len(self._sample) < _SAMPLE:
            self._sample.append((number, told))
        elif self._chance.random() < 0.1:
            self._sample[self._chance.randrange(_SAMPLE)] = (number, told)
        return self._ticket(number, told), None

    def _ticket(self, number: int, told: list[str]) -> list[str]:
        customer = f"c{self._chance.randrange(1 + self._count // _ROWS_OF_A_CUSTOMER):07}"
        opened = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02} {number % 24:02}:00:00"
        return [str(number), customer, *told, opened]

    def _broken(self, row: list[str]) -> list[str]:
        """The row with one of four faults."""
        fault = self._chance.randrange(4)
        if fault == 0:
            return row[:-1]
        column, value = [(3, ""), (4, "no category"), (6, "yesterday")][fault - 1]
        return [*row[:column], value, *row[column + 1 :]]
