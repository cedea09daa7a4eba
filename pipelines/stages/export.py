"""export: the adapter merged into 16-bit weights, converted to GGUF and quantised.

Reads work/<r>/adapter/ and the base model. Writes work/<r>/gguf/*.gguf and reports/<r>/export.json.
"""

import tempfile
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import TokenizedExample, tokenize_row
from pipelines.files import sha256_of_file, write_json, written_whole
from pipelines.gguf.convert import convert, quantise
from pipelines.gguf.toolchain import find_toolchain
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe
from pipelines.stage_runner import run

# Held-out examples on which the merge is compared with what was trained; measured: 16 tell the two merges apart by
# seven standard errors, and either figure to a fifth.
PROBES = 16


def export(recipe: Recipe, paths: Paths) -> None:
    """Write one GGUF for each of the recipe's quants, and say how close the merge is to the trained model."""
    toolchain = find_toolchain()
    base = base_model(recipe.model)
    check_made("train", recipe.name, paths.work / "adapter")

    from pipelines.model.merge import merge_adapter

    files = {quant: f"{recipe.name}-{quant}.gguf" for quant in recipe.export.quants}
    paths.work.mkdir(parents=True, exist_ok=True)
    with written_whole(paths.work / "gguf") as folder, tempfile.TemporaryDirectory(dir=paths.work) as scratch:
        folder.mkdir()
        # The converter writes the folder's name into the GGUF as the model's name.
        merged, sixteen_bit = Path(scratch) / recipe.name, Path(scratch) / "16bit.gguf"
        merge = merge_adapter(base.folder, paths.work / "adapter", merged, _probes(base.folder, paths))
        convert(merged, sixteen_bit, toolchain)
        for quant, file in files.items():
            quantise(sixteen_bit, folder / file, quant, toolchain)

    quants = {
        quant: {
            "file": file,
            "bytes": (paths.work / "gguf" / file).stat().st_size,
            "sha256": sha256_of_file(paths.work / "gguf" / file),
        }
        for quant, file in files.items()
    }
    write_json(
        paths.reports / "export.json",
        {"base": base.identity(), "merge": asdict(merge), "llama_cpp": toolchain.version, "quants": quants},
    )


def _probes(base: Path, paths: Paths) -> list[TokenizedExample]:
    """Held-out examples; of training examples where nothing is held out to watch training."""
    tokenizer = load_tokenizer(base)
    for split in ("validation", "train"):
        if rows := list(islice(SideRows(paths.work / f"{split}.parquet"), PROBES)):
            return [tokenize_row(tokenizer, row, "completion") for row in rows]
    raise AssertionError("prepare never leaves the train split empty")


if __name__ == "__main__":
    run(export)
