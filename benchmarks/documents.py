"""Documents to text: documents a second, and how near the text is to the one that people wrote for each document.

    export TINSMITH_BENCH_DATA=...   # the folder that holds messy_docs
    python -m benchmarks.documents [--markitdown PYTHON]

PYTHON is the interpreter of an environment of its own in which markitdown is installed:
`pip install 'markitdown[pdf,docx,pptx,outlook]'`. Judged are the documents beside which an expected text lies. Nearness
is difflib's ratio over words, 1 for the same words in the same order.
"""

import argparse
import difflib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table
from pipelines.data.sources.passages import KINDS, UnreadableError, text_of

_LONGEST_PASSAGE = 2000
_MARKITDOWN = """
import json, sys, time
from markitdown import MarkItDown
reader, texts = MarkItDown(enable_plugins=False), {}
reader.convert(sys.argv[1])
begun = time.perf_counter()
for path in sys.argv[1:]:
    try:
        texts[path] = reader.convert(path).text_content
    except Exception as error:
        texts[path] = None
print(json.dumps([texts, time.perf_counter() - begun]))
"""


def judged_documents(folder: Path) -> dict[Path, str]:
    """The documents of a folder that are read here and have an expected text, with it."""
    found = {}
    for expected in sorted(folder.glob("*/expected__*.md")):
        stem = expected.name.removeprefix("expected__").removesuffix(".md")
        beside = [expected.with_name(stem), *(expected.with_name(stem + ending) for ending in KINDS)]
        for path in beside:
            if path.is_file() and path.suffix in KINDS:
                found[path] = expected.read_text(encoding="utf-8")
    return found


def nearness(text: str, expected: str) -> float:
    """How alike two texts are in their words and the words' order, between 0 and 1."""
    words = [re.findall(r"\w+", one.lower()) for one in (text, expected)]
    return difflib.SequenceMatcher(None, *words, autojunk=False).ratio()


def read_here(paths: list[Path]) -> tuple[dict[Path, str | None], float]:
    """Each document's text, None for one that cannot be read, and the seconds that all took."""

    def read(path: Path) -> str | None:
        try:
            text = text_of(path.read_bytes(), KINDS[path.suffix], "utf-8", _LONGEST_PASSAGE)
        except UnreadableError:
            return None
        return "\n\n".join(passage.text for passage in text.passages)

    read(paths[0])
    begun = time.perf_counter()
    return {path: read(path) for path in paths}, time.perf_counter() - begun


def read_by_markitdown(python: str) -> Callable[[list[Path]], tuple[dict[Path, str | None], float]]:
    """The same by markitdown."""

    def read(paths: list[Path]) -> tuple[dict[Path, str | None], float]:
        command = [python, "-c", _MARKITDOWN, *map(str, paths)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        texts, seconds = json.loads(said.splitlines()[-1])
        return {Path(path): text for path, text in texts.items()}, seconds

    return read


def _main() -> None:
    parser = argparse.ArgumentParser(description="Documents a second, and how near their text is to the expected one.")
    parser.add_argument("--markitdown", metavar="PYTHON")
    given = parser.parse_args()
    if "TINSMITH_BENCH_DATA" not in os.environ:
        sys.exit("set TINSMITH_BENCH_DATA to the folder that holds messy_docs")
    expected = judged_documents(Path(os.environ["TINSMITH_BENCH_DATA"]) / "messy_docs")
    readers = {"tinsmith": read_here}
    if given.markitdown:
        readers["markitdown"] = read_by_markitdown(given.markitdown)
    rows, single = [], {path: [path.name] for path in expected}
    for name, read in readers.items():
        texts, seconds = read(list(expected))
        near = {path: nearness(text, expected[path]) if text else 0.0 for path, text in texts.items()}
        for path, ratio in near.items():
            single[path].append(f"{ratio:.2f}")
        unread = sum(text is None for text in texts.values())
        mean, median = statistics.mean(near.values()), statistics.median(near.values())
        rows.append([name, len(texts), unread, f"{len(texts) / seconds:.1f}", f"{mean:.3f}", f"{median:.3f}"])
    head = ["reader", "documents", "not read", "documents/s", "mean nearness", "median"]
    print(f"{machine_line()}\n\n{markdown_table(head, rows)}\n")
    print(markdown_table(["document", *readers], list(single.values())))


if __name__ == "__main__":
    _main()
