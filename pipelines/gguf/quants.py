"""A model's quants, each made from the same 16-bit GGUF and held against it on the same texts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.gguf.convert import quantise, quantised_mib
from pipelines.gguf.imatrix import FEWEST_TOKENS, ImportanceMatrix
from pipelines.gguf.perplexity import Closeness, Reference, closeness
from pipelines.gguf.speed import Speed
from pipelines.gguf.toolchain import Toolchain
from pipelines.recipe_export import NEED_IMATRIX, Quant, Tolerance

# What `export.quants: auto` tries; BF16 is the 16-bit model itself, which is always close.
LADDER: tuple[Quant, ...] = ("Q2_K", "Q3_K_M", "IQ4_XS", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "BF16")


@dataclass(frozen=True)
class Original:
    """The 16-bit GGUF that quants are made of, with what they are made by and held against.

    `on_domain` is its reading of held-out text of the recipe, `on_general` of a text that the recipe names.
    """

    file: Path
    imatrix: ImportanceMatrix | None
    metadata: Mapping[str, str | int]
    on_domain: Reference | None
    on_general: Reference | None


@dataclass(frozen=True)
class MadeQuant:
    """A quant in `file`, and how close it is to the original on the recipe's text and on the general one."""

    quant: Quant
    file: Path
    on_domain: Closeness | None
    on_general: Closeness | None

    def beyond(self, tolerance: Tolerance) -> list[str]:
        """What of its figures on either text is further away than allowed; none where there are no figures."""
        read = (("text of the recipe", self.on_domain), ("the general text", self.on_general))
        return [f"{told} on {text}" for text, near in read if near for told in _beyond(near, tolerance)]

    def as_json(self, speed: Speed) -> dict[str, Any]:
        """Its entry in export.json."""
        return {
            "file": self.file.name,
            "bytes": self.file.stat().st_size,
            "sha256": sha256_of_file(self.file),
            **(asdict(self.on_domain) if self.on_domain else dict.fromkeys(field.name for field in fields(Closeness))),
            "general": asdict(self.on_general) if self.on_general else None,
            **asdict(speed),
        }


def _beyond(near: Closeness, tolerance: Tolerance) -> list[str]:
    limits = (
        (
            near.kl_mean <= tolerance.kl_mean,
            f"KL {near.kl_mean:.4f} nats per token (export.tolerance.kl_mean allows {tolerance.kl_mean})",
        ),
        (
            near.kl_p99 <= tolerance.kl_p99,
            f"KL {near.kl_p99:.4f} at one place in a hundred (tolerance.kl_p99 allows {tolerance.kl_p99})",
        ),
        (
            near.top1 >= tolerance.top1,
            f"the same likeliest token at {near.top1:.1%} of places (tolerance.top1 asks for {tolerance.top1:.0%})",
        ),
        (
            near.perplexity_ratio <= tolerance.perplexity_ratio,
            f"{near.perplexity_ratio:.3f} times the perplexity (tolerance.perplexity_ratio allows "
            f"{tolerance.perplexity_ratio})",
        ),
    )
    return [told for holds, told in limits if not holds]


def ladder(original: Original, toolchain: Toolchain) -> list[Quant]:
    """LADDER from small to large, as llama-quantize would make them of this very model.

    Which of two is smaller depends on the model: rows that do not fit a type's blocks fall back to another type.
    """
    matrix = original.imatrix.file if original.imatrix else None
    return sorted(LADDER, key=lambda quant: quantised_mib(original.file, quant, toolchain, matrix))


def make_quant(quant: Quant, original: Original, target: Path, toolchain: Toolchain) -> MadeQuant:
    """Make one quant and hold it against its original.

    Raises:
        TinsmithError: it needs an importance matrix and there is none, or one of llama.cpp's programs failed.
    """
    if quant in NEED_IMATRIX and original.imatrix is None:
        raise TinsmithError(
            f"export.quants: {quant} needs an importance matrix, and the training text is shorter than the "
            f"{FEWEST_TOKENS} tokens that it takes; choose a larger quant, such as Q3_K_M"
        )
    matrix = original.imatrix.file if original.imatrix else None
    quantise(original.file, target, quant, toolchain, matrix, original.metadata)
    on_domain, on_general = (
        closeness(target, reference, toolchain) if reference else None
        for reference in (original.on_domain, original.on_general)
    )
    return MadeQuant(quant, target, on_domain, on_general)


def check_within(made: MadeQuant, tolerance: Tolerance) -> None:
    """Refuse a quant that is further from the 16-bit model than the recipe tolerates."""
    if beyond := made.beyond(tolerance):
        raise TinsmithError(
            f"export.quants: {made.quant} is too far from the 16-bit model: {', '.join(beyond)}; "
            "choose a larger quant, or allow more"
        )
