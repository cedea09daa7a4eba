"""The builds of a recipe whose models were handed over and that git and DVC still know."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.paths import Paths

if TYPE_CHECKING:
    from dvc.api import DVCFileSystem


@dataclass(frozen=True)
class Build:
    """What register reported of a model, and the commit that holds it with `files`, all files that git and DVC keep.

    `files` is None where they are not those of this model: a commit may hold a build that had only begun.
    """

    commit: str
    receipt: dict[str, Any]
    files: "DVCFileSystem | None"


def earlier_builds(recipe: str) -> list[Build]:
    """A build of each model that a commit of any branch reports, the newest first; none outside of git."""
    paths, builds = Paths(recipe), dict[str, Build]()
    for commit in _commits(str(paths.reports / "registry.json")):
        build = _build(commit, paths)
        known = builds.setdefault(build.receipt["fingerprint"], build)
        if build.files and not known.files:
            builds[build.receipt["fingerprint"]] = build
    return list(builds.values())


def _commits(path: str) -> list[str]:
    return _git("log", "--all", "--format=%H", "--diff-filter=AM", "--", path).decode().split()


def _git(*words: str) -> bytes:
    try:
        return subprocess.run(["git", *words], capture_output=True, check=False).stdout
    except FileNotFoundError:
        return b""


def _build(commit: str, paths: Paths) -> Build:
    # Seconds of importing, only where there is a commit to look into.
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    receipt = _git("show", f"{commit}:./{paths.reports / 'registry.json'}")
    try:
        files = DVCFileSystem(rev=commit)
        known = _is_whole(files.repo, paths, receipt)
    except DvcException:  # the commit's dvc.yaml or dvc.lock cannot be read, or lacks the recipe
        known = False
    return Build(commit, json.loads(receipt), files if known else None)


def _is_whole(repo: Any, paths: Paths, receipt: bytes) -> bool:
    """Whether the commit's dvc.lock says that register wrote this receipt, and of what the other stages wrote last."""
    made = (paths.reports / "registry.json", paths.reports / "datasheet.json", paths.work / "gguf")
    registry, *others = [repo.find_outs_by_path(str(path))[0] for path in made]
    read = {dependency.def_path: dependency.hash_info for dependency in registry.stage.deps}
    written = hashlib.md5(receipt, usedforsecurity=False).hexdigest() == registry.hash_info.value
    return written and all(read.get(other.def_path) == other.hash_info for other in others)
