"""The part of the recipe's schema that says which GGUF files are made, and how close they must stay to the model.

recipe.py holds the rest, and reads on from here.
"""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from pipelines.recipe_sources import Section, Text

# All that llama-quantize of the pinned llama.cpp makes, smallest first; its aliases (Q4_K for Q4_K_M) are left out.
Quant = Literal[
    "Q1_0", "IQ1_S", "TQ1_0", "IQ1_M", "IQ2_XXS", "TQ2_0", "Q2_0", "IQ2_XS", "IQ2_S", "IQ2_M", "Q2_K_S", "Q2_K",
    "IQ3_XXS", "IQ3_XS", "Q3_K_S", "IQ3_S", "IQ3_M", "Q3_K_M", "Q3_K_L", "IQ4_XS", "MXFP4_MOE", "IQ4_NL", "Q4_0",
    "Q4_K_S", "Q4_K_M", "Q4_1", "Q5_0", "Q5_K_S", "Q5_K_M", "Q5_1", "Q6_K", "Q8_0", "F16", "BF16", "F32",
]  # fmt: skip
# llama-quantize refuses to make these without an importance matrix.
NEED_IMATRIX = frozenset({"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "Q2_K_S", "IQ3_XXS", "IQ3_XS"})

Quants = Annotated[
    Annotated[Literal["auto"], Tag("<word>")] | Annotated[tuple[Quant, ...], Field(min_length=1), Tag("<list>")],
    Discriminator(lambda quants: "<word>" if isinstance(quants, str) else "<list>"),
]


class Tolerance(Section):
    """How far a quant may be from the 16-bit model on 256 tokens or more of held-out text, and on the general text."""

    kl_mean: Annotated[float, Field(gt=0)] = Field(
        0.1, description="Mean KL divergence of the next token's distribution, in nats."
    )
    kl_p99: Annotated[float, Field(gt=0)] = Field(
        1.0, description="The 99th percentile of the same: how far it may be at one place in a hundred."
    )
    top1: Annotated[float, Field(ge=0, le=1)] = Field(
        0.8, description="Share of places at which both hold the same token for the likeliest."
    )
    perplexity_ratio: Annotated[float, Field(gt=0)] = Field(
        1.2, description="Its perplexity as a multiple of the 16-bit model's."
    )


class Export(Section):
    """The GGUF files that are made."""

    quants: Quants = Field(
        ("Q4_K_M", "Q8_0"),
        description="Types of llama-quantize; the first is the one judged, served and registered. auto makes the "
        "smallest of Q2_K, Q3_K_M, IQ4_XS, Q4_K_M, Q5_K_M, Q6_K, Q8_0 and BF16 that stays within the tolerance.",
    )
    imatrix: bool = Field(
        True, description="Weigh the weights by what the recipe's own training text makes of them (importance matrix)."
    )
    tolerance: Tolerance = Tolerance()
    general_text: Text | None = Field(
        None,
        description="A text file that has nothing to do with the recipe, on which the tolerance holds for every quant, "
        "too; ${NAME} is replaced from the environment.",
    )

    @field_validator("quants")
    @classmethod
    def _each_once(cls, quants: Quants) -> Quants:
        if quants != "auto" and len(set(quants)) < len(quants):
            raise ValueError("names a type twice; take one out")
        return quants

    @model_validator(mode="after")
    def _matrix_where_needed(self) -> Self:
        needing = [] if self.quants == "auto" else [quant for quant in self.quants if quant in NEED_IMATRIX]
        if needing and not self.imatrix:
            raise ValueError(f"{', '.join(needing)} cannot be made without an importance matrix; set imatrix: true")
        return self
