"""QLoRA through trl, peft and bitsandbytes: an NF4 base, low-rank adapters.

Method: Dettmers et al. 2023 (arXiv:2305.14314). The same code runs on a CPU and on an NVIDIA GPU.
"""

import math
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from peft import LoraConfig
from peft.helpers import disable_input_dtype_casting
from transformers import (
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl import SFTConfig, SFTTrainer

from pipelines.errors import TinsmithError
from pipelines.files import read_json, write_json
from pipelines.model import packed_attention
from pipelines.model.answer_loss import AnswerLossTrainer
from pipelines.model.checkpoints import last_whole_checkpoint
from pipelines.model.nf4 import precision
from pipelines.model.token_file import token_dataset
from pipelines.model.tokenized import Tokenized
from pipelines.recipe import Lora, Train


@dataclass(frozen=True)
class Outcome:
    """What a training did, over all its runs where it was interrupted."""

    steps: int
    tokens: int
    seconds: float
    resumed_from_step: int
    history: list[dict[str, float]]
    validation_loss: float | None


def attention_for(config: Any, packing: bool) -> str:
    """The attention that is right and fastest for this model on this machine."""
    on_cpu = not torch.cuda.is_available()
    windowed = getattr(config.get_text_config(), "sliding_window", None) is not None
    return packed_attention.NAME if packing and on_cpu and not windowed else "sdpa"


def make_trainer(
    model: Any,
    tokenizer: Any,
    train: Iterable[Tokenized],
    validation: Sequence[Tokenized],
    settings: Train,
    folder: Path,
) -> SFTTrainer:
    """A trl trainer for `settings`, with its checkpoints and the examples as it reads them in `folder`."""
    trainer_class = SFTTrainer if torch.cuda.is_available() else AnswerLossTrainer
    trainer = trainer_class(
        model=model,
        args=_arguments(settings, folder, keep_activations=_activations_fit(model, settings)),
        train_dataset=token_dataset(train, folder / "tokens" / "train"),
        eval_dataset=token_dataset(validation, folder / "tokens" / "validation") if validation else None,
        processing_class=tokenizer,
        peft_config=_lora(settings.lora),
        callbacks=[_Clock(), _StopOnNan()],
    )
    # trl turns the adapter to bf16, in which small updates round away and which fp16 GPUs lack; it is small, so fp32.
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    trainer.remove_callback(PrinterCallback)
    if trainer.pop_callback(ProgressCallback) is not None:
        trainer.add_callback(_Bar())
    return trainer


def fit(trainer: SFTTrainer) -> Outcome:
    """Train to the end, going on from the trainer's last whole checkpoint where there is one.

    Raises:
        TinsmithError: the loss is no longer a number.
    """
    folder = Path(trainer.args.output_dir)
    checkpoint = last_whole_checkpoint(folder)
    # peft looks for CUDA's autocast alone: on a CPU it turns inputs to fp32, which bf16's autocast turns back at once.
    # Left out, the numbers are the same and a step takes a seventh less.
    with disable_input_dtype_casting(trainer.model, active=not torch.cuda.is_available()):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        validation_loss = trainer.evaluate()["eval_loss"] if trainer.eval_dataset is not None else None
    clock = next(one for one in trainer.callback_handler.callbacks if isinstance(one, _Clock))
    state = trainer.state
    return Outcome(
        steps=state.global_step,
        tokens=int(state.num_input_tokens_seen),
        seconds=clock.seconds,
        resumed_from_step=int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0,
        history=[
            {"step": entry["step"], **{name: float(entry[name]) for name in ("loss", "learning_rate", "grad_norm")}}
            for entry in state.log_history
            if "loss" in entry
        ],
        validation_loss=validation_loss,
    )


def peak_memory_bytes() -> int:
    """The most memory held so far: the GPU's where there is one, else this process's resident set."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _arguments(settings: Train, folder: Path, *, keep_activations: bool) -> SFTConfig:
    return SFTConfig(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup if settings.warmup < 1 else 0.999,
        lr_scheduler_type="cosine",
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation,
        gradient_checkpointing=not keep_activations,
        max_length=settings.max_length,
        packing=settings.packing,
        seed=settings.seed,
        bf16=precision() == torch.bfloat16,
        fp16=precision() == torch.float16,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_steps=settings.checkpoint_every,
        save_total_limit=2,
        # A packed row has no padding; a padded one says in its mask what is padding.
        include_num_input_tokens_seen="all" if settings.packing else "non_padding",
        report_to="none",
        disable_tqdm=not sys.stderr.isatty(),
    )


def _lora(settings: Lora) -> LoraConfig:
    # peft takes one word for all layers of a kind, or a list.
    targets = settings.targets if isinstance(settings.targets, str) else list(settings.targets)
    return LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )


def _activations_fit(model: Any, settings: Train) -> bool:
    """Whether a step's activations may all be kept, which is a fifth faster than computing them twice.

    About 34 bytes per token, layer and hidden unit are kept in 16 bits, so 17 values (Korthikanti et al. 2022,
    arXiv:2205.05198, eq. 1 without attention scores); doubled, because adapters and casts keep copies of their inputs.
    """
    config = model.config.get_text_config()
    values = 2 * 17 * settings.batch_size * settings.max_length * config.hidden_size * config.num_hidden_layers
    needed = values * precision().itemsize
    free = torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else psutil.virtual_memory().available
    return bool(needed < free / 2)


class _Clock(TrainerCallback):
    """Adds up the seconds of a training over its interruptions; lost is only what ran after the last checkpoint."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        spent = self._file(args)
        earlier = read_json(spent)["seconds"] if spent.exists() and state.global_step else 0.0
        self._started = time.perf_counter() - earlier

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        write_json(self._file(args), {"seconds": time.perf_counter() - self._started})

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        self.seconds = time.perf_counter() - self._started

    @staticmethod
    def _file(args: TrainingArguments) -> Path:
        return Path(args.output_dir or ".") / "spent.json"


class _Bar(ProgressCallback):
    """The progress bar alone: the loss stands behind it, not in a line for each step."""

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002 (the callback's signature)
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Show the newest loss."""
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix(loss=f"{logs['loss']:.3f}")


class _StopOnNan(TrainerCallback):
    """A loss that is no number never becomes one again; stopping saves the rest of the rent."""

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Raise TinsmithError where a step's loss is not a number."""
        if logs and not math.isfinite(logs.get("loss", 0.0)):
            raise TinsmithError(
                f"train: the loss is not a number at step {state.global_step}; lower train.learning_rate and run again"
            )
