"""Running llama.cpp's programs: their messages, or one line that says why one of them failed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import TinsmithError


@dataclass(frozen=True)
class Output:
    """What a program wrote: results on `stdout`, most of its messages on `stderr`."""

    stdout: str
    stderr: str


def run_program(doing: str, *command: str | Path | int, folder: Path | None = None) -> Output:
    """Run a program with its arguments to its end, in `folder` or where the line runs.

    Raises:
        TinsmithError: it failed; with what it was `doing` and the last line that it wrote.
    """
    ended = subprocess.run(
        [*map(str, command)], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if ended.returncode != 0:
        lines = [line for line in (ended.stdout + "\n" + ended.stderr).splitlines() if line.strip()]
        raise TinsmithError(f"{doing} failed: {lines[-1].strip() if lines else 'no message'}")
    return Output(ended.stdout, ended.stderr)
