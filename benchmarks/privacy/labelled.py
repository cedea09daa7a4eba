"""Texts in which the personal data or the secrets are marked, and how findings are held against the marks."""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

# Both styles of tags in pii_presidio, in this project's words.
WORD_OF = {
    "PERSON": "NAME",
    "ADDRESS": "ADDRESS",
    "STREET_ADDRESS": "ADDRESS",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN": "SSN",
    "US_DRIVER_LICENSE": "DRIVER_LICENSE",
    "IP_ADDRESS": "IP",
    "DOMAIN_NAME": "URL",
    "URL": "URL",
    "DATE_TIME": "DATE",
    "AGE": "AGE",
    "ZIP_CODE": "ZIP",
    "LOCATION": "LOCATION",
    "GPE": "LOCATION",
    "ORGANIZATION": "ORGANIZATION",
    "NRP": "NRP",
    "TITLE": "TITLE",
}


class Mark(NamedTuple):
    """Characters `start` to `end` of a text, of one kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Labelled:
    """A text and what is marked in it; `template` names the sentence it was made from."""

    text: str
    marks: tuple[Mark, ...]
    template: str = ""


@dataclass(frozen=True)
class Score:
    """Marks of one kind: how many there are, were covered, and were covered by findings of the same kind.

    `found` counts findings of the kind, `right` those that overlap a mark of it.
    """

    marked: int
    covered: int
    named: int
    found: int
    right: int

    @property
    def recall(self) -> float:
        """Share of the marks of which no letter and no digit is left."""
        return self.covered / self.marked if self.marked else float("nan")

    @property
    def precision(self) -> float:
        """Share of the findings that overlap a mark of their kind."""
        return self.right / self.found if self.found else float("nan")


def bench_data() -> Path:
    """The folder of the benchmarks' data sets."""
    return Path(os.environ["TINSMITH_BENCH_DATA"])


def pii_sentences(side: str) -> list[Labelled]:
    """One side (train, valid, test) of pii_presidio; no template stands on two sides."""
    lines = (bench_data() / "pii_presidio" / f"{side}.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Labelled(
            row["text"],
            tuple(Mark(one["start"], one["end"], WORD_OF[one["type"]]) for one in row["label"]),
            row["template"],
        )
        for row in map(json.loads, lines)
    ]


def scores(rows: Sequence[Labelled], found: Sequence[Iterable[Mark]]) -> dict[str, Score]:
    """Every kind's score. A mark is covered when each of its letters and digits lies in a finding of any kind."""
    counts: dict[str, list[int]] = {}
    for row, findings in zip(rows, map(list, found), strict=True):
        for mark in row.marks:
            count = counts.setdefault(mark.kind, [0] * 5)
            count[0] += 1
            count[1] += _covers(row.text, mark, findings)
            count[2] += _covers(row.text, mark, [one for one in findings if one.kind == mark.kind])
        for one in findings:
            count = counts.setdefault(one.kind, [0] * 5)
            count[3] += 1
            count[4] += any(
                one.start < mark.end and mark.start < one.end and mark.kind == one.kind for mark in row.marks
            )
    return {kind: Score(*count) for kind, count in sorted(counts.items())}


def missed(rows: Sequence[Labelled], found: Sequence[Iterable[Mark]], kind: str) -> Iterator[tuple[str, str]]:
    """Each mark of a kind that is not covered, with its text."""
    for row, findings in zip(rows, map(list, found), strict=True):
        for mark in row.marks:
            if mark.kind == kind and not _covers(row.text, mark, findings):
                yield row.text[mark.start : mark.end], row.text


def _covers(text: str, mark: Mark, findings: Sequence[Mark]) -> bool:
    places = [place for place in range(mark.start, mark.end) if text[place].isalnum()]
    return all(any(one.start <= place < one.end for one in findings) for place in places)


def secret_files() -> list[Labelled]:
    """The files of secrets_detect; its baseline lists their secrets by SHA-1, and what no text matches is left out."""
    with tarfile.open(bench_data() / "secrets_detect.tar.gz") as archive:
        texts = {
            Path(member.name).name: file.read().decode("utf-8")
            for member in archive.getmembers()
            if (file := archive.extractfile(member))
        }
    listed = json.loads(texts["baseline.file.txt"])["results"]
    rows = []
    for name in sorted(listed):
        text = texts[name.replace("/", "__") + ".txt"]
        digests = {entry["hashed_secret"] for entry in listed[name]}
        rows.append(Labelled(text, tuple(_with_digests(text, digests)), name))
    return rows


def _with_digests(text: str, digests: set[str]) -> Iterator[Mark]:
    """Where a string with one of the SHA-1 `digests` stands within a line."""
    lines = text.splitlines(keepends=True)
    for offset, line in zip(accumulate((len(line) for line in lines), initial=0), lines, strict=False):
        for start in range(len(line)):
            for end in range(start + 4, min(len(line), start + 200) + 1):
                value = line[start:end]
                # The baseline takes YAML's tag for a secret, too.
                if hashlib.sha1(value.encode()).hexdigest() in digests and value != "!!binary":
                    yield Mark(offset + start, offset + end, "SECRET")
