"""The embedded base, and one small training that several tests look at."""

import os

import pytest

from pipelines.data.tokenizing import TokenizedExample, tokenize_row
from pipelines.model.base import BaseModel, base_model, load_tokenizer
from pipelines.recipe import Lora, Model, Train

# Read when torch starts: without it, training crawls where another program holds a core.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# An answer behind which language goes on: a model stops there only where it was trained to.
UNFINISHED = "It is because"


@pytest.fixture(scope="session")
def base() -> BaseModel:
    return base_model(Model(base="embedded:smollm2-135m-instruct"))


@pytest.fixture(scope="session")
def tokenizer(base):
    return load_tokenizer(base.folder)


@pytest.fixture(scope="session")
def prompts() -> list[list[dict[str, str]]]:
    """Twenty short questions."""
    letters = "abcdefghijklmnopqrst"
    return [[{"role": "system", "content": "Say why."}, {"role": "user", "content": f"{one}?"}] for one in letters]


@pytest.fixture(scope="session")
def tiny_task(tokenizer, prompts) -> list[TokenizedExample]:
    """The twenty questions, all with the same unfinished answer."""
    return [tokenize_row(tokenizer, {"prompt": prompt, "answer": UNFINISHED}) for prompt in prompts]


@pytest.fixture(scope="session")
def unequal(tokenizer, prompts) -> list[TokenizedExample]:
    """Eight examples whose answers are between one and some fifty tokens long."""
    answers = ["Yes" if number % 2 else "one, two, three, " * number for number in range(8, 0, -1)]
    return [
        tokenize_row(tokenizer, {"prompt": prompt, "answer": answer})
        for prompt, answer in zip(prompts[:8], answers, strict=True)
    ]


@pytest.fixture(scope="session")
def trained(base, tokenizer, tiny_task, tmp_path_factory):
    """The trainer, its outcome, and the folder of the adapter, after a few steps on the tiny task."""
    from pipelines.model.nf4 import quantised_base
    from pipelines.model.packed_attention import NAME
    from pipelines.model.qlora import fit, make_trainer

    settings = Train(
        max_steps=7, learning_rate=3e-3, max_length=128, batch_size=4, checkpoint_every=100, lora=Lora(r=8, alpha=16)
    )
    folder = tmp_path_factory.mktemp("trained")
    trainer = make_trainer(quantised_base(base.folder, NAME), tokenizer, tiny_task, tiny_task[:4], settings, folder)
    outcome = fit(trainer)
    trainer.model.save_pretrained(folder / "adapter")
    return trainer, outcome, folder / "adapter"
