"""PAINS 7: examples that share a row never see each other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoModelForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from pipelines.model.packed_attention import LONGEST_PLAIN, NAME, packed_sdpa


def attended(lengths, heads=4, key_heads=2, size=8):
    """Query, key and value of a packed row, what packed_sdpa makes of them, and what each example is alone."""
    tensors = [torch.randn(1, count, sum(lengths), size, requires_grad=True) for count in (heads, key_heads, key_heads)]
    bounds = torch.tensor([0, *lengths]).cumsum(0)
    packed, _ = packed_sdpa(torch.nn.Identity(), *tensors, attention_mask=None, cu_seq_lens_q=bounds)
    alone = [
        scaled_dot_product_attention(
            *(tensor[:, :, start:end] for tensor in tensors), is_causal=True, enable_gqa=heads != key_heads
        ).transpose(1, 2)
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
    return tensors, packed, torch.cat(alone, dim=1)


@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6), key_heads=st.sampled_from([1, 2, 4]))
@settings(max_examples=25, deadline=None)
def test_a_packed_row_is_its_examples_alone(lengths, key_heads):
    _, packed, alone = attended(lengths, key_heads=key_heads)
    torch.testing.assert_close(packed, alone)


@pytest.mark.parametrize("lengths", [[5, 9, 1], [LONGEST_PLAIN + 1, 7]], ids=["all pairs at once", "flash"])
def test_gradients_are_those_of_the_examples_alone(lengths):
    tensors, packed, alone = attended(lengths)
    weights = torch.randn_like(packed)
    of_packed = torch.autograd.grad((packed * weights).sum(), tensors)
    of_alone = torch.autograd.grad((alone * weights).sum(), tensors)
    for found, wanted in zip(of_packed, of_alone, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def model(base):
    """The real base in fp32, so that differences are the attention's and not of rounding."""
    return AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32, use_safetensors=True)


@pytest.fixture(scope="module")
def row(tokenizer, unequal):
    """Two examples in one row, as trl packs them for training."""
    pack = DataCollatorForLanguageModeling(tokenizer.pad_token_id, padding_free=True)
    return pack([{"input_ids": example.input_ids} for example in unequal[:2]])


@pytest.fixture
def run(model, row, unequal):
    """The logits of the second example, packed behind the first, or alone under transformers' own attention."""
    ids = torch.tensor([unequal[1].input_ids])
    packed = {name: value for name, value in row.items() if name != "labels"}

    def logits(how, training):
        model.train(training)
        model.set_attn_implementation("sdpa" if how == "alone" else how)
        given = {"input_ids": ids} if how == "alone" else packed
        return model(**given, use_cache=False).logits[0, -ids.shape[1] :]

    return logits


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_the_second_example_answers_as_if_it_were_alone(run, training):
    with torch.no_grad():
        torch.testing.assert_close(run(NAME, training), run("alone", training), rtol=0, atol=2e-3)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_transformers_own_attention_keeps_the_examples_apart_too(run, training):
    """The path of a GPU, and of bases whose attention is windowed."""
    with torch.no_grad():
        torch.testing.assert_close(run("sdpa", training), run("alone", training), rtol=0, atol=2e-3)


def test_the_second_example_trains_as_if_it_were_alone(model, run):
    weight = model.model.layers[0].self_attn.q_proj.weight
    packed, alone = (
        torch.autograd.grad(run(how, training=True).log_softmax(-1)[:, 0].mean(), weight)[0] for how in (NAME, "alone")
    )
    assert (packed - alone).norm() < 1e-3 * alone.norm()


def test_the_first_example_gets_no_gradient_from_the_second(model, row, unequal):
    model.set_attn_implementation(NAME)
    embedded = model.get_input_embeddings()(row["input_ids"]).detach().requires_grad_()
    bounds = {name: row[name] for name in ("position_ids", "cu_seq_lens_q", "cu_seq_lens_k")}
    logits = model(inputs_embeds=embedded, **bounds, use_cache=False).logits
    first = len(unequal[0].input_ids)
    logits[0, first:].log_softmax(-1)[:, 0].mean().backward(inputs=[embedded])
    assert embedded.grad[0, :first].abs().max() == 0
    assert embedded.grad[0, first:].abs().max() > 0
