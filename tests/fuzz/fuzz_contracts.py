"""Broken contracts and broken YAML for as long as it is told: python -m tests.fuzz.fuzz_contracts [SECONDS [SEED]].

Every input is a real contract with pieces cut, doubled, swapped or replaced, as text or as a structure. The loader must
give a contract or a TinsmithError within a few seconds; whatever else it does is kept in tests/fuzz/found/ as the file
that caused it, and the command ends with 1. tests/fuzz/test_fuzz_contracts.py runs what was found ever after.
"""

import hashlib
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from pipelines.data.contracts.contract import read_contract
from pipelines.errors import TinsmithError

FOUND = Path(__file__).parent / "found"
REPOSITORY = Path(__file__).parents[2]
SLOWEST_SECONDS = 20
_SEEDS = [*REPOSITORY.glob("data_contracts/*.odcs.yaml"), *REPOSITORY.glob("benchmarks/contracts/*.odcs.yaml")]
_SEEDS.append(Path(__file__).parent / "everything.odcs.yaml")
_WORDS = [
    *("null", "true", "-1", "0", "1e999", ".nan", "9223372036854775808", "0.1", "''", "'", '"', "[]", "{}", "{a: }"),
    *(
        "&a",
        "*a",
        "<<: ",
        "? ",
        "- ",
        ": ",
        "!!python/object:os.system",
        "!!binary",
        "!!timestamp x",
        "2026-02-30",
        "~",
    ),
    *("\0", "\ufeff", "\ud7ff", "\u202e", "\t", "\r", "\n\n", "---\n", "...\n", "%YAML 9.9\n", "# ", "|\n", ">\n"),
    *(
        "(",
        "(?=x)",
        "a{1000000}",
        "(a*)*",
        "${table}",
        "{object}",
        "SELECT 1",
        "SELECT * FROM t",
        "';--",
        "DECIMAL(99)",
    ),
    *("customers.id", "a.b.c", "x#/schema/y/properties/z", "Europe/Berlin", "i128", "percent", "P1D", "y", "100000000"),
]
_VALUES: list[Any] = [None, True, 0, -1, 1e308, 2**70, "", "x", "NO", [], [[]], {}, {"a": 1}, [None], "\0", "a" * 5000]


def check(path: Path) -> str:
    """Read a contract as the line does; returns how it ended, and raises what must not happen."""
    try:
        read_contract(path)
    except TinsmithError as error:
        if not str(error).startswith(str(path)):
            raise AssertionError(f"a mistake without its file: {error}") from None
        return "refused"
    return "read"


def mutated(chance: random.Random) -> bytes:
    """A broken contract: its text or its structure changed in a few places."""
    text = chance.choice(_SEEDS).read_text(encoding="utf-8")
    if chance.random() < 0.5:
        value = yaml.safe_load(text)
        for _ in range(chance.randint(1, 4)):
            _change_structure(value, chance)
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    for _ in range(chance.randint(0, 6)):
        text = _change_text(text, chance)
    content = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.1 and content:
        place = chance.randrange(len(content))
        content = content[:place] + bytes([chance.randrange(256)]) + content[place + 1 :]
    return content


def _change_text(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    end = min(len(text), start + chance.choice([0, 1, 5, 40, 400]))
    piece = text[start:end]
    changed = chance.choice(["", piece * 2, chance.choice(_WORDS), " " * chance.randint(1, 4), piece[::-1]])
    return text[:start] + changed + text[end:]


def _change_structure(value: Any, chance: random.Random) -> None:
    """Change one place deep inside a structure."""
    places: list[tuple[Any, Any]] = []

    def collect(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                collect(node[key])

    collect(value)
    if not places:
        return
    node, key = chance.choice(places)
    other, other_key = chance.choice(places)
    change: Callable[[], None] = chance.choice(
        [
            lambda: node.__setitem__(key, chance.choice(_VALUES)),
            lambda: node.__setitem__(key, chance.choice(_WORDS)),
            lambda: node.__setitem__(key, yaml.safe_load(yaml.safe_dump(other[other_key]))),
            lambda: node.pop(key),
            lambda: node.__setitem__(str(key) + "s", 1) if isinstance(node, dict) else node.append(node[key]),
        ]
    )
    change()


def _too_slow(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"took more than {SLOWEST_SECONDS} seconds")


def main(seconds: float, seed: int) -> int:
    """Fuzz for `seconds`; returns how many inputs broke the loader."""
    signal.signal(signal.SIGALRM, _too_slow)
    chance = random.Random(seed)
    ended = time.monotonic() + seconds
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fuzzed.odcs.yaml")
        while time.monotonic() < ended:
            content = mutated(chance)
            path.write_bytes(content)
            signal.alarm(SLOWEST_SECONDS)
            try:
                ends[check(path)] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
                ends["broken"] += 1
                FOUND.mkdir(exist_ok=True)
                kept = FOUND / f"{hashlib.sha256(content).hexdigest()[:16]}.odcs.yaml"
                kept.write_bytes(content)
                print(f"{kept}: {type(error).__name__}: {str(error)[:200]}")
            finally:
                signal.alarm(0)
    print(f"seed {seed}, {seconds:g} s: {ends.total()} contracts, {dict(ends)}")
    return ends["broken"]


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(float(given[0]) if given else 600, int(given[1]) if given[1:] else 1) > 0)
