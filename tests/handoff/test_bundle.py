import os
import subprocess

import pytest

from pipelines.errors import TinsmithError
from pipelines.files import read_json, sha256_of_file
from pipelines.handoff.bundle import read_digests, write_bundle
from pipelines.recipe_reader import read_recipe


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bundle_holds_what_a_stranger_needs_and_no_rows(bundle):
    assert set(files(bundle)) == {
        "BASE_LICENSE.md",
        "checksums.sha256",
        "handoff.json",
        "model_card.md",
        "ticket_triage-Q4_K_M.gguf",
        "ticket_triage.yaml",
        "reports/ability.json",
        "reports/datasheet.json",
        "reports/evaluation.json",
        "reports/export.json",
        "reports/ingest.json",
        "reports/safety.json",
        "reports/train.json",
    }


def test_sha256sum_accepts_the_checksums_and_notices_a_flipped_bit(bundle):
    check = ["sha256sum", "--check", "--strict", "checksums.sha256"]
    assert subprocess.run(check, cwd=bundle, capture_output=True).returncode == 0
    (bundle / "model_card.md").write_text("changed")
    assert subprocess.run(check, cwd=bundle, capture_output=True).returncode == 1


def test_the_digests_cover_every_file(bundle):
    assert read_digests(bundle) == {name: sha256_of_file(bundle / name) for name in files(bundle)}


def test_the_recipe_in_the_bundle_can_be_built_again(bundle, handoff):
    assert read_recipe(bundle / "ticket_triage.yaml") == handoff.recipe


def test_the_bundle_says_which_model_it_is(bundle, handoff):
    identity = read_json(bundle / "handoff.json")
    assert identity["fingerprint"] == handoff.fingerprint
    assert identity["sha256"] == sha256_of_file(bundle / identity["file"])


def test_the_same_handoff_gives_the_same_bytes(bundle, handoff, gguf, tmp_path):
    write_bundle(handoff, gguf, tmp_path / "again")
    assert files(tmp_path / "again") == files(bundle)


def test_a_gguf_in_dvcs_cache_is_linked_not_copied(handoff, gguf, tmp_path):
    cached = tmp_path / "cached"
    cached.write_bytes(gguf.read_bytes())
    link = tmp_path / gguf.name
    link.symlink_to(cached)
    write_bundle(handoff, link, tmp_path / "bundle")
    bundled = tmp_path / "bundle" / gguf.name
    assert not bundled.is_symlink()
    assert os.path.samefile(bundled, cached)


def test_a_file_system_without_links_gets_a_copy(handoff, gguf, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("links are not supported")

    monkeypatch.setattr(os, "link", refuse)
    write_bundle(handoff, gguf, tmp_path / "bundle")
    assert (tmp_path / "bundle" / gguf.name).read_bytes() == gguf.read_bytes()


def test_another_gguf_than_the_exported_one_is_refused_and_the_old_bundle_stays(bundle, handoff, gguf, tmp_path):
    before = files(bundle)
    other = tmp_path / gguf.name
    other.write_bytes(b"something else")
    with pytest.raises(TinsmithError, match=r"not the file that export\.json describes"):
        write_bundle(handoff, other, bundle)
    assert files(bundle) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", gguf.name]


def test_a_missing_gguf_is_named(handoff, tmp_path):
    with pytest.raises(TinsmithError, match=r"gone\.gguf: not there; run `dvc repro`"):
        write_bundle(handoff, tmp_path / "gone.gguf", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
