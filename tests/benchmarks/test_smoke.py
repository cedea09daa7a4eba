"""The GPU benchmark's arithmetic, and the script itself on a tiny model."""

import pytest
import torch

from benchmarks.gpu import smoke


def test_flops_of_one_layer_counted_by_hand() -> None:
    # 10 tokens: frozen 4 x 100, adapters 6 x 8 a token; attention 6 x 1 layer x 16 channels x 10^2.
    work = smoke.Work(frozen=100, adapters=8, layers=1, channels=16)
    assert work.flops([10]) == 10 * (400 + 48) + 6 * 16 * 100


def test_packed_examples_attend_within_themselves_only() -> None:
    work = smoke.Work(frozen=100, adapters=8, layers=1, channels=16)
    assert work.flops([5, 5]) < work.flops([10])


def test_configurations_have_the_published_number_of_parameters() -> None:
    counted = {}
    for name, config in smoke.MODELS.items():
        with torch.device("meta"):
            model = smoke.AutoModelForCausalLM.from_config(config)
        counted[name] = sum(parameter.numel() for parameter in model.parameters())
    assert counted == {"Llama-3.2-1B": 1_235_814_400, "Llama-3.1-8B": 8_030_261_248}


@pytest.mark.parametrize(
    ("gpu", "peak"), [("NVIDIA H200", 989e12), ("NVIDIA H100 PCIe", 756e12), ("NVIDIA L4", 121e12)]
)
def test_peak_is_found_by_the_gpus_own_name(gpu: str, peak: float) -> None:
    assert smoke.peak_flops(gpu) == peak


def test_an_unknown_gpu_has_no_peak() -> None:
    assert smoke.peak_flops("CPU") is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        smoke.main(tiny=False)
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert said.err == "no NVIDIA GPU here; --tiny tests this benchmark on a CPU\n"
    assert said.out == ""


def test_tiny_trains_and_prints_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    smoke.main(tiny=True)
    row = capsys.readouterr().out.splitlines()[-1].split(" | ")
    name, tokens_per_second, memory, teraflops = row[0], *(float(cell.replace(",", "")) for cell in row[1:4])
    assert name == "| tiny"
    assert min(tokens_per_second, memory, teraflops) > 0
