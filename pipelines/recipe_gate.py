"""The part of the recipe's schema that says what must hold before a model is registered; recipe.py takes it in."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from pipelines.recipe_figures import WITHOUT_BASE
from pipelines.recipe_sources import Section

NotNegative = Annotated[float, Field(ge=0)]

_CONFIDENCE = 0.95


class Rule(Section):
    """What one figure must keep, as far as its interval can tell."""

    better_than_base_by: float | None = Field(
        None, description="The lower end of the difference's interval must be above this."
    )
    not_worse_than_base_by: NotNegative | None = Field(
        None, description="The lower end of the difference's interval may be so far below 0."
    )
    better_than_champion_by: float | None = Field(
        None,
        description="As better_than_base_by, against the version of register.model that has the alias `champion`, "
        "asked the same rows; holds where there is none yet.",
    )
    at_least: NotNegative | None = Field(None, description="The lower end of tuned's interval must reach this.")
    at_most: NotNegative | None = Field(None, description="The upper end of tuned's interval must keep to this.")
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(_CONFIDENCE, description="Of the two-sided interval.")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.conditions:
            raise ValueError("asks for nothing; give better_than_base_by, at_least or another condition")
        return self

    @property
    def conditions(self) -> dict[str, float]:
        """The thresholds that are given, by field."""
        return {name: value for name, value in self if name != "confidence" and value is not None}


class Gate(Section):
    """What must hold before a model is registered: rules by metric, or by a figure such as ability.arc_easy."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Rule]

    on_fail: Literal["report", "stop"] = Field(
        "report",
        description="Where the verdict is not pass, no model is registered; stop also ends the register stage with an "
        "error, after everything is written.",
    )

    @model_validator(mode="after")
    def _rules_fit_their_figures(self) -> Self:
        mistakes = [
            _mistake((name, field), words)
            for name, rule in self.rules.items()
            for field, words in (_figure_misfits(name, rule) if "." in name else _metric_misfits(rule))
        ]
        if mistakes:
            raise ValidationError.from_exception_data("Gate", mistakes)
        return self

    @property
    def rules(self) -> dict[str, Rule]:
        """Every rule, by the figure that it is about: a metric's name, or a dotted one."""
        return dict(self.__pydantic_extra__)


def check_measured(gate: Gate, known: Mapping[str, str | None]) -> None:
    """Refuse rules about what nothing measures; `known` says of each figure what the recipe lacks for it, if anything.

    Raises:
        ValidationError: each such rule, at its place in the recipe.
    """
    mistakes = []
    for name in gate.rules:
        place = ("gate", name)
        if name not in known:
            # Also those of the same stage that nothing measures yet, since one of them may be meant.
            stage = f"{name.partition('.')[0]}."
            allowed = [figure for figure, mend in known.items() if mend is None or figure.startswith(stage)]
            expected = ", ".join(f"'{figure}'" for figure in allowed)
            mistakes.append(InitErrorDetails(type="literal_error", loc=place, input=name, ctx={"expected": expected}))
        elif mend := known[name]:
            mistakes.append(_mistake(place, f"nothing measures it; {mend}, or take the rule out"))
    if mistakes:
        raise ValidationError.from_exception_data("Recipe", mistakes)


def _mistake(place: tuple[str, ...], words: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("value_error", "{error}", {"error": words}), loc=place, input=None)


def _metric_misfits(rule: Rule) -> Iterator[tuple[str, str]]:
    for field, threshold in rule.conditions.items():
        if abs(threshold) > 1:
            yield field, "a metric is a share between 0 and 1, and so are differences; write at most 1"


def _figure_misfits(name: str, rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.better_than_champion_by is not None:
        yield "better_than_champion_by", "the champion is compared in metrics alone; take it out"
    if rule.confidence != _CONFIDENCE:
        yield "confidence", "this figure comes with its interval, if any, at 95%; take confidence out"
    for field in rule.conditions.keys() & {"better_than_base_by", "not_worse_than_base_by"}:
        if name in WITHOUT_BASE:
            yield field, "this figure has no base to compare with; give at_least or at_most"
