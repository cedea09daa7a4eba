"""The loss on a CPU, computed only where it is taken.

trl's loss asks the language-model head about every token and then throws the prompt's away, except on GPUs with Triton.
A prompt is most of an example, and the head is a fifth of a small model's work.
"""

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from trl import SFTTrainer

IGNORED = -100  # the label of a token on which no loss is taken


class AnswerLossTrainer(SFTTrainer):
    """trl's trainer with the same loss value, for models whose forward takes `logits_to_keep`, as transformers' do."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Mean negative log-likelihood of the trained tokens, in nats; over `num_items_in_batch` tokens where given.

        Args:
            model: the adapted model.
            inputs: `labels` (rows, tokens) and what the model's forward takes.
            return_outputs: also return the model's outputs, with logits only where the loss is taken.
            num_items_in_batch: trained tokens of all forward passes of this optimiser step.
        """
        next_tokens = inputs["labels"][:, 1:]
        kept = (next_tokens != IGNORED).any(dim=0).nonzero().flatten()
        rest = {name: value for name, value in inputs.items() if name != "labels"}
        outputs = model(**rest, logits_to_keep=kept, use_cache=False)
        targets = next_tokens[:, kept]
        total = cross_entropy(
            outputs.logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        tokens = (targets != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(tokens).clamp(min=1)
        return (loss, outputs) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,  # noqa: ARG002
        ignore_keys: list[str] | None = None,  # noqa: ARG002
    ) -> tuple[torch.Tensor, None, None]:
        """The loss of a batch that is not trained on, and nothing else."""
        # Without gradients bitsandbytes takes a matrix-vector kernel that is five times slower on a CPU.
        with torch.enable_grad():
            loss = self.compute_loss(model, self._prepare_inputs(inputs))
        return loss.detach(), None, None
