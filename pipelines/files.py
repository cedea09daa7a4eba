"""Writing files so that a kill or a full disk never leaves half of one behind."""

import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` (for a file or a folder) and rename it onto `path` when the block succeeds.

    An existing file or folder at `path` is replaced; when the block raises, it stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        fresh = scratch / path.name
        yield fresh
        if path.is_dir() and not path.is_symlink():
            os.replace(path, scratch / "replaced")
        os.replace(fresh, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def clear_unfinished(*paths: Path) -> None:
    """Remove what a killed `written_whole` left beside files or folders that nobody else writes at this moment."""
    for path in paths:
        for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
            shutil.rmtree(left)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with written_whole(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with a final newline, whole or not at all; NaN and infinity raise ValueError."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that another stage wrote.

    Raises:
        TinsmithError: it is not whole, or somebody changed it, as a conflict of git's does.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise TinsmithError(
            f"{path}{line}: is no JSON; restore the file (git checkout), or remove it and run what wrote it"
        ) from None


def kept_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file that grows a line at a time; half a line, which a kill left, is cut off the file."""
    if not path.exists():
        return []
    *whole, half_written = path.read_bytes().split(b"\n")
    if half_written:
        os.truncate(path, path.stat().st_size - len(half_written))
    return [json.loads(line) for line in whole]


def sha256_of_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """Hex SHA-256 of a value's canonical JSON (sorted keys, no spaces), the same on every machine."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
