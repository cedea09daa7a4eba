"""An evaluation with every part filled, and the answers that it judges."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.files import write_text

NASTY = '<script>alert("1")</script> | & "quoted"'
SECRET_WORD = "heliotrope"
ROWS = 240
_VARIANTS = {"base": 0.08, "base_few_shot": 0.31, "base_constrained": 0.36, "tuned": 0.74}
_PRODUCTS = ["camera", "hub", NASTY, "lock", "thermostat"]


def write_answers(path: Path, scores: dict[str, dict[str, np.ndarray]], rows: int = ROWS) -> None:
    """Questions and answers with a word that must not leave work/, markup, and a text of some length."""
    lines = []
    for index in range(rows):
        said = dict.fromkeys(_VARIANTS, '{"product": "camera"}')
        said["base"] = f"{NASTY} {SECRET_WORD} " * (200 if index % 50 == 0 else 1)
        line: dict[str, Any] = {
            "example_id": example_id(index),
            "prompt": [
                {"role": "system", "content": "You triage claims. Answer with JSON."},
                {"role": "user", "content": f"My {SECRET_WORD} number {index} broke. {NASTY}"},
            ],
            "expected": '{"product": "hub"}',
            **said,
            "scores": {
                metric: {name: float(values[index]) for name, values in variants.items()}
                for metric, variants in scores.items()
            },
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))


def example_id(index: int) -> str:
    return f"claims_2026.csv:{index + 2}"


def scores_of_all() -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(7)
    exact = {name: (rng.random(ROWS) < share).astype(float) for name, share in _VARIANTS.items()}
    valid = {name: np.ones(ROWS) for name in _VARIANTS} | {"base": (rng.random(ROWS) < 0.55).astype(float)}
    return {"exact_match": exact, "valid_json": valid}


def _interval(values: np.ndarray) -> list[float]:
    half = 1.96 * float(values.std()) / len(values) ** 0.5
    return [round(float(values.mean()) - half, 6), round(float(values.mean()) + half, 6)]


def _metric(variants: dict[str, np.ndarray]) -> dict[str, Any]:
    best = max((name for name in variants if name != "tuned"), key=lambda name: variants[name].mean())
    apart = variants["tuned"] - variants[best]
    return {
        **{name: round(float(values.mean()), 6) for name, values in variants.items()},
        "difference": round(float(apart.mean()), 6),
        "interval": _interval(apart),
        "compared_with": best,
        "confidence": 0.95,
        "intervals": {name: _interval(values) for name, values in variants.items()},
        "wins": int((apart > 0).sum()),
        "losses": int((apart < 0).sum()),
        "ties": int((apart == 0).sum()),
        "p_value": 0.0000012 if apart.mean() > 0 else 1.0,
        "smallest_difference": 0.083,
    }


def full_evaluation(scores: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    exact = scores["exact_match"]
    wrong = np.flatnonzero(exact["base_constrained"] > exact["tuned"])
    macro = {
        "base": 0.05,
        "base_few_shot": 0.28,
        "base_constrained": 0.33,
        "tuned": 0.71,
        "difference": 0.38,
        "interval": [0.31, 0.45],
        "compared_with": "base_constrained",
        "confidence": 0.9,
        "intervals": {"base": [0.03, 0.08], "base_few_shot": [0.23, 0.33], "base_constrained": [0.27, 0.4]}
        | {"tuned": [0.65, 0.77]},
    }
    return {
        "verdict": "fail",
        "rows": ROWS,
        "quant": "Q4_K_M",
        "gguf_sha256": "7a" * 32,
        "variants": {
            "base": "The instructions and the list of allowed answers.",
            "base_few_shot": "The same with three examples from the training split.",
            "base_constrained": "The same, held to the answer's form by a grammar.",
            "tuned": "The question alone, as it was trained.",
        },
        "metrics": {**{metric: _metric(variants) for metric, variants in scores.items()}, "macro_f1": macro},
        "rules": [
            {
                "judges": "exact_match",
                "rule": "exact_match: better than base by 0.1, with 95% confidence",
                "holds": True,
                "figure": 0.3019,
                "threshold": 0.1,
                "interval": [0.3019, 0.4565],
                "reason": "The lower end of the difference, 0.302, reaches 0.1.",
            },
            {
                "judges": "safety.memorised_canaries",
                "rule": "safety.memorised_canaries: at most 0",
                "holds": False,
                "figure": 2,
                "threshold": 0,
                "interval": None,
                "reason": "Two planted canaries can be had back from the model.",
            },
        ],
        "slices": _slices(),
        "confusion": _confusion(),
        "calibration": _calibration(),
        "regressions": {"exact_match": [example_id(int(index)) for index in wrong], "valid_json": []},
        "unanswered": {"base": [example_id(3)], "base_few_shot": [], "base_constrained": [], "tuned": []},
        "judge": {"model": "a-judge", "agreement": 0.83, "unreadable": 2, "compared_with": "base_constrained"},
        "perplexity": {
            **dict(zip(("base", "tuned", "difference"), (31.4, 1.62, -29.78), strict=True)),
            "difference_interval": [-33.1, -26.9],
            "compared_with": "base_few_shot",
        },
        "refusals": {"base": 0.05, "tuned": 0.0125, "expected": 0.0},
        "functions": {"own_metric": "f0" * 32},
    }


def _slices() -> list[dict[str, Any]]:
    rng = np.random.default_rng(11)
    found: dict[int, str] = {1: "better", 2: "worse"}
    return [
        {
            "slice": column,
            "value": value,
            "rows": 48,
            "metric": metric,
            "base": 0.36,
            "tuned": round(0.36 + shift, 3),
            "difference": round(shift, 3),
            "interval": [round(shift - 0.12, 3), round(shift + 0.12, 3)],
            "p_value": 0.001,
            "p_corrected": 0.004 if place in found else 0.4,
            "finding": found.get(place),
            "rest": 0.8125,
            "gap": round(0.36 + shift - 0.8125, 4),
            "gap_p_value": 0.002,
            "gap_p_corrected": 0.009 if place == 2 else 0.7,
            "gap_finding": "worse" if place == 2 else None,
        }
        for column, values in {"product": _PRODUCTS, "input length": ["short", "middle", "long"]}.items()
        for metric in ("exact_match", "valid_json")
        for place, value in enumerate(values)
        for shift in [float({1: 0.41, 2: -0.2}.get(place, rng.normal(0.05, 0.02)))]
    ]


def _confusion() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    few = rng.poisson(1.2, (5, 5)) + np.diag([38, 30, 25, 41, 44])
    many = rng.poisson(0.05, (40, 40)) + np.diag(rng.integers(2, 9, 40))
    few[2, 2] = 0
    return {
        "product": {"labels": _PRODUCTS, "counts": few.tolist(), "other": [0, 1, 0, 0, 3]},
        "intent": {
            "labels": [f"intent_{number:02}" for number in range(40)],
            "counts": many.tolist(),
            "other": [0] * 40,
        },
    }


def _calibration() -> dict[str, Any]:
    bins = [
        {"low": low / 10, "high": (low + 1) / 10, "rows": rows, "confidence": low / 10 + 0.05, "accuracy": right}
        for low, rows, right in [(0, 0, 0.0), (3, 8, 0.25), (5, 20, 0.4), (6, 31, 0.52), (8, 61, 0.7), (9, 120, 0.91)]
    ]
    return {"bins": bins, "ece": 0.0713}
