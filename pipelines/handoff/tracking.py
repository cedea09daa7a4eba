"""What MLflow shows of a handoff: params, metrics and tags, none of them taken from rows."""

import json
from typing import Any

from pipelines.handoff.handoff import Handoff

FINGERPRINT = "tinsmith.fingerprint"

# MLflow servers before 2.10 refuse longer params; the whole recipe is in the bundle.
_LONGEST_PARAM = 500


def params_of(handoff: Handoff) -> dict[str, str]:
    """The settings that made the model, flattened to `section.field`; what has no value is left out."""
    return {key: _cut(value) for key, value in _flat(handoff.model_settings) if value is not None}


def metrics_of(handoff: Handoff) -> dict[str, float]:
    """Every measured figure as `<metric>.<variant>`, and what the training took (seconds, bytes, currency units)."""
    train, evaluation = handoff.reports["train"], handoff.reports["evaluation"]
    figures: dict[str, Any] = {"evaluation.rows": evaluation["rows"], "gguf.bytes": handoff.gguf["bytes"]}
    for field in ("steps", "trained_tokens", "tokens_per_second", "peak_memory_bytes", "seconds", "cost"):
        figures[f"train.{field}"] = train[field]
    for metric, result in evaluation["metrics"].items():
        for variant in (*result["intervals"], "difference"):
            figures[f"{metric}.{variant}"] = result.get(variant)
        figures[f"{metric}.difference_low"], figures[f"{metric}.difference_high"] = result["interval"]
    for name, found in handoff.other_figures.items():
        figures |= {f"{name}.{variant}": found.get(variant) for variant in ("base", "tuned", "difference")}
    return {name: float(figure) for name, figure in figures.items() if figure is not None}


def tags_of(handoff: Handoff, git_commit: str | None) -> dict[str, str]:
    """What one searches runs and versions by; `git_commit` is left out where there is none."""
    recipe, base = handoff.recipe, handoff.base
    tags = {
        FINGERPRINT: handoff.fingerprint,
        "tinsmith.recipe": recipe.name,
        "tinsmith.purpose": recipe.purpose,
        "tinsmith.owner": recipe.owner,
        "tinsmith.verdict": handoff.verdict,
        "tinsmith.gate": json.dumps(recipe.model_dump(mode="json")["gate"]),
        "tinsmith.quant": handoff.quant,
        "tinsmith.sha256": handoff.gguf["sha256"],
        "tinsmith.data_digest": handoff.data_digest,
        "tinsmith.base": base["name"],
        "tinsmith.base_revision": base["revision"],
        "tinsmith.base_license": base["license"],
        "tinsmith.base_sha256": base["sha256"],
        # MLflow's own name for it, by which its pages link to the commit.
        "mlflow.source.git.commit": git_commit,
    }
    return {key: str(value) for key, value in tags.items() if value is not None}


def _flat(value: Any, key: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(key, value)]
    return [pair for name, inner in value.items() for pair in _flat(inner, f"{key}.{name}" if key else name)]


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_PARAM else text[: _LONGEST_PARAM - 1] + "…"
