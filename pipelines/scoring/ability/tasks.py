"""The general benchmarks, by the name that recipes call them."""

import os
import string
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.recipe_ability import Ability
from pipelines.scoring.ability.arc import ARC_CHALLENGE, ARC_EASY
from pipelines.scoring.ability.bbq import BBQ
from pipelines.scoring.ability.gsm8k import GSM8K
from pipelines.scoring.ability.hellaswag import HELLASWAG
from pipelines.scoring.ability.ifeval import IFEVAL
from pipelines.scoring.ability.mmlu import MMLU
from pipelines.scoring.ability.questions import Question, sampled
from pipelines.scoring.ability.truthfulqa import TRUTHFULQA
from pipelines.scoring.ability.xstest import XSTEST

TASKS = {task.name: task for task in (ARC_EASY, ARC_CHALLENGE, HELLASWAG, MMLU, TRUTHFULQA, BBQ, GSM8K, IFEVAL, XSTEST)}


def questions_of(asked: Ability) -> dict[str, list[Question]]:
    """The rows of each benchmark that a recipe asks, by task.

    Raises:
        TinsmithError: the folder's variable is not set, a file is missing, or a row has another form.
    """
    try:
        data = Path(string.Template(asked.data).substitute(os.environ))
    except KeyError as error:
        name = error.args[0]
        raise TinsmithError(
            f"{asked.data} needs the environment variable {name}, which is not set; "
            f"export {name}=<folder> and run again"
        ) from None
    except ValueError:
        raise TinsmithError(f"{asked.data} has a $ without a name; write $$ for a plain $") from None
    return {name: sampled(TASKS[name].questions(data), asked.rows) for name in asked.tasks}
