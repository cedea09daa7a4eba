"""The general benchmarks, by the name that recipes call them."""

from pipelines.scoring.ability.arc import ARC_CHALLENGE, ARC_EASY
from pipelines.scoring.ability.bbq import BBQ
from pipelines.scoring.ability.gsm8k import GSM8K
from pipelines.scoring.ability.hellaswag import HELLASWAG
from pipelines.scoring.ability.ifeval import IFEVAL
from pipelines.scoring.ability.mmlu import MMLU
from pipelines.scoring.ability.truthfulqa import TRUTHFULQA
from pipelines.scoring.ability.xstest import XSTEST

TASKS = {task.name: task for task in (ARC_EASY, ARC_CHALLENGE, HELLASWAG, MMLU, TRUTHFULQA, BBQ, GSM8K, IFEVAL, XSTEST)}
