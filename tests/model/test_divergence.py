import math

import pytest
import torch

from pipelines.data.tokenizing import TokenizedExample
from pipelines.errors import TinsmithError
from pipelines.model import divergence
from pipelines.model.divergence import answer_logprobs, divergences, row_divergences, summarised
from pipelines.model.merged_folder import write_merged
from tests.model.tiny import random_adapter, tiny_base

pytestmark = pytest.mark.filterwarnings("ignore")
PROBE = TokenizedExample([5, 80, 200, 31, 7], [0, 0, 1, 1, 0])


@pytest.fixture(scope="module")
def models(chatml_base, tmp_path_factory):
    """A base, an adapter on it, and the two merges."""
    folder = tmp_path_factory.mktemp("divergence")
    base = tiny_base(folder / "base", chatml_base, tied=True)
    adapter = random_adapter(base, folder / "adapter")
    for onto in ("16bit", "nf4"):
        write_merged(base, adapter, folder / onto, onto)
    return base, adapter, [folder / "16bit", folder / "nf4"]


def test_kl_is_zero_for_the_same_and_known_for_two_coins():
    fair, biased = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
    assert row_divergences([fair], [fair]) == [0]
    # 0.5 ln(0.5/0.25) + 0.5 ln(0.5/0.75)
    assert row_divergences([fair, fair], [biased, fair]) == [pytest.approx(0.1438410, abs=1e-6), 0]


def test_the_mean_is_over_tokens_and_its_error_over_rows():
    found = summarised([1.0, 3.0, 2.0], [10, 10, 20])
    assert (found.mean, found.rows, found.tokens) == (0.15, 3, 40)
    # Residuals -0.5, 1.5, -1; sqrt(3.5 x 3/2) / 40.
    assert found.standard_error == pytest.approx(math.sqrt(3.5 * 1.5) / 40)
    assert math.isnan(summarised([1.0], [10]).standard_error)


def test_the_standard_error_is_the_spread_of_means_over_samples():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(5, 50, (2000, 30), generator=generator)
    sums = tokens * torch.rand(2000, 30, generator=generator)
    found = [summarised(row.tolist(), count.tolist()) for row, count in zip(sums, tokens, strict=True)]
    spread = torch.tensor([one.mean for one in found]).std()
    assert sum(one.standard_error for one in found) / 2000 == pytest.approx(float(spread), rel=0.1)


def test_the_merge_onto_what_was_trained_on_is_the_closer_one(models):
    onto_16bit, onto_nf4 = divergences(*models, [PROBE, PROBE])
    assert 0 <= onto_nf4.mean < onto_16bit.mean / 3
    assert (onto_nf4.rows, onto_nf4.tokens) == (2, 4)


def test_only_what_is_trained_is_looked_at(models):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(models[0], dtype=torch.float32).eval()
    with torch.inference_mode():
        wanted = model(torch.tensor([PROBE.input_ids])).logits[0, 1:3].log_softmax(-1)
        assert torch.allclose(answer_logprobs(model, PROBE), wanted, atol=1e-5)


def test_probes_without_an_answer_are_left_out_and_long_ones_bounded(models, monkeypatch):
    monkeypatch.setattr(divergence, "MOST_TOKENS", 5)
    silent = TokenizedExample([5, 6], [0, 0])
    found = divergences(*models, [silent, PROBE, PROBE, PROBE])[0]
    assert (found.rows, found.tokens) == (2, 4)
    with pytest.raises(TinsmithError, match="no held-out example has an answer"):
        divergences(*models, [silent])
