from pathlib import Path

import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.toolchain import PROGRAMS, SOURCE, find_toolchain, installed_toolchain
from pipelines.pinned import fetch


def install(folder: Path, version: str, programs: tuple[str, ...] = PROGRAMS) -> Path:
    """Programs that say their version, as llama.cpp's do on stderr."""
    folder.mkdir(parents=True)
    for name in programs:
        (folder / name).write_text(f"#!/bin/sh\necho 'version: {version}' >&2\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def sdist() -> Path:
    """The pinned source in the user's own cache."""
    return fetch(SOURCE)


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Path:
    """A machine without llama.cpp, compiler and downloads."""
    monkeypatch.setenv("TINSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for name in ("TINSMITH_LLAMA_CPP", "CXX"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.usefixtures("bare")
def test_nothing_is_installed_on_a_bare_machine_and_a_build_needs_a_compiler():
    assert installed_toolchain() is None
    with pytest.raises(TinsmithError, match=r"no C\+\+ compiler to build llama.cpp with; install one"):
        find_toolchain()


@pytest.mark.parametrize("inside", ["", "bin", "build/bin"])
def test_the_named_folder_goes_before_path(bare, monkeypatch, inside):
    install(bare / "path", "9.9.9 (other)")
    programs = install(bare / "mine" / inside, "0.5.1 (mine)")
    (bare / "mine" / "convert_hf_to_gguf.py").touch()
    monkeypatch.setenv("TINSMITH_LLAMA_CPP", str(bare / "mine"))
    found = find_toolchain()
    assert (found.origin, found.version, found.programs) == ("TINSMITH_LLAMA_CPP", "0.5.1 (mine)", programs)
    assert found.converter == bare / "mine" / "convert_hf_to_gguf.py"


def test_a_named_folder_that_lacks_programs_is_not_passed_over(bare, monkeypatch):
    install(bare / "mine", "0.5.1", PROGRAMS[:-1])
    monkeypatch.setenv("TINSMITH_LLAMA_CPP", str(bare / "mine"))
    with pytest.raises(TinsmithError, match=r"mine: lacks llama-server; name the folder that holds them$"):
        find_toolchain()


@pytest.mark.parametrize("program", [b"#!/bin/sh\nexit 132\n", b"\x7fELF of another processor"])
def test_a_program_that_does_not_run_here_is_told(bare, monkeypatch, program):
    install(bare / "mine", "0.5.1")
    (bare / "mine" / "llama-server").write_bytes(program)
    monkeypatch.setenv("TINSMITH_LLAMA_CPP", str(bare / "mine"))
    with pytest.raises(TinsmithError, match="llama-server: does not run here"):
        find_toolchain()


@pytest.mark.parametrize("version", ["0.4.99 (old)", "4711 (b4711)", "unknown"])
def test_an_older_llama_cpp_that_is_named_is_refused_pain_22(bare, monkeypatch, version):
    install(bare / "mine", version)
    monkeypatch.setenv("TINSMITH_LLAMA_CPP", str(bare / "mine"))
    with pytest.raises(TinsmithError, match=r"mine: is version .+, and at least 0\.5\.0 is needed; name a newer one"):
        find_toolchain()


@pytest.mark.parametrize("version", ["0.4.99 (old)", "4711 (b4711)", "unknown"])
def test_an_older_llama_cpp_on_path_is_passed_over(bare, version):
    install(bare / "path", version)
    assert installed_toolchain() is None


def test_a_llama_cpp_on_path_that_lacks_programs_is_passed_over(bare):
    install(bare / "path", "9.9.9", ("llama-server",))
    assert installed_toolchain() is None


@pytest.mark.e2e
def test_a_newer_llama_cpp_on_path_is_taken_with_the_pinned_converter(sdist, bare):
    (bare / "cache" / "downloads").mkdir(parents=True)
    (bare / "cache" / "downloads" / SOURCE.filename).symlink_to(sdist)
    install(bare / "path", "0.5.0 (new enough)")
    found = find_toolchain()
    assert (found.origin, found.version) == ("PATH", "0.5.0 (new enough)")
    assert found.converter.is_file()
    assert (found.scripts / "LICENSE").is_file()
    assert not (found.scripts / "src").exists()
