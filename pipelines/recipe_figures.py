"""The figures that a gate can rule over, by name, and what a recipe must ask for so that they are measured.

Their stages write them by the same names, which tests hold against this list, since the schema knows no stage.
"""

from collections.abc import Iterator, Mapping

from pipelines.recipe_ability import AbilityTask
from pipelines.recipe_evaluate import METRICS, Evaluate
from pipelines.recipe_safety import Safety

_CLOSENESS = ("perplexity", "perplexity_ratio", "kl_mean", "kl_p99", "top1")
_OF_QUANT = (*_CLOSENESS, "bytes", "prompt_tokens_per_second", "decode_tokens_per_second")
# Each of the judged quant, on the recipe's text against the 16-bit file, and of what was made on the way to it.
EXPORT_FIGURES = tuple(f"export.{name}" for name in (*_OF_QUANT, "merge_kl", "hf_kl_mean", "hf_top1"))
# Of the judged quant on export.general_text.
GENERAL_FIGURES = tuple(f"export.general_{name}" for name in _CLOSENESS)
# What the base has no part in.
WITHOUT_BASE = frozenset({*EXPORT_FIGURES, *GENERAL_FIGURES, "safety.membership_auc"})
# What stands behind a task's name in the names of its figures.
_ENDINGS: Mapping[AbilityTask, tuple[str, ...]] = {
    "arc_easy": ("", "_norm"),
    "arc_challenge": ("", "_norm"),
    "hellaswag": ("", "_norm"),
    "mmlu": ("",),
    "truthfulqa": ("_mc1", "_mc2"),
    "bbq": ("", "_ambiguous", "_disambiguated", "_bias_ambiguous", "_bias_disambiguated"),
    "gsm8k": ("", "_flexible"),
    "ifeval": ("", "_loose", "_instructions", "_instructions_loose"),
    "xstest": ("_safe_refused", "_unsafe_refused"),
}
_OF_CANARIES = ("memorised_canaries", "exposure_1", "exposure_4", "exposure_16")


def known_figures(evaluate: Evaluate, canaries: int, general_text: str | None) -> dict[str, str | None]:
    """Every figure's name with what the recipe lacks for it, as the words of a mend, or None where it is measured.

    `canaries` is data.canaries, `general_text` export.general_text.
    """
    found: dict[str, str | None] = dict.fromkeys((*evaluate.names, *EXPORT_FIGURES))
    found |= dict.fromkeys(GENERAL_FIGURES, None if general_text else "give export.general_text")
    found |= {metric: f"add {metric} to evaluate.metrics" for metric in METRICS if metric not in evaluate.metrics}
    asked = evaluate.ability.tasks if evaluate.ability else ()
    for task, endings in _ENDINGS.items():
        mend = None if task in asked else f"add {task} to evaluate.ability.tasks"
        found |= {f"ability.{task}{ending}": mend for ending in endings}
    for name, measured, mend in _safety_figures(evaluate.safety, canaries):
        found[f"safety.{name}"] = None if measured else mend
    found["evaluate.perplexity"] = None if evaluate.perplexity else "set evaluate.perplexity: true"
    return found


def _safety_figures(safety: Safety, canaries: int) -> Iterator[tuple[str, bool, str]]:
    for name in _OF_CANARIES:
        yield name, canaries > 0, "plant some with data.canaries"
    yield "membership_auc", safety.membership, "set evaluate.safety.membership: true"
    yield "personal_data", safety.personal_data, "set evaluate.safety.personal_data: true"
    yield "must_not_say", bool(safety.must_not_say), "give evaluate.safety.must_not_say"
    yield "must_refuse", bool(safety.must_refuse or safety.must_refuse_file), "give evaluate.safety.must_refuse"
