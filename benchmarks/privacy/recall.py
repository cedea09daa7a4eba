"""What the privacy screen finds, kind by kind, next to plain presidio on the same texts.

    python -m benchmarks.privacy.recall [SIDE ...] [--presidio ENV/bin/python] [--missed KIND] [--record]

Sides are train, valid, test and secrets; TINSMITH_BENCH_DATA names the folder of the data. A marked value counts as
found when each of its letters and digits lies within findings of any kind: nothing of it would be left. `named` is
the share covered by findings of its own kind; precision is the share of findings that overlap a mark of their kind.
"""

import argparse
import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.privacy.labelled import WORD_OF, Labelled, Mark, Score, missed, pii_sentences, scores, secret_files
from benchmarks.table import markdown_table
from pipelines.data.privacy.detector import PATTERN_KINDS, Detector
from pipelines.data.privacy.measured import MEASURED
from pipelines.data.privacy.names import KINDS, find_names
from pipelines.files import write_json


def ours(rows: Sequence[Labelled]) -> list[list[Mark]]:
    """What this project finds with every detector on."""
    detector = Detector(PATTERN_KINDS | set(KINDS), names=find_names)
    return [
        [Mark(one.start, one.end, "SECRET" if one.secret else one.kind) for one in detector.find(row.text)]
        for row in rows
    ]


def presidio(rows: Sequence[Labelled], python: Path) -> list[list[Mark]]:
    """What presidio's own recognisers find, run by the Python of another environment."""
    program = Path(__file__).parent / "presidio_spans.py"
    lines = "".join(json.dumps(row.text) + "\n" for row in rows)
    done = subprocess.run([python, program], input=lines, capture_output=True, text=True, check=True)
    return [
        [Mark(start, end, WORD_OF.get(kind, kind)) for start, end, kind in json.loads(line)]
        for line in done.stdout.splitlines()
    ]


def _cells(score: Score | None) -> list[str]:
    if score is None:
        return ["", "", ""]
    return [f"{score.recall:.3f}", f"{score.named / score.marked:.3f}", f"{score.precision:.3f}"]


def _table(rows: Sequence[Labelled], found: list[list[Mark]], peer: list[list[Mark]] | None) -> str:
    theirs = scores(rows, peer) if peer else {}
    head = ["kind", "marked", "recall", "named", "precision"] + (
        ["presidio recall", "named", "precision"] if peer else []
    )
    lines = [
        [kind, score.marked, *_cells(score), *(_cells(theirs.get(kind)) if peer else [])]
        for kind, score in scores(rows, found).items()
        if score.marked
    ]
    return markdown_table(head, lines)


def record() -> None:
    """Write the figures for the datasheets of this version.

    Names and addresses are those of the test side alone, since a model was trained on train and tuned on valid; the
    other kinds are of all three sides, of which the rules' author has seen train and valid.
    """
    sides = {side: pii_sentences(side) for side in ("train", "valid", "test")}
    everywhere = [row for rows in sides.values() for row in rows]
    measured = {"train, valid, test": everywhere, "test": sides["test"], "secrets_detect": secret_files()}
    kinds = {}
    for side, rows in measured.items():
        for kind, score in scores(rows, ours(rows)).items():
            wanted = kind in KINDS if side == "test" else (kind == "SECRET") == (side == "secrets_detect")
            if wanted and score.marked:
                # What is not looked for is hidden only where it lies within something else.
                precision = round(score.precision, 4) if score.found else None
                figures = {"recall": round(score.recall, 4), "precision": precision}
                kinds[kind] = {"marked": score.marked, **figures, "measured_on": side}
    write_json(
        MEASURED,
        {
            "command": "python -m benchmarks.privacy.recall --record",
            "data": "pii_presidio (microsoft/presidio-research, synthetic English sentences) and secrets_detect",
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "kinds": dict(sorted(kinds.items())),
        },
    )


def main() -> None:
    """Print one table a side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sides", nargs="*", default=["train", "valid"])
    parser.add_argument("--presidio", type=Path, help="Python of an environment with presidio-analyzer")
    parser.add_argument("--missed", metavar="KIND", help="show what was not found of a kind")
    parser.add_argument("--record", action="store_true", help="write the figures that every datasheet quotes")
    options = parser.parse_args()
    print(machine_line())
    for side in options.sides:
        rows = secret_files() if side == "secrets" else pii_sentences(side)
        found = ours(rows)
        print(f"\n{side}: {len(rows)} texts\n")
        print(_table(rows, found, presidio(rows, options.presidio) if options.presidio else None))
        if options.missed:
            for value, text in missed(rows, found, options.missed):
                print(f"{value!r:30} in {text[:200]!r}")
    if options.record:
        record()


if __name__ == "__main__":
    main()
