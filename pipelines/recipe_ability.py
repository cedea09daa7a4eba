"""The part of the recipe's schema that names public benchmarks."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipelines.recipe_sources import Section, Text

AbilityTask = Literal[
    "arc_easy", "arc_challenge", "hellaswag", "mmlu", "truthfulqa", "bbq", "gsm8k", "ifeval", "xstest"
]


class Ability(Section):
    """Public benchmarks of what the base could do before, asked of base and tuned: what tuning broke."""

    data: Text = Field(
        description="The folder that holds the benchmarks, each in a folder of its name (arc, mmlu, ...); ${NAME} is "
        "replaced from the environment."
    )
    tasks: Annotated[tuple[AbilityTask, ...], Field(min_length=1)] = Field(
        ("arc_easy", "hellaswag", "mmlu", "truthfulqa"), description="Which benchmarks are asked."
    )
    rows: Annotated[int, Field(ge=1)] = Field(
        100, description="Rows of each benchmark, chosen by a hash: the same for every model and run."
    )

    @field_validator("tasks")
    @classmethod
    def _each_once(cls, tasks: tuple[AbilityTask, ...]) -> tuple[AbilityTask, ...]:
        if len(set(tasks)) < len(tasks):
            raise ValueError("names a benchmark twice")
        return tasks
