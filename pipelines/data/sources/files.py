"""Finding a source's files, here or behind a URL, and making each a plain file that a reader can open.

Whatever is compressed, packed or far away is copied into a scratch folder under a name of ours, within bounds: a bomb
stops with one line, and a member of an archive never says where it is written.
"""

import bz2
import fnmatch
import glob
import gzip
import lzma
import os
import re
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

import fsspec
import pyarrow as pa

from pipelines.data.sources.text_lines import has_lone_surrogate, shown
from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.recipe_sources import DocumentsSource, FilesSource

_LARGEST_RATIO = 200
_ALWAYS_ALLOWED = 64 * 2**20
COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
_SHORT = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz"}
_ARCHIVES = {".zip", ".tar"}
_BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)


@dataclass(frozen=True)
class SourceFile:
    """A file of a source: `path` is where it lies, a local path or a URL; `label` names it within its source."""

    path: str
    label: str


@dataclass(frozen=True)
class PlainFile:
    """A file that lies on this machine, neither compressed nor packed; `name` is what its format is read from."""

    path: Path
    label: str
    name: str
    told: str

    @property
    def sha256(self) -> str:
        """Hex digest of its bytes."""
        return sha256_of_file(self.path)


def find_files(source: FilesSource | DocumentsSource) -> tuple[SourceFile, ...]:
    """The files of a source, sorted by path.

    Raises:
        TinsmithError: the path names an unset environment variable, a place that cannot be reached, or no file; or a
            file's name is no UTF-8.
    """
    pattern = expanded(source)
    if is_remote(pattern):
        found = _remote(pattern, source.path)
        folder = os.path.commonpath([os.path.dirname(told_path(path)) for path in found]) if found else ""
    else:
        # Where a name has wildcards of its own, the file itself is meant.
        matches = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
        found = sorted(path for path in matches if os.path.isfile(path))
        folder = os.path.commonpath([Path(path).parent for path in found]) if found else ""
    if not found:
        raise TinsmithError(f"no file matches {source.path}; put the files there or mend the path")
    for path in found:
        _refuse_undecodable(told_path(path))
    return tuple(SourceFile(path, PurePosixPath(os.path.relpath(told_path(path), folder)).as_posix()) for path in found)


def told_path(path: str) -> str:
    """A path as errors and reports may name it: of a URL neither user nor query, which may hold secrets."""
    if not is_remote(path):
        return path
    return re.sub(r"^([^:]+://)[^/@]*@", r"\1", re.sub(r"[?#].*", "", path))


def is_remote(path: str) -> bool:
    """Whether a path is a URL."""
    return "://" in path


def expanded(source: FilesSource | DocumentsSource) -> str:
    """The source's path with `${NAME}` replaced; raises TinsmithError where a variable is missing."""
    try:
        return source.expanded_path()
    except KeyError as error:
        name = error.args[0]
        raise TinsmithError(
            f"{source.path} needs the environment variable {name}, which is not set; "
            f"export {name}=<folder> and run again"
        ) from None
    except ValueError:
        raise TinsmithError(f"{source.path} has a $ without a name; write $$ for a plain $") from None


@contextmanager
def plain_files(file: SourceFile, members: str) -> Iterator[Iterator[PlainFile]]:
    """Give the file itself or, of an archive, the members whose name matches, sorted; copies are removed at the end.

    Each PlainFile may be read until the next one is asked for.

    Raises:
        TinsmithError: the file cannot be read, is damaged, expands beyond all measure, or an archive holds a link or a
            name that leads out of it, or a member's name is no UTF-8.
    """
    # Beside the project's other unfinished work would fill its disk; the system's folder is made for this.
    with tempfile.TemporaryDirectory(prefix="tinsmith-") as scratch:
        yield _plain(file, members, Path(scratch))


def refuse_bomb(file: PlainFile) -> None:
    """Raise TinsmithError where a file that is a zip inside, as an XLSX, expands beyond all measure."""
    bound = _bound(file.path.stat().st_size)
    with _told(file.told, "file"), zipfile.ZipFile(file.path) as archive, open(os.devnull, "wb") as nowhere:
        for name in archive.namelist():
            with archive.open(name) as stream:
                bound = _copy(stream, nowhere, bound, file.told)


def _plain(file: SourceFile, members: str, scratch: Path) -> Iterator[PlainFile]:
    name = PurePosixPath(file.label).name
    path = _downloaded(file, scratch / "remote") if is_remote(file.path) else Path(file.path)
    plain = _decompressed(PlainFile(path, file.label, _long_name(name), told_path(file.path)), scratch / "plain")
    if _ending(plain.name) not in _ARCHIVES:
        yield plain
        return
    copied = scratch / "member"
    with _told(plain.told, "archive"):
        for member in _members(plain, members, copied):
            if _ending(member.name) in _ARCHIVES:
                raise TinsmithError(f"{member.told}: is an archive in an archive, which is not read; unpack it")
            yield _decompressed(member, scratch / "plain member")


def _refuse_undecodable(name: str) -> None:
    # Neither Arrow can open such a name nor a report hold it.
    if has_lone_surrogate(name):
        raise TinsmithError(f"{shown(name)}: the name is no UTF-8; rename it")


def _remote(pattern: str, told: str) -> list[str]:
    try:
        filesystem, path = fsspec.url_to_fs(pattern)
        found = filesystem.glob(path, detail=True) if glob.has_magic(path) else {path: filesystem.info(path)}
        return sorted(filesystem.unstrip_protocol(name) for name, info in found.items() if info["type"] == "file")
    except ImportError as error:
        raise TinsmithError(
            f"{told}: needs a package that is not installed ({error}); for s3:// `pip install tinsmith[s3]`"
        ) from None
    except FileNotFoundError:
        return []
    except Exception as error:  # noqa: BLE001 - each protocol has errors of its own, some with secrets in their text
        raise TinsmithError(
            f"{told}: cannot be reached ({type(error).__name__}); look at the address, the network and the credentials"
        ) from None


def _downloaded(file: SourceFile, copy: Path) -> Path:
    try:
        filesystem, path = fsspec.url_to_fs(file.path)
        filesystem.get_file(path, str(copy))
    except Exception as error:  # noqa: BLE001 - as above
        raise TinsmithError(f"{told_path(file.path)}: cannot be read ({type(error).__name__})") from None
    return copy


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _long_name(name: str) -> str:
    ending = _ending(name)
    return name.removesuffix(PurePosixPath(name).suffix) + _SHORT[ending] if ending in _SHORT else name


def _decompressed(file: PlainFile, copy: Path) -> PlainFile:
    kind = COMPRESSED.get(_ending(file.name))
    if kind is None:
        return file
    with _told(file.told, kind), _opened(file.path, kind) as stream, copy.open("wb") as out:
        _copy(stream, out, _bound(file.path.stat().st_size), file.told)
    return replace(file, path=copy, name=PurePosixPath(file.name).stem)


def _opened(path: Path, kind: str) -> Any:
    if kind == "zstd":
        return pa.input_stream(str(path), compression="zstd")
    if kind == "bzip2":
        return bz2.open(path)
    return gzip.open(path) if kind == "gzip" else lzma.open(path)


def _bound(size: int) -> int:
    return max(_ALWAYS_ALLOWED, _LARGEST_RATIO * size)


def _copy(stream: Any, out: IO[bytes], bound: int, told: str) -> int:
    """Copy a stream; returns how many bytes are left of `bound`."""
    while block := stream.read(2**20):
        bound -= len(block)
        if bound < 0:
            raise TinsmithError(
                f"{told}: expands to more than {_LARGEST_RATIO} times its size, as a bomb does; unpack it yourself if "
                "it is good"
            )
        out.write(block)
    return bound


@contextmanager
def _told(told: str, kind: str) -> Iterator[None]:
    try:
        yield
    except (*_BROKEN, RuntimeError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno:
            raise TinsmithError(f"{told}: cannot be read ({error.strerror})") from None
        raise TinsmithError(f"{told}: broken {kind} (cut short, damaged or encrypted); fetch it again") from None


def _members(file: PlainFile, pattern: str, copy: Path) -> Iterator[PlainFile]:
    bound = _bound(file.path.stat().st_size)
    with closing(_archive(file)) as archive:
        names = _safe_names(archive, file.told)
        matching = (name for name in names if fnmatch.fnmatchcase(_within(name), pattern))
        chosen = sorted((name for name in matching if not _is_hidden(name)), key=_within)
        if not chosen:
            raise TinsmithError(f"{file.told}: no file in it matches members {pattern!r} (hidden ones are passed over)")
        for name in chosen:
            _refuse_undecodable(f"{file.told}/{_within(name)}")
            stream = archive.open(name) if isinstance(archive, zipfile.ZipFile) else archive.extractfile(name)
            assert stream is not None
            with stream, copy.open("wb") as out:
                bound = _copy(stream, out, bound, file.told)
            place = _within(name)
            yield PlainFile(copy, f"{file.label}/{place}", PurePosixPath(name).name, f"{file.told}/{place}")


def _archive(file: PlainFile) -> zipfile.ZipFile | tarfile.TarFile:
    return zipfile.ZipFile(file.path) if _ending(file.name) == ".zip" else tarfile.open(file.path, "r:")


def _safe_names(archive: zipfile.ZipFile | tarfile.TarFile, told: str) -> list[str]:
    """The names of an archive's files, none of them in a place outside it, none a link or a device."""
    names = []
    for name, is_folder, is_file in _entries(archive):
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or not (path.parts or is_folder) or not is_file | is_folder:
            raise TinsmithError(f"{told}: holds a link, a device or a name that leads out of it; pack it anew without")
        if not is_folder:
            names.append(name)
    if len(names) != len(set(map(_within, names))):
        raise TinsmithError(f"{told}: holds two files of the same name; pack it anew")
    return names


def _within(name: str) -> str:
    """A name as seen from the archive's top, which `tar .` writes before each."""
    return name.removeprefix("./")


def _is_hidden(name: str) -> bool:
    """Whether a file is hidden, as a glob on disk would see it, or one of those that macOS packs beside each file."""
    parts = PurePosixPath(_within(name)).parts
    return parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts)


def _entries(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[tuple[str, bool, bool]]:
    """Each entry's name, whether it is a folder, and whether it is a regular file."""
    if isinstance(archive, tarfile.TarFile):
        for member in archive:
            yield member.name, member.isdir(), member.isreg()
    else:
        for info in archive.infolist():
            mode = stat.S_IFMT(info.external_attr >> 16)
            yield info.filename, info.filename.endswith("/"), mode in (0, stat.S_IFREG)
