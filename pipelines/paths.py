"""Where the line keeps its files, all relative to the project folder the command runs in."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pipelines.errors import TinsmithError


@dataclass(frozen=True)
class Paths:
    """The files of one recipe; `name` is the recipe's name."""

    name: str

    @property
    def recipe(self) -> Path:
        """What the user writes."""
        return Path("recipes") / f"{self.name}.yaml"

    @property
    def resolved(self) -> Path:
        """The recipe with every default written out."""
        return Path("resolved") / f"{self.name}.yaml"

    @property
    def work(self) -> Path:
        """Large and private outputs: ignored by git, cached by DVC."""
        return Path("work") / self.name

    def collected(self, source: str) -> Path:
        """The rows of one source as they were read, with its contract."""
        return self.work / "collected" / source

    @property
    def reports(self) -> Path:
        """Small outputs without personal data: committed."""
        return Path("reports") / self.name

    @property
    def scratch(self) -> Path:
        """Unfinished work that a killed stage takes up again; not a DVC output, safe to delete."""
        return Path("work") / ".scratch" / self.name


def check_made(stage: str, recipe: str, *made: Path) -> None:
    """Raise TinsmithError where what an earlier stage writes is not there."""
    for path in made:
        if not path.exists():
            raise TinsmithError(f"{path}: not there yet; run `python -m pipelines.stages.{stage} {recipe}` first")


def user_cache() -> Path:
    """The folder shared by all checkouts of one user: `TINSMITH_CACHE` or the platform's cache folder."""
    return Path(os.environ.get("TINSMITH_CACHE") or platformdirs.user_cache_path("tinsmith"))
