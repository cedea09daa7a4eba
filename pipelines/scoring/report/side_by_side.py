"""What was asked and what base and tuned answered, row by row: it holds rows' texts, so it belongs to work/ alone."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pipelines.scoring.report.reports import Json, Reports

Outcome = Literal["loss", "win", "tie"]

MOST_ROWS = 200
_HEAD = 400  # characters of a text that are shown unfolded
_LONGEST = 10_000  # characters of a text that are on the page at all
_PAGE = 3_000_000  # characters of all texts


class Text(NamedTuple):
    """A text as it is shown: its beginning, the whole to unfold (empty where the beginning is all), and how many
    characters are left out even there."""

    head: str
    whole: str
    left_out: int


class ShownRow(NamedTuple):
    """One row; `scores` are (metric, that of the base's best variant, tuned's), `answers` (variant, its text)."""

    example_id: str
    outcome: Outcome
    scores: list[tuple[str, float, float]]
    question: Text
    expected: Text
    answers: list[tuple[str, Text]]


class SideBySide(NamedTuple):
    """The rows that tell most; `counts` are of all rows, won and lost by `metric`."""

    metric: str
    rows: list[ShownRow]
    counts: dict[Outcome, int]


class _Place(NamedTuple):
    """A row's place in the file, and by what it is chosen: those that sort first tell most."""

    rank: tuple[float, bytes]
    offset: int


def side_by_side(answers: Path, reports: Reports) -> SideBySide | None:
    """The most telling rows of work/<r>/answers.jsonl: losses, wins and ties in turn, the widest apart first.

    Reads the file twice, a line at a time, so that memory does not grow with it. None where no metric is scored row by
    row, since nothing then is won or lost.
    """
    metrics: Json = reports.evaluation["metrics"]
    places: dict[Outcome, list[_Place]] = {"loss": [], "win": [], "tie": []}
    judged = ""
    for offset, line in _lines(answers):
        scores = line["scores"]
        judged = judged or next((metric for metric in metrics if metric in scores), "")
        if not judged:
            return None
        base, tuned = scores[judged][metrics[judged]["compared_with"]], scores[judged]["tuned"]
        outcome: Outcome = "win" if tuned > base else "loss" if tuned < base else "tie"
        apart = abs(tuned - base) if outcome != "tie" else 1 - tuned
        # By a hash among equals: random, but the same each time.
        rank = (-apart, hashlib.sha256(line["example_id"].encode()).digest())
        places[outcome].append(_Place(rank, offset))
    rows = list(_within_page(answers, _chosen(places), metrics)) if judged else []
    rows.sort(key=lambda row: ("loss", "win", "tie").index(row.outcome))
    return SideBySide(judged, rows, {outcome: len(found) for outcome, found in places.items()})


def shortened(text: str) -> Text:
    """A text in the two lengths that the page shows."""
    if len(text) <= _HEAD:
        return Text(text, "", 0)
    return Text(text[:_HEAD] + "…", text[:_LONGEST], max(0, len(text) - _LONGEST))


def _lines(answers: Path) -> Iterator[tuple[int, Json]]:
    with answers.open("rb") as stream:
        offset = 0
        for line in stream:
            yield offset, json.loads(line)
            offset += len(line)


def _chosen(places: dict[Outcome, list[_Place]]) -> list[tuple[Outcome, int]]:
    """From each outcome in turn, so that few losses are not buried under many wins."""
    queues = {outcome: sorted(found) for outcome, found in places.items()}
    turns = max(map(len, queues.values()))
    in_turn = [
        (outcome, found[turn].offset) for turn in range(turns) for outcome, found in queues.items() if turn < len(found)
    ]
    return in_turn[:MOST_ROWS]


def _within_page(answers: Path, chosen: list[tuple[Outcome, int]], metrics: Json) -> Iterator[ShownRow]:
    """The rows in the order in which they were chosen, until the page is full."""
    room = _PAGE
    with answers.open("rb") as stream:
        for outcome, offset in chosen:
            stream.seek(offset)
            row = _row(json.loads(stream.readline()), outcome, metrics)
            texts = [row.question, row.expected, *(text for _, text in row.answers)]
            room -= sum(len(text.head) + len(text.whole) for text in texts)
            if room < 0:
                return
            yield row


def _row(line: Json, outcome: Outcome, metrics: Json) -> ShownRow:
    scored = [metric for metric in metrics if metric in line["scores"]]
    variants = dict.fromkeys(name for scores in line["scores"].values() for name in scores if name != "tuned")
    return ShownRow(
        line["example_id"],
        outcome,
        [
            (metric, line["scores"][metric][metrics[metric]["compared_with"]], line["scores"][metric]["tuned"])
            for metric in scored
        ],
        _question(line["prompt"]),
        shortened(line["expected"]),
        [(name, shortened(line[name])) for name in ["tuned", *variants]],
    )


def _question(prompt: list[Json]) -> Text:
    """The last turn, and all of them to unfold."""
    last = shortened(_said(prompt[-1]))
    if len(prompt) == 1:
        return last
    whole = "\n\n".join(f"[{turn['role']}]\n{_said(turn)}" for turn in prompt)
    return Text(last.head, whole[:_LONGEST], max(0, len(whole) - _LONGEST))


def _said(turn: Json) -> str:
    content: Any = turn.get("content")
    return content if isinstance(content, str) and content else json.dumps(turn, ensure_ascii=False)
