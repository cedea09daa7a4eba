"""The variants that answer the judged rows: the base as it is asked in three ways, the tuned model, the champion."""

_BASE = {
    "base": "The base model, given the recipe's prompt with the form and the allowed values of the answer written out.",
    "base_few_shot": "The base model, given that prompt behind the training examples that are nearest to the question.",
    "base_constrained": "The base model, given as much, and held by a grammar to the form and the values of an answer.",
}
# What the base is asked, in the order in which it is told; which of them depends on the recipe.
BASE_VARIANTS = tuple(_BASE)


def variant_name(variant: str) -> str:
    """A variant's name as people read it: base, base (few-shot), tuned."""
    way = variant.removeprefix("base_")
    return variant if way == variant else f"base ({way.replace('_', '-')})"


def described(variant: str, *, constrained: bool = False) -> str:
    """One sentence of what a variant was asked; `constrained` where the tuned model kept the grammar of the answers."""
    held = ", held to the form of the answers by a grammar" if constrained else ""
    if variant == "tuned":
        return f"The tuned model with the recipe's own prompt{held}."
    if variant == "champion":
        return f"The registered champion with the recipe's own prompt{held}."
    return _BASE[variant]
