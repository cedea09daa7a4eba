"""One llama.cpp for the whole line: found where the user has it, else built once from a pinned source.

Order: the folder named by `TINSMITH_LLAMA_CPP`; then PATH, when not older than the pinned source; then the user's
cache, built there from the llama-cpp-python sdist, which carries llama.cpp's whole tree. One that is named and older is
refused; whether it does all that the line asks of it is toolchain_check's matter.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

from pipelines.errors import TinsmithError
from pipelines.files import written_whole
from pipelines.paths import user_cache
from pipelines.pinned import PinnedFile, fetch

PROGRAMS = ("llama-quantize", "llama-imatrix", "llama-perplexity", "llama-bench", "llama-server")
SOURCE = PinnedFile(
    "llama-cpp-python",
    "0.3.36",
    "llama_cpp_python-0.3.36.tar.gz",
    "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
)
PINNED_VERSION = (0, 5, 0)
_CONVERTER = ("convert_hf_to_gguf.py", "convert_lora_to_gguf.py", "conversion", "gguf-py", "LICENSE")
_CMAKE_OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_ALL_WARNINGS=OFF",
    "-DGGML_ALL_WARNINGS=OFF",
    # The sdist has no git history to read it from.
    "-DLLAMA_BUILD_COMMIT=0c1e57098",
)
# GCC 12 (Debian 12's) miscompiles ggml's AMX tiles: the first quantised product crashes. AVX-512 serves as well.
_NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


@dataclass(frozen=True)
class Toolchain:
    """llama.cpp: its programs in `programs`, its converter in `scripts`; `origin` says where they come from."""

    origin: str
    version: str
    programs: Path
    scripts: Path

    def program(self, name: str) -> Path:
        """The path of one of PROGRAMS."""
        return self.programs / name

    @property
    def converter(self) -> Path:
        """The script that turns a model folder into a GGUF."""
        return self.scripts / "convert_hf_to_gguf.py"


def find_toolchain() -> Toolchain:
    """The toolchain to use, built first where there is none.

    Raises:
        TinsmithError: the named folder lacks programs or is too old, there is no compiler, or the build failed.
    """
    return installed_toolchain() or _build()


def installed_toolchain() -> Toolchain | None:
    """The toolchain that is there already, without building one; raises TinsmithError as find_toolchain does."""
    if named := os.environ.get("TINSMITH_LLAMA_CPP"):
        return _named(Path(named))
    on_path = _on_path()
    if on_path is not None:
        return on_path
    folder = build_folder()
    return (
        Toolchain("built from the pinned source", _version(folder), folder, folder / "scripts")
        if folder.is_dir()
        else None
    )


def version_at_hand(otherwise: str) -> str:
    """The version of the toolchain that is there already; where there is none, `otherwise`."""
    found = installed_toolchain()
    return found.version if found else otherwise


def build_folder() -> Path:
    """Where this machine's own build lies: by source, options and processor, so that a shared home stays right."""
    cpu = Path("/proc/cpuinfo")
    flags = re.search(r"^flags.*$", cpu.read_text(), re.M) if cpu.exists() else None
    made_for = [*_cmake_options(), flags[0] if flags else platform.processor()]
    key = hashlib.sha256("\n".join(made_for).encode()).hexdigest()[:8]
    kind = "cuda" if wants_cuda() else "cpu"
    return user_cache() / f"llama.cpp-{SOURCE.version}-{kind}-{platform.machine()}-{key}"


def compiler() -> str | None:
    """The C++ compiler that cmake would take: `$CXX`, else the system's."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return next((found for name in names if (found := shutil.which(name))), None)


def has_gpu() -> bool:
    """Whether NVIDIA's driver finds a GPU."""
    return (
        shutil.which("nvidia-smi") is not None
        and subprocess.run(["nvidia-smi", "-L"], capture_output=True).returncode == 0
    )


def wants_cuda() -> bool:
    """Whether a CUDA build would work and be of use here: a CUDA compiler and a GPU."""
    return shutil.which("nvcc") is not None and has_gpu()


def _cmake_options() -> list[str]:
    options = [*_CMAKE_OPTIONS]
    if platform.machine() == "x86_64":
        options += [f"-DCMAKE_C_FLAGS={_NO_AMX}", f"-DCMAKE_CXX_FLAGS={_NO_AMX}"]
    if wants_cuda():
        options.append("-DGGML_CUDA=ON")
    return options


def _named(folder: Path) -> Toolchain:
    for programs in (folder, folder / "bin", folder / "build" / "bin"):
        if all((programs / name).exists() for name in PROGRAMS):
            scripts = next(
                (place for place in (folder, programs / "scripts") if (place / _CONVERTER[0]).exists()), None
            )
            version = _version(programs)
            if not _is_new_enough(version):
                raise TinsmithError(
                    f"TINSMITH_LLAMA_CPP={folder}: is version {version}, and at least "
                    f"{'.'.join(map(str, PINNED_VERSION))} is needed; name a newer one, or none, and it is built"
                )
            return Toolchain("TINSMITH_LLAMA_CPP", version, programs, scripts or _converter())
    missing = [name for name in PROGRAMS if not (folder / name).exists()]
    raise TinsmithError(f"TINSMITH_LLAMA_CPP={folder}: lacks {', '.join(missing)}; name the folder that holds them")


def _on_path() -> Toolchain | None:
    found = shutil.which("llama-server")
    if found is None:
        return None
    programs = Path(found).parent
    if not all((programs / name).exists() for name in PROGRAMS):
        return None
    version = _version(programs)
    return Toolchain("PATH", version, programs, _converter()) if _is_new_enough(version) else None


def _is_new_enough(version: str) -> bool:
    """Whether it is not older than the pinned source; builds from before llama.cpp had such versions are."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return numbers is not None and tuple(map(int, numbers.groups())) >= PINNED_VERSION


def _version(programs: Path) -> str:
    server = programs / "llama-server"
    try:
        answer = subprocess.run([server, "--version"], capture_output=True, text=True)
        said = answer.stdout + answer.stderr if answer.returncode == 0 else ""
    except OSError:  # built for another processor, or without leave to run
        said = ""
    found = re.search(r"version: (.+)", said)
    if found is None:
        raise TinsmithError(f"{server}: does not run here; remove it, or name another llama.cpp in TINSMITH_LLAMA_CPP")
    return found[1]


def _converter() -> Path:
    """llama.cpp's converter from the pinned source, for programs that came without one."""
    folder = user_cache() / f"llama.cpp-{SOURCE.version}-scripts"
    if not folder.is_dir():
        with written_whole(folder) as fresh:
            _unpack(fresh.parent / "source", only_converter=True).rename(fresh)
    return folder


def _build() -> Toolchain:
    folder = build_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Two checkouts that start at once must not build twice.
    with FileLock(folder.parent / f"{folder.name}.lock"):
        if not folder.is_dir():
            if compiler() is None:
                raise TinsmithError(
                    "no C++ compiler to build llama.cpp with; install one (Debian: apt-get install g++) or name a "
                    "folder with llama.cpp's programs in TINSMITH_LLAMA_CPP"
                )
            print(f"building llama.cpp {SOURCE.version} into {folder}, once; about five minutes", flush=True)  # noqa: T201
            with written_whole(folder) as fresh:
                _compile(_unpack(fresh.parent / "source"), fresh)
    return Toolchain("built from the pinned source", _version(folder), folder, folder / "scripts")


def _unpack(folder: Path, only_converter: bool = False) -> Path:
    """Unpack llama.cpp's tree, or its converter alone, from the sdist; returns the tree's top folder."""
    top = f"{SOURCE.filename.removesuffix('.tar.gz')}/vendor/llama.cpp/"

    def wanted(member: tarfile.TarInfo) -> bool:
        inside = member.name.removeprefix(top)
        return inside != member.name and (not only_converter or inside.split("/")[0] in _CONVERTER)

    with tarfile.open(fetch(SOURCE)) as sdist:
        # Debian 12's Python 3.11.2 has no filters yet; there the pinned checksum alone vouches for the archive.
        sdist.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        sdist.extractall(folder, [member for member in sdist if wanted(member)])  # noqa: S202 (see above)
    return folder / top


def _compile(tree: Path, target: Path) -> None:
    """Build PROGRAMS from `tree` into the new folder `target`, with the converter's scripts beside them."""
    build = tree.parent / "build"
    cmake = Path(sysconfig.get_path("scripts")) / "cmake"
    ninja = Path(sysconfig.get_path("scripts")) / "ninja"
    log = user_cache() / f"{target.name}.log"
    options = [*_cmake_options(), f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    with log.open("w") as stream:
        _run_logged([str(cmake), "-G", "Ninja", "-S", str(tree), "-B", str(build), *options], stream.fileno(), log)
        _build_with_progress([str(cmake), "--build", str(build), "--target", *PROGRAMS], log)
    target.mkdir()
    for name in PROGRAMS:
        shutil.copy2(build / "bin" / name, target / name)
    (target / "scripts").mkdir()
    for name in _CONVERTER:
        (tree / name).rename(target / "scripts" / name)


def _run_logged(command: list[str], stream: int, log: Path) -> None:
    if subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT).returncode != 0:
        raise TinsmithError(f"llama.cpp cannot be configured; the reason stands at the end of {log}")


def _build_with_progress(command: list[str], log: Path) -> None:
    """Run ninja, turning its `[done/all]` lines into one progress bar."""
    with (
        log.open("a") as stream,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ninja,
        tqdm(desc="building llama.cpp (once)", unit="file", disable=None) as bar,
    ):
        assert ninja.stdout is not None
        for line in ninja.stdout:
            stream.write(line)
            if step := re.match(r"\[(\d+)/(\d+)\]", line):
                bar.total = int(step[2])
                bar.update(int(step[1]) - bar.n)
    if ninja.returncode != 0:
        raise TinsmithError(f"llama.cpp does not compile here; the first error stands in {log}")
