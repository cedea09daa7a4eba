"""The machine line: what every benchmark ran on, without which its numbers mean nothing."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

import psutil

_LIBRARIES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "dvc")


def machine_line() -> str:
    """Processor, the cores this process may use, memory in GiB, and the versions that shape the numbers."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.M) if cpuinfo.exists() else None
    processor = named[1].strip() if named else platform.processor()
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{library} {version(library)}" for library in _LIBRARIES)
    return f"{processor}, {cores} cores, {memory:.0f} GiB; Python {platform.python_version()}, {libraries}"
