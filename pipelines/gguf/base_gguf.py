"""The base as GGUF, which all that compare with it share."""

from pathlib import Path

from pipelines.files import read_json, sha256_of_file, sha256_of_json
from pipelines.gguf.convert import make_gguf
from pipelines.gguf.toolchain import Toolchain
from pipelines.paths import Paths, user_cache


def base_gguf(folder: Path, quant: str, toolchain: Toolchain, text: str = "", tokens: int = 0) -> Path:
    """The base as GGUF, kept for all runs; any other file in the folder, text or llama.cpp makes another.

    Its importance matrix is computed on `text` of so many tokens; without text it has none, and all recipes share it.
    """
    files = {path.name: sha256_of_file(path) for path in sorted(folder.iterdir()) if path.is_file()}
    key = sha256_of_json([files, quant, text, toolchain.version])
    gguf = user_cache() / "base_gguf" / f"{folder.name}-{quant}-{key[:16]}.gguf"
    if not gguf.exists():
        make_gguf(folder, gguf, quant, toolchain, text, tokens)
    return gguf


def baseline_gguf(folder: Path, quant: str, toolchain: Toolchain, paths: Paths) -> Path:
    """The very file that answered in the recipe's baseline stage, which has written the text that it is made of."""
    return base_gguf(folder, quant, toolchain, **read_json(paths.work / "baseline" / "imatrix.json"))
