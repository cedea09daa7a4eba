from pathlib import Path

import pytest

from pipelines.cli import doctor
from pipelines.cli.doctor import Finding
from pipelines.gguf.toolchain import PROGRAMS


@pytest.fixture
def toolchain(tmp_path, monkeypatch) -> Path:
    """A folder with programs that say the version of llama.cpp."""
    folder = tmp_path / "llama"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "convert_hf_to_gguf.py").touch()
    for name in PROGRAMS:
        (folder / name).write_text("#!/bin/sh\necho version: 9.9.9\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("TINSMITH_LLAMA_CPP", str(folder))
    return folder


def found(findings, what):
    return next(finding for finding in findings if finding.what == what)


def test_llama_cpp_with_its_origin_version_and_folder(toolchain):
    (finding,) = doctor._llama_cpp()
    assert finding == Finding("llama.cpp", "ok", f"9.9.9, TINSMITH_LLAMA_CPP: {toolchain}")


def test_a_folder_without_programs_is_missing_and_names_them(toolchain):
    (toolchain / "llama-bench").unlink()
    (finding,) = doctor._llama_cpp()
    assert finding.state == "missing"
    assert "llama-bench" in finding.found


def test_without_llama_cpp_it_says_how_to_get_it_and_builds_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("TINSMITH_LLAMA_CPP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TINSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CXX", raising=False)
    findings = list(doctor._llama_cpp())
    assert found(findings, "llama.cpp").state == "missing"
    assert found(findings, "llama.cpp").mend.startswith("tinsmith toolchain")
    assert found(findings, "C++ compiler").state == "missing"
    assert "apt-get install g++" in found(findings, "C++ compiler").mend
    assert [base.state for base in doctor._bases()] == ["note"]
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("project")
def test_versions_other_than_the_tested_ones_are_named():
    Path("constraints.txt").write_text("# tested\npytest==0.0.1\nnot-installed-at-all==1.0\n")
    finding = doctor._pins()
    assert finding.state == "note"
    assert "(tested: 0.0.1)" in finding.found
    assert "not-installed" not in finding.found
    Path("constraints.txt").write_text(f"pytest=={pytest.__version__}\n")
    assert doctor._pins().state == "ok"


def test_a_password_in_mlflows_address_is_not_shown(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:sesame@db.example.com/mlflow")
    assert doctor._mlflow().found == "postgresql://db.example.com/mlflow"


@pytest.mark.usefixtures("toolchain")
def test_outside_a_project_it_ends_with_2_and_says_so(tinsmith, project):
    (project / "dvc.yaml").unlink()
    code, out, err = tinsmith("doctor")
    assert code == 2
    assert "no dvc.yaml" in out
    assert "prices.yaml: there is no such file" in out
    assert err == ""
