import os
import re

import pytest

from pipelines.errors import TinsmithError
from pipelines.model.cost import machine_price

TABLE = """currency: EUR
cpu: {per_core_hour: 0.05}
gpus:
  - {match: H200, per_hour: 3.50}
  - {match: L4, per_hour: 0.60}
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Gives this machine a price table and, where named, a GPU that its driver's tool reports."""

    def make(table: str | None, gpu: str | None = None) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
        if table is not None:
            (tmp_path / "prices.yaml").write_text(table)
        if gpu is not None:
            tool = tmp_path / "nvidia-smi"
            tool.write_text(f"#!/bin/sh\necho '{gpu}'\n")
            tool.chmod(0o755)

    return make


def test_without_a_gpu_every_core_is_paid(machine):
    machine(TABLE)
    cores = len(os.sched_getaffinity(0))
    price = machine_price()
    assert (price.machine, price.currency) == (f"{cores} CPU cores", "EUR")
    assert price.per_hour == pytest.approx(cores * 0.05)


def test_a_gpu_is_found_by_a_part_of_its_name(machine):
    machine(TABLE, gpu="NVIDIA L4")
    price = machine_price()
    assert (price.machine, price.per_hour, price.currency) == ("NVIDIA L4", 0.60, "EUR")


def test_a_gpu_without_a_price_names_the_line_to_mend(machine):
    machine(TABLE, gpu="NVIDIA Z9")
    with pytest.raises(TinsmithError, match=r"^prices\.yaml:3: gpus: no price for NVIDIA Z9; add a line for it$"):
        machine_price()


def test_a_driver_that_finds_no_gpu_means_cores(machine, tmp_path):
    machine(TABLE)
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    tool.chmod(0o755)
    assert machine_price().machine.endswith("CPU cores")


def test_a_missing_table_is_named(machine):
    machine(None)
    with pytest.raises(TinsmithError, match=re.escape("prices.yaml: there is no such file")):
        machine_price()


@pytest.mark.parametrize(
    "table",
    [
        "cpu: {per_core_hour: 0.05}\ngpus: []\n",
        "currency: EUR\ngpus: []\n",
        "currency: EUR\ncpu: 0.05\ngpus: []\n",
        "currency: EUR\ncpu: {per_core_hour: cheap}\ngpus: []\n",
    ],
    ids=["no currency", "no cpu", "cpu is a number", "price is a word"],
)
def test_a_table_of_another_form_is_told_its_form(machine, table):
    machine(table)
    with pytest.raises(TinsmithError, match=r"^prices\.yaml: not a price table; it needs currency, cpu"):
        machine_price()


@pytest.mark.parametrize("gpus", ["", "gpus: none\n", "gpus: [{match: L4}]\n"], ids=["missing", "a word", "no price"])
def test_gpus_of_another_form_are_told_their_form(machine, gpus):
    machine("currency: EUR\ncpu: {per_core_hour: 0.05}\n" + gpus, gpu="NVIDIA L4")
    with pytest.raises(TinsmithError, match="not a price table"):
        machine_price()


def test_the_shipped_table_has_a_price_for_cores(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert machine_price().per_hour > 0
