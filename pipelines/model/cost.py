"""What a second on this machine costs, from the price table `prices.yaml` that the user edits."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipelines import strict_yaml
from pipelines.errors import TinsmithError

PRICES = Path("prices.yaml")


@dataclass(frozen=True)
class Price:
    """`per_hour` is the whole machine's, in `currency`."""

    machine: str
    per_hour: float
    currency: str


def machine_price() -> Price:
    """The price of the machine this runs on: its GPU's, or its cores' where there is none.

    Raises:
        TinsmithError: the price table is missing, is not of its form, or does not list this GPU.
    """
    table = strict_yaml.load(PRICES)
    try:
        currency = str(table.value["currency"])
        gpu = _gpu_name()
        if gpu is None:
            cores = len(os.sched_getaffinity(0))
            return Price(f"{cores} CPU cores", cores * float(table.value["cpu"]["per_core_hour"]), currency)
        for row in table.value["gpus"]:
            if str(row["match"]) in gpu:
                return Price(gpu, float(row["per_hour"]), currency)
    except (KeyError, TypeError, ValueError):
        raise TinsmithError(
            f"{PRICES}: not a price table; it needs currency, cpu: {{per_core_hour}}, gpus: [{{match, per_hour}}]"
        ) from None
    raise TinsmithError(f"{PRICES}:{table.line(('gpus',))}: gpus: no price for {gpu}; add a line for it")


def _gpu_name() -> str | None:
    """The first NVIDIA GPU's name; asked of the driver's own tool, because importing torch for it takes seconds."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=20
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.splitlines()[0].strip() if answer.returncode == 0 and answer.stdout.strip() else None
