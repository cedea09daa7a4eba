import pytest
import torch
from trl import SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from pipelines.model.answer_loss import IGNORED
from pipelines.model.nf4 import quantised_base
from pipelines.model.packed_attention import NAME
from pipelines.model.qlora import make_trainer
from pipelines.recipe import Lora, Train

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU the loss is trl's own")


@pytest.fixture(scope="module")
def trainer(base, tokenizer, unequal, tmp_path_factory):
    """The real trainer before its first step, with an adapter that already changes something."""
    settings = Train(max_length=128, batch_size=8, lora=Lora(r=4, alpha=8))
    folder = tmp_path_factory.mktemp("trainer")
    made = make_trainer(quantised_base(base.folder, NAME), tokenizer, unequal, [], settings, folder)
    with torch.no_grad():
        for weight in trainable(made):
            weight.add_(torch.randn_like(weight) * 0.02)
    return made


@pytest.fixture
def packed(trainer):
    """One batch as training sees it."""
    return next(iter(trainer.get_train_dataloader()))


@pytest.fixture(scope="module")
def padded(tokenizer, unequal):
    """The same examples one below the other."""
    labels = [
        [token if trained else IGNORED for token, trained in zip(one.input_ids, one.trained, strict=True)]
        for one in unequal
    ]
    rows = [{"input_ids": one.input_ids, "labels": row} for one, row in zip(unequal, labels, strict=True)]
    return DataCollatorForLanguageModeling(tokenizer.pad_token_id)(rows)


def trainable(trainer):
    return [weight for weight in trainer.model.parameters() if weight.requires_grad]


def loss_and_gradients(trainer, loss_of, batch, tokens=None):
    loss = loss_of(trainer.model, dict(batch), num_items_in_batch=tokens)
    gradients = torch.autograd.grad(loss, trainable(trainer))
    return loss.item(), torch.cat([gradient.flatten() for gradient in gradients])


def test_loss_and_gradients_are_trls_own(trainer, packed):
    """PAINS 4: a faster loss takes the same mask."""
    tokens = (packed["labels"] != IGNORED).sum()
    trainer.model.train()
    loss, gradients = loss_and_gradients(trainer, trainer.compute_loss, packed, tokens)
    trls_loss, trls_gradients = loss_and_gradients(
        trainer, lambda *given, **named: SFTTrainer.compute_loss(trainer, *given, **named), packed, tokens
    )
    assert loss == pytest.approx(trls_loss, abs=1e-3)
    assert (gradients - trls_gradients).norm() < 1e-2 * trls_gradients.norm()


def test_packed_or_padded_the_loss_is_the_same(trainer, packed, padded):
    """PAINS 7, at the level of the loss and in evaluation mode."""
    trainer.model.eval()
    of_packed = trainer.compute_loss(trainer.model, dict(packed)).item()
    trainer.model.set_attn_implementation("sdpa")
    of_padded = trainer.compute_loss(trainer.model, dict(padded)).item()
    trainer.model.set_attn_implementation(NAME)
    assert of_packed == pytest.approx(of_padded, rel=1e-2)


@pytest.mark.parametrize("tokens", [None, 1000], ids=["of the batch", "of the whole step"])
def test_the_loss_is_the_mean_over_trained_tokens_alone(trainer, packed, tokens):
    """Masked tokens carry no loss, whatever the model thinks of them."""
    trainer.model.eval()
    loss = trainer.compute_loss(trainer.model, dict(packed), num_items_in_batch=tokens).item()
    given = {name: value for name, value in packed.items() if name != "labels"}
    surprise = -trainer.model(**given, use_cache=False).logits[0, :-1].float().log_softmax(-1)
    labels = packed["labels"][0, 1:]
    trained = [surprise[place, label].item() for place, label in enumerate(labels.tolist()) if label != IGNORED]
    assert loss == pytest.approx(sum(trained) / (tokens or len(trained)), abs=1e-3)


def test_a_batch_without_trained_tokens_has_no_loss(trainer, packed):
    nothing = {**packed, "labels": torch.full_like(packed["labels"], IGNORED)}
    assert trainer.compute_loss(trainer.model, nothing).item() == 0


def test_evaluation_reports_the_same_loss(trainer, packed):
    loss, logits, labels = trainer.prediction_step(trainer.model, dict(packed), prediction_loss_only=True)
    assert loss.item() == pytest.approx(trainer.compute_loss(trainer.model, dict(packed)).item(), abs=1e-3)
    assert (logits, labels) == (None, None)
