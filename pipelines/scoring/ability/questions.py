"""What a general benchmark asks and how an answer is scored, and how its public files are read."""

import csv
import gzip
import hashlib
import heapq
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pipelines.errors import TinsmithError

Values = NDArray[np.float64]
Scores = Mapping[str, float]


class Form(BaseModel):
    """The columns that are read of a public file's row; others may stand beside them."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Question:
    """One row of a benchmark.

    With `choices`, each a continuation of `prompt` with the space between, the model's likelihood of each is asked;
    without, its text. `truth` is what the task scores by; `place` is the row's file:line.
    """

    place: str
    prompt: str
    choices: tuple[str, ...]
    truth: Mapping[str, Any]


def mean(values: Values) -> Values:
    """Mean over the rows, which are the last axis."""
    return np.asarray(values.mean(axis=-1))


Better = Literal["higher", "lower", "nearer 0"]


@dataclass(frozen=True)
class Measure:
    """A figure made of all rows that have every one of `columns` among their scores.

    `statistic` takes one array a column, rows on the last axis, and reduces that axis to a number from `lowest` to 1.
    Of a measure that is better "nearer 0", such as a bias to either side, the difference is that of the distances to 0.
    """

    name: str
    columns: tuple[str, ...]
    better: Better = "higher"
    statistic: Callable[..., Values] = mean
    lowest: float = 0.0


@dataclass(frozen=True)
class Task:
    """One benchmark. `name` is what recipes call it; `version` says whose prompts and scoring it follows.

    `questions` reads its files below the data folder. `score` gives a row's scores by column, from the log likelihoods
    of its choices or, where `max_tokens` says that it is generated, from the text. `chat` asks the prompt as a user's
    turn in the model's own template, not as it stands. A generated text ends before any of `stop`.
    """

    name: str
    version: str
    questions: Callable[[Path], list[Question]]
    score: Callable[[Question, Any], Scores]
    measures: tuple[Measure, ...]
    max_tokens: int = 0
    stop: tuple[str, ...] = ()
    chat: bool = False


def sampled(questions: Sequence[Question], rows: int) -> list[Question]:
    """At most `rows` questions in their order, chosen by a hash of what they ask: the same in every run."""
    chosen = heapq.nsmallest(rows, enumerate(questions), key=lambda numbered: _rank(numbered[1]))
    return [question for _, question in sorted(chosen, key=itemgetter(0))]


def files(folder: Path, *patterns: str) -> list[Path]:
    """The files of the first of `patterns` that any file fits, sorted; raises TinsmithError where there are none."""
    for pattern in patterns:
        if found := sorted(folder.glob(pattern)):
            return found
    raise TinsmithError(
        f"{folder}: holds no {' or '.join(patterns)}; put the benchmark there, "
        "or take its task out of evaluate.ability.tasks"
    )


def read(path: Path, form: Any) -> Iterator[tuple[str, Any]]:
    """Each row of a .jsonl or .csv file, plain or .gz, as `form` (a Form, or a union of some), with its file:line.

    Raises:
        TinsmithError: a row is broken or has another form; names file and line, and no values.
    """
    adapter = TypeAdapter(form)
    for number, row in _rows(path):
        try:
            yield f"{path.name}:{number}", adapter.validate_python(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "the row"
            wrong = first["msg"].removeprefix("Value error, ")
            raise TinsmithError(f"{path}:{number}: {field}: {wrong}; get the benchmark's public file") from None


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    raw = path.read_bytes()
    try:
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise TinsmithError(f"{path}: cannot be read as text ({type(error).__name__}); get it anew") from None
    if ".csv" in path.suffixes:
        table = csv.DictReader(io.StringIO(text, newline=""))
        for row in table:
            yield table.line_num, row
        return
    # By \n alone: texts of the benchmarks hold other line ends of Unicode.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                raise TinsmithError(f"{path}:{number}: is not JSON; get the benchmark's public file") from None


def _rank(question: Question) -> str:
    return hashlib.sha256(json.dumps([question.prompt, question.choices]).encode()).hexdigest()
