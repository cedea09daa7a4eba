"""`tinsmith base-gguf`: the GGUF of the base onto which a recipe's adapter belongs."""

import tempfile
from pathlib import Path

from pipelines.cli.reports import read_report
from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_json
from pipelines.gguf.convert import make_gguf
from pipelines.gguf.toolchain import Toolchain, find_toolchain
from pipelines.model.base import BaseModel, base_model
from pipelines.model.merged_folder import Onto, write_merged
from pipelines.paths import Paths, user_cache
from pipelines.recipe_reader import read_resolved


def make_base_gguf(name: str, quant: str) -> None:
    """Make the base's GGUF in the user's cache, where it is not there yet, and print how adapter and base are served.

    Raises:
        TinsmithError: the recipe is not exported, was exported from another base, or its adapter is no GGUF.
    """
    recipe, paths = read_resolved(name), Paths(name)
    export = read_report(paths, "export")
    if export["adapter"] is None:
        raise TinsmithError(
            f"{paths.reports / 'export.json'}: the adapter of {name} has no GGUF of its own, since it is on head or "
            "embeddings of a base that holds both as one; serve the merged file: tinsmith serve " + name
        )
    base = base_model(recipe.model)
    if base.sha256 != export["base"]["sha256"]:
        raise TinsmithError(f"{paths.reports / 'export.json'}: is of another base; run `dvc repro export@{name}`")
    gguf = _base_under(base, export["adapter"]["onto"], quant, find_toolchain())
    print(f"llama-server --model {gguf} --lora {paths.work / 'gguf' / export['adapter']['file']} --jinja")


def _base_under(base: BaseModel, onto: Onto, quant: str, toolchain: Toolchain) -> Path:
    """All recipes that were merged onto the same weights share it; nothing of a recipe's text is in it."""
    key = sha256_of_json([base.sha256, onto, quant, toolchain.version])
    gguf = user_cache() / "base_gguf" / f"{base.folder.name}-{onto}-{quant}-{key[:16]}.gguf"
    if not gguf.exists():
        gguf.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=gguf.parent) as scratch:
            folder = Path(scratch) / base.folder.name
            write_merged(base.folder, None, folder, onto)
            make_gguf(folder, gguf, quant, toolchain)
    return gguf
