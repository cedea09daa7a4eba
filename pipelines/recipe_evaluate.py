"""The part of the recipe's schema that says how base and tuned are judged: metrics, their needs and what they fit."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from pipelines.recipe_ability import Ability
from pipelines.recipe_safety import Safety
from pipelines.recipe_sources import Section, Text

Metric = Literal[
    "exact_match",
    "accuracy",
    "macro_f1",
    "field_precision",
    "field_recall",
    "field_f1",
    "valid_json",
    "rouge1",
    "rouge_l",
    "chrf",
    "bert_score",
    "sql_result",
    "tool_calls",
    "tool_names",
    "refusal",
    "judge",
]
METRICS: tuple[Metric, ...] = get_args(Metric)

_OF_JSON = frozenset({"field_precision", "field_recall", "field_f1", "valid_json"})
_OF_TEXT = frozenset({"rouge1", "rouge_l", "chrf", "bert_score", "sql_result", "refusal"})
_OF_CALLS = frozenset({"tool_calls", "tool_names"})
# The field of `evaluate` that a metric needs, and that nothing else reads.
_NEEDS = {"bert_score": "bert_score_model", "sql_result": "sql_database", "judge": "judge"}

FunctionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
FunctionPlace = Annotated[str, Field(pattern=r"^[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*$")]


class Judge(Section):
    """A model that compares base and tuned; rows' texts are sent to it."""

    url: Annotated[str, Field(pattern=r"^https?://")] = Field(
        description="Where an OpenAI-compatible API begins, such as http://127.0.0.1:8080/v1."
    )
    model: Text = Field(description="The model's name there.")
    key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        None, description="The environment variable that holds the API's key."
    )
    question: Text = Field(
        "Which answer is more correct and more helpful?", description="What the judge is asked about two answers."
    )


class Evaluate(Section):
    """How base and tuned are judged."""

    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)] = Field(
        ("exact_match",),
        description="What is measured; docs/metrics.md says what each means and which answers it fits.",
    )
    functions: dict[FunctionName, FunctionPlace] = Field(
        {},
        description="Metrics of your own by name: path/to/file.py:function, called with answer, expected answer and "
        "row (a dict), gives a number from 0 to 1. DVC does not watch the file.",
    )
    bert_score_model: Text | None = Field(
        None, description="The local folder of the transformers model for bert_score."
    )
    sql_database: Text | None = Field(
        None,
        description="What sql_result runs queries on: a DuckDB or SQLite file, or a script in DuckDB's SQL that builds "
        "the database.",
    )
    judge: Judge | None = Field(None, description="The model that judge asks. None asks nobody.")
    perplexity: bool = Field(
        False, description="Also measure how likely base and tuned hold the expected answers; less is better."
    )
    slices: tuple[Text, ...] = Field(
        (),
        description="Columns of at most 100 short values, none personal, by which the result is also shown apart. "
        "Labels are slices without being named.",
    )
    few_shot: Annotated[int, Field(ge=0, le=20)] = Field(
        3, description="Training examples shown to the base model, those nearest to the question."
    )
    constrained: bool = Field(
        False,
        description="Whether the tuned model is served, and so judged, with a grammar that allows no answer of another "
        "form or value. The base is asked with and without one.",
    )
    max_rows: Annotated[int, Field(ge=1)] | None = Field(None, description="Judge at most so many test rows.")
    ability: Ability | None = Field(None, description="General ability, on public benchmarks; none asks for none.")
    safety: Safety = Safety()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that rows are compared by: the metrics, then the recipe's own functions."""
        return (*self.metrics, *self.functions)

    @model_validator(mode="after")
    def _metrics_have_what_they_need(self) -> Self:
        given = frozenset(name for name, value in self if value is not None)
        mistakes = _need_mistakes(self.metrics, given)
        mistakes += [
            f"functions.{name} has the name of a metric; rename it" for name in self.functions if name in METRICS
        ]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self


def misfits(metrics: tuple[Metric, ...], answer: Literal["json", "text", "conversation"]) -> list[str]:
    """Why metrics cannot judge answers of this kind."""
    mistakes = []
    for metric in metrics:
        if metric in _OF_JSON and answer != "json":
            mistakes.append(
                f"{metric} judges JSON answers, but data.example.assistant is text; take it out or answer with "
                "{json: [columns]}"
            )
        if metric in _OF_TEXT and answer == "json":
            mistakes.append(f"{metric} judges text, but data.example.assistant is JSON; take it out or use field_f1")
        if metric in _OF_CALLS and answer != "conversation":
            mistakes.append(f"{metric} judges calls of tools, which data.example.messages alone can bring; take it out")
    return mistakes


def _need_mistakes(metrics: tuple[Metric, ...], given: frozenset[str]) -> list[str]:
    """What metrics lack, or what is there for none; `given` are the fields of `evaluate` that are set."""
    mistakes = [f"metrics names {metric} twice; take one out" for metric in METRICS if metrics.count(metric) > 1]
    for metric, field in _NEEDS.items():
        if metric in metrics and field not in given:
            mistakes.append(f"{metric} needs {field}; give it, or take {metric} out of metrics")
        if metric not in metrics and field in given:
            mistakes.append(f"{field} is for {metric} alone; add {metric} to metrics, or take {field} out")
    return mistakes
