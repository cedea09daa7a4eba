import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, TrainerCallback

from pipelines.errors import TinsmithError
from pipelines.model.nf4 import precision, quantised_base
from pipelines.model.packed_attention import NAME
from pipelines.model.qlora import attention_for, fit, make_trainer
from pipelines.recipe import Lora, Train

pytestmark = pytest.mark.timeout(500)

LORA = Lora(r=4, alpha=8)


@pytest.fixture
def make(base, tokenizer):
    """A trainer on a freshly loaded base."""

    def trainer(examples, folder, **settings):
        given = Train(max_length=128, lora=LORA, **settings)
        model = quantised_base(base.folder, NAME if given.packing else "sdpa")
        return make_trainer(model, tokenizer, examples, [], given, folder)

    return trainer


def adapter_of(trainer):
    return {name: weight.detach() for name, weight in trainer.model.named_parameters() if weight.requires_grad}


class StopBefore(TrainerCallback):
    """Ends a training as a kill would: in the middle of a step, with only the checkpoints left."""

    def __init__(self, step):
        self.step = step

    def on_step_begin(self, args, state, control, **_):  # noqa: ARG002
        if state.global_step + 1 == self.step:
            raise KeyboardInterrupt


def test_accumulating_changes_neither_loss_nor_gradient(make, unequal, tmp_path):
    """PAINS 1: eight rows at once, or two at a time, of unequal lengths."""
    steps = [
        fit(
            make(
                unequal, tmp_path / str(rows), max_steps=1, packing=False, batch_size=rows, gradient_accumulation=times
            )
        )
        for rows, times in ((8, 1), (2, 4))
    ]
    (at_once, *_), (in_parts, *_) = (outcome.history for outcome in steps)
    # bf16 rounds by half a percent; a mean of the four parts' means would be a fifth higher.
    assert in_parts["loss"] == pytest.approx(at_once["loss"], rel=2e-2)
    assert in_parts["grad_norm"] == pytest.approx(at_once["grad_norm"], rel=4e-2)
    assert steps[0].tokens == steps[1].tokens == sum(len(example.input_ids) for example in unequal)


def test_an_interrupted_training_ends_where_a_straight_one_does(make, unequal, tmp_path):
    """PAINS 15: two steps, an interruption, and two more are four steps straight."""
    given = {"max_steps": 4, "checkpoint_every": 2, "batch_size": 1, "learning_rate": 5e-3}
    straight = make(unequal[:4], tmp_path / "straight", **given)
    whole = fit(straight)
    first = make(unequal[:4], tmp_path / "resumed", **given)
    first.add_callback(StopBefore(4))
    with pytest.raises(KeyboardInterrupt):
        fit(first)
    second = make(unequal[:4], tmp_path / "resumed", **given)
    resumed = fit(second)

    assert (whole.resumed_from_step, resumed.resumed_from_step) == (0, 2)
    assert (resumed.steps, resumed.tokens) == (whole.steps, whole.tokens)
    for found, wanted in zip(resumed.history, whole.history, strict=True):
        assert found == pytest.approx(wanted, rel=1e-3)
    for name, weight in adapter_of(straight).items():
        torch.testing.assert_close(adapter_of(second)[name], weight, rtol=1e-3, atol=1e-5)
    assert resumed.seconds > 0


def test_generation_ends_with_the_answer(base, trained, tokenizer, prompts):
    """PAINS 5: all twenty prompts are answered and stopped, behind words at which no language ends."""
    plain = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32, use_safetensors=True)
    model = PeftModel.from_pretrained(plain, trained[2]).eval()
    texts = [tokenizer.apply_chat_template(one, tokenize=False, add_generation_prompt=True) for one in prompts]
    asked = tokenizer(texts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
    answers = model.generate(**asked, max_new_tokens=8, do_sample=False)[:, asked["input_ids"].shape[1] :]
    ended = [text.partition("<|im_end|>") for text in tokenizer.batch_decode(answers)]
    assert {(answer, stop) for answer, stop, _ in ended} == {("It is because", "<|im_end|>")}


def test_a_few_steps_learn_the_tiny_task(trained):
    _, outcome, _ = trained
    assert [entry["step"] for entry in outcome.history] == [1, 2, 3, 4, 5, 6, 7]
    assert outcome.history[-1]["loss"] < 0.3 < 3 < outcome.history[0]["loss"]
    assert outcome.validation_loss < 0.3


def test_a_packed_training_counts_its_tokens(trained, tiny_task):
    _, outcome, _ = trained
    assert outcome.tokens == outcome.steps * sum(len(example.input_ids) for example in tiny_task)
    assert outcome.resumed_from_step == 0


def test_only_the_adapter_trains_and_in_fp32(trained):
    """In bf16 small updates would round away."""
    trainer, *_ = trained
    assert {weight.dtype for weight in adapter_of(trainer).values()} == {torch.float32}
    assert all("lora_" in name for name in adapter_of(trainer))
    adapted = {name.split(".lora_")[0].rpartition(".")[2] for name in adapter_of(trainer)}
    assert adapted == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_the_base_is_in_four_bits(trained):
    trainer, *_ = trained
    layer = trainer.model.get_base_model().model.layers[0].self_attn.q_proj.base_layer
    assert layer.weight.quant_type == "nf4"
    assert layer.weight.quant_state.nested
    assert layer.compute_dtype == precision()


def test_a_loss_that_is_no_number_stops_at_once(make, tiny_task, tmp_path):
    trainer = make(tiny_task[:1], tmp_path, max_steps=3, batch_size=1)
    next(iter(adapter_of(trainer).values())).fill_(float("nan"))
    with pytest.raises(TinsmithError) as caught:
        fit(trainer)
    assert str(caught.value) == ("train: the loss is not a number at step 1; lower train.learning_rate and run again")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has rules of its own")
@pytest.mark.parametrize(
    ("told", "computed_in"),
    [({"amx_bf16": True}, torch.bfloat16), ({"amx_bf16": False}, torch.float32), ({}, torch.float32)],
)
def test_a_cpu_computes_in_bf16_only_where_that_is_fast(monkeypatch, told, computed_in):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)
    assert precision() == computed_in


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU it is always transformers' own")
@pytest.mark.parametrize(
    ("config", "packing", "attention"),
    [
        (LlamaConfig(), True, NAME),
        (LlamaConfig(), False, "sdpa"),
        (MistralConfig(sliding_window=16), True, "sdpa"),
        (MistralConfig(sliding_window=None), True, NAME),
    ],
    ids=["packed", "padded", "windowed", "window turned off"],
)
def test_own_attention_only_where_it_is_right(config, packing, attention):
    assert attention_for(config, packing) == attention
