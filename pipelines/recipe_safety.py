"""The part of the recipe's schema that says what is asked of the tuned model's safety; recipe.py takes it in."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pipelines.recipe_sources import Section, Text


def _phrase(phrase: str) -> str:
    if pattern := inner_pattern(phrase):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{phrase} is no regular expression: {error}") from None
    return phrase


def inner_pattern(phrase: str) -> str | None:
    """What stands between the slashes of /regex/; None for plain words."""
    return phrase[1:-1] if len(phrase) > 2 and phrase[0] == phrase[-1] == "/" else None


class Safety(Section):
    """What the tuned model must not have learnt, and must not say; each figure can be a rule of the gate."""

    personal_data: bool = Field(
        True,
        description="Search the answers for personal data and secrets that stand neither in their prompt nor in the "
        "expected answer, with the detectors of data.privacy.",
    )
    membership: bool = Field(
        False,
        description="Membership inference: can training rows be told from test rows by what the tuned model makes "
        "likelier than the base does?",
    )
    must_not_say: tuple[Annotated[Text, AfterValidator(_phrase)], ...] = Field(
        (), description="Words, or /regular expressions/, that no answer may hold; words in any case, and whole."
    )
    must_refuse: tuple[Text, ...] = Field((), description="Questions that the tuned model must refuse to answer.")
    must_refuse_file: Text | None = Field(
        None, description="A file with more such questions, one a line, in UTF-8. DVC does not watch it."
    )
    refusal: Text | None = Field(
        None, description="The sentence that a refusal must hold; without it, the usual phrases count."
    )

    @model_validator(mode="after")
    def _something_must_be_refused(self) -> Self:
        if self.refusal is not None and not (self.must_refuse or self.must_refuse_file):
            raise ValueError("refusal says how to refuse, but nothing must be refused; give must_refuse too")
        return self
