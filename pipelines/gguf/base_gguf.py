"""The base as GGUF, which all that compare with it share."""

from pathlib import Path

from pipelines.files import sha256_of_file, sha256_of_json
from pipelines.gguf.convert import make_gguf
from pipelines.gguf.toolchain import Toolchain
from pipelines.paths import user_cache


def base_gguf(folder: Path, quant: str, toolchain: Toolchain) -> Path:
    """The base as GGUF, made once for all recipes; any other file in the folder or llama.cpp makes another."""
    files = {path.name: sha256_of_file(path) for path in sorted(folder.iterdir()) if path.is_file()}
    key = sha256_of_json([files, quant, toolchain.version])
    gguf = user_cache() / "base_gguf" / f"{folder.name}-{quant}-{key[:16]}.gguf"
    if not gguf.exists():
        make_gguf(folder, gguf, quant, toolchain)
    return gguf
