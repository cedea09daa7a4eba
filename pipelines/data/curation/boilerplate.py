"""Boilerplate: lines that very many rows share, such as signatures and disclaimers."""

from collections import Counter
from collections.abc import Iterable, Iterator

from pipelines.data.words import folded

SHORTEST_LINE = 20  # characters; "Hello," is shared by many, too, and says nothing
FEWEST_ROWS = 20
FEWEST_SHARE = 0.01  # of the rows
_MOST_LINES = 1_000_000


def boilerplate_lines(texts: Iterable[str]) -> set[int]:
    """Hashes of the lines that stand in at least 1% of the texts, and in at least 20.

    Lines are counted as Misra and Gries 1982 do when a million different ones are seen: rare ones are forgotten.
    """
    counts: Counter[int] = Counter()
    rows = forgotten = 0
    for text in texts:
        rows += 1
        counts.update({line for line, _ in _lines(text)})
        if len(counts) > _MOST_LINES:
            forgotten += 1
            counts = Counter({line: count - 1 for line, count in counts.items() if count > 1})
    enough = max(FEWEST_ROWS, FEWEST_SHARE * rows)
    return {line for line, count in counts.items() if count + forgotten >= enough}


def boilerplate_shares(texts: Iterable[str], lines: set[int]) -> Iterator[float]:
    """The share of each text's characters that stands in `lines`."""
    for text in texts:
        shared = sum(length for line, length in _lines(text) if line in lines)
        yield shared / max(1, sum(len(folded(line)) for line in text.splitlines()))


def without_boilerplate(text: str, lines: set[int]) -> str:
    """The text without `lines`: a shared signature makes no two texts alike. A text of nothing else stays as it is."""
    if not lines:
        return text
    own = [line for line in text.splitlines() if not any(number in lines for number, _ in _lines(line))]
    return "\n".join(own) if "".join(own).strip() else text


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Each line's hash and its length in characters; hash() of text may differ by process, never inside one."""
    for line in text.splitlines():
        plain = folded(line)
        if len(plain) >= SHORTEST_LINE:
            yield hash(plain), len(plain)
