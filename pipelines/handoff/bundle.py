"""The bundle: one folder with everything that whoever runs the model needs, and nothing from the company's rows."""

import os
import shutil
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file, write_json, written_whole
from pipelines.handoff.card import model_card
from pipelines.handoff.handoff import Handoff
from pipelines.recipe_reader import as_yaml

CHECKSUMS = "checksums.sha256"


def write_bundle(handoff: Handoff, gguf: Path, bundle: Path) -> None:
    """Write the folder `bundle`, whole or not at all; the same handoff gives the same bytes.

    Raises:
        TinsmithError: `gguf` is missing or is not the file that the export stage described.
    """
    if not gguf.exists():
        raise TinsmithError(f"{gguf}: not there; run `dvc repro` to export it")
    with written_whole(bundle) as fresh:
        (fresh / "reports").mkdir(parents=True)
        _link_or_copy(gguf, fresh / gguf.name)
        (fresh / "model_card.md").write_text(model_card(handoff), encoding="utf-8")
        (fresh / f"{handoff.recipe.name}.yaml").write_text(as_yaml(handoff.recipe), encoding="utf-8")
        (fresh / "BASE_LICENSE.md").write_text(_license_note(handoff), encoding="utf-8")
        write_json(fresh / "handoff.json", _identity(handoff))
        for name, report in handoff.reports.items():
            write_json(fresh / "reports" / f"{name}.json", report)
        digests = {_name(file, fresh): sha256_of_file(file) for file in sorted(fresh.rglob("*")) if file.is_file()}
        if digests[gguf.name] != handoff.gguf["sha256"]:
            raise TinsmithError(f"{gguf}: not the file that export.json describes; run `dvc repro` to export it again")
        lines = [f"{digest}  {name}\n" for name, digest in digests.items()]
        (fresh / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def read_digests(bundle: Path) -> dict[str, str]:
    """Name below the bundle -> hex SHA-256, for every file in it, the list of checksums itself first."""
    listed = (line.split("  ", 1) for line in (bundle / CHECKSUMS).read_text(encoding="utf-8").splitlines())
    return {CHECKSUMS: sha256_of_file(bundle / CHECKSUMS)} | {name: digest for digest, name in listed}


def _link_or_copy(source: Path, target: Path) -> None:
    """A hard link costs no disk; some file systems and other disks refuse it, and a link in DVC's cache is followed."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def _name(file: Path, bundle: Path) -> str:
    return file.relative_to(bundle).as_posix()


def _identity(handoff: Handoff) -> dict[str, str]:
    return {
        "recipe": handoff.recipe.name,
        "model": handoff.recipe.handoff.model,
        "fingerprint": handoff.fingerprint,
        "file": handoff.gguf["file"],
        "sha256": handoff.gguf["sha256"],
        "quant": handoff.quant,
        "data_digest": handoff.data_digest,
        "base_sha256": handoff.base["sha256"],
        "verdict": handoff.verdict,
    }


def _license_note(handoff: Handoff) -> str:
    base = handoff.base
    return f"""\
# Licence of the base model

- Base: `{base["name"]}`, revision `{base["revision"]}`
- SHA-256 of its weights: `{base["sha256"]}`
- Licence: **{base["license"]}**

`{handoff.gguf["file"]}` is a changed version of it: fine-tuned, merged and quantised to {handoff.quant}. The base's
licence goes on to hold for it; read it before you pass the model on.
"""
