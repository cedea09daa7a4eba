"""What the tuned model, and a champion, is asked about the rows that judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.paths import Paths
from pipelines.recipe import Recipe
from pipelines.scoring.answers import ANSWER_MARGIN_TOKENS, Questions
from pipelines.scoring.grammar import answer_grammar
from pipelines.scoring.prompts import Row


def tuned_questions(recipe: Recipe, datasheet: Mapping[str, Any], rows: Sequence[Row], model: str) -> Questions:
    """The rows' own prompts, held to the form of the answers where the recipe serves the model so.

    Safety and evaluate ask the same, so that each answer is asked for once. `model` is who answers, as asking.answerer
    names it.

    Raises:
        TinsmithError: the recipe wants a grammar, but answers have no closed form.
    """
    prompts, tools = [row["prompt"] for row in rows], [row["tools"] for row in rows]
    grammar = answer_grammar(recipe.data.example.assistant, datasheet, tools) if recipe.evaluate.constrained else None
    if recipe.evaluate.constrained and grammar is None:
        raise TinsmithError(
            f"{Paths(recipe.name).recipe}: evaluate.constrained: answers here are free or may call tools; take it out"
        )
    return Questions(model, prompts, longest_answer(datasheet), tools, grammar)


def longest_answer(datasheet: Mapping[str, Any]) -> int:
    """Tokens that an answer may have."""
    return int(datasheet["tokens"]["longest_answer"]) + ANSWER_MARGIN_TOKENS
