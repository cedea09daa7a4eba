"""train: QLoRA on the train split; goes on from its last checkpoint after a kill.

Reads work/<r>/{train,validation}.parquet and the base model.
Writes work/<r>/adapter/, reports/<r>/train.json and reports/<r>/loss.csv.
"""

import csv
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import LossOn, TokenizedExample, tokenize_row
from pipelines.files import clear_unfinished, sha256_of_file, write_json, written_whole
from pipelines.gguf.toolchain import find_toolchain
from pipelines.gguf.toolchain_check import check_toolchain
from pipelines.model.base import BaseModel, base_model, load_tokenizer
from pipelines.model.checkpoints import checkpoint_folder
from pipelines.model.cost import machine_price
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe
from pipelines.stage_runner import run

# Enough examples to see the validation loss turn; more would cost as much as training itself.
VALIDATION_EXAMPLES = 32


def train(recipe: Recipe, paths: Paths) -> None:
    """Fine-tune the base named by the recipe and write the adapter with its report."""
    check_made("prepare", recipe.name, paths.work / "train.parquet", paths.work / "validation.parquet")
    base = base_model(recipe.model)
    tokenizer = load_tokenizer(base.folder)
    loss_on = recipe.train.loss_on
    validation = list(islice(_tokenised(tokenizer, paths.work / "validation.parquet", loss_on), VALIDATION_EXAMPLES))
    # Export comes hours later: a llama.cpp that is missing or of no use is told now.
    check_toolchain(find_toolchain())

    # Importing torch and trl takes seconds; mistakes above are told before.
    from pipelines.model.adapter import write_adapter
    from pipelines.model.nf4 import precision, quantised_base
    from pipelines.model.qlora import attention_for, fit, make_trainer, peak_memory_bytes

    attention = attention_for(_config(base), recipe.train.packing)
    folder = checkpoint_folder(paths.scratch, _shaped_by(recipe, paths, base))
    counts: Counter[str] = Counter()
    examples = _counted(_tokenised(tokenizer, paths.work / "train.parquet", loss_on), counts)
    trainer = make_trainer(
        quantised_base(base.folder, attention), tokenizer, examples, validation, recipe.train, folder
    )
    outcome = fit(trainer)

    clear_unfinished(paths.work / "adapter")
    with written_whole(paths.work / "adapter") as fresh:
        write_adapter(trainer.model, fresh, base.name)
    with written_whole(paths.reports / "loss.csv") as fresh, fresh.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["step", "loss", "learning_rate", "grad_norm"])
        writer.writeheader()
        writer.writerows(outcome.history)
    price = machine_price()
    write_json(
        paths.reports / "train.json",
        {
            "steps": outcome.steps,
            "trained_tokens": outcome.tokens,
            "answer_share": round(counts["trained"] / counts["tokens"], 4),
            "tokens_per_second": round(outcome.tokens / outcome.seconds, 1),
            "peak_memory_bytes": peak_memory_bytes(),
            "seconds": round(outcome.seconds, 2),
            "cost": round(outcome.seconds * price.per_hour / 3600, 6),
            "currency": price.currency,
            "machine": price.machine,
            "precision": str(precision()).removeprefix("torch."),
            "attention": attention,
            "resumed_from_step": outcome.resumed_from_step,
            "examples": counts["examples"],
            "first_loss": outcome.history[0]["loss"],
            "last_loss": outcome.history[-1]["loss"],
            "validation_loss": outcome.validation_loss,
            "base": base.identity(),
        },
    )
    shutil.rmtree(folder)


def _tokenised(tokenizer: Any, split: Path, loss_on: LossOn) -> Iterator[TokenizedExample]:
    return (tokenize_row(tokenizer, row, loss_on) for row in SideRows(split))


def _counted(examples: Iterable[TokenizedExample], counts: Counter[str]) -> Iterator[TokenizedExample]:
    for example in examples:
        counts.update(examples=1, tokens=len(example.input_ids), trained=sum(example.trained))
        yield example


def _config(base: BaseModel) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(base.folder, trust_remote_code=False)


def _shaped_by(recipe: Recipe, paths: Paths, base: BaseModel) -> dict[str, Any]:
    """Everything that shapes the weights; a checkpoint made under anything else is not taken up."""
    import peft
    import torch
    import transformers
    import trl

    return {
        "train": recipe.train.model_dump(mode="json"),
        "base": base.identity(),
        "data": [sha256_of_file(paths.work / f"{split}.parquet") for split in ("train", "validation")],
        "versions": [library.__version__ for library in (peft, torch, transformers, trl)],
    }


if __name__ == "__main__":
    run(train)
