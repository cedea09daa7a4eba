"""Reports of a recipe with every section filled, and what the smallest walk leaves: made up, the same each time.

Their shapes are those that docs/recipes.md tells of each report.
"""

from pathlib import Path
from typing import Any

import numpy as np

from pipelines.files import write_json, write_text
from tests.scoring.report.full_evaluation import ROWS, example_id, full_evaluation, scores_of_all, write_answers

NAME = "claims"
_QUANTS = {
    "Q4_K_M": (105.5, 14.91, 0.0421, 0.914, 990, 176),
    "Q8_0": (144.8, 14.22, 0.0012, 0.987, 1310, 141),
    "Q6_K": (138.0, 14.27, 0.0049, 0.971, 905, 133),
    "Q5_K_M": (112.1, 14.44, 0.0163, 0.944, 930, 158),
    "Q4_0": (91.7, 15.87, 0.1012, 0.861, 1402, 190),
    "Q3_K_M": (93.5, 16.95, 0.1633, 0.829, 870, 171),
    "IQ4_XS": (93.0, 15.31, 0.0714, 0.888, 810, 168),
}


def write_full(project: Path) -> Path:
    """Everything that the stages before report write for it; gives the folder of the reports."""
    folder = project / "reports" / NAME
    scores = scores_of_all()
    evaluation = full_evaluation(scores)
    for report, value in {
        "evaluation": evaluation,
        "export": _export(),
        "baseline": {"rows": ROWS, "quant": "Q4_K_M", "gguf_sha256": "ba5e" * 16, "variants": {}},
        "train": _train(),
        "ingest": _ingest(),
        "datasheet": _datasheet(),
        "ability": {
            "asked": True,
            "figures": _ability(),
            "tasks": {"ifeval": {"unanswered": {"base": [], "tuned": [7]}}},
        },
        "safety": {"asked": True, "figures": _safety(), "passes": 2.0, **_behind_safety()},
    }.items():
        write_json(folder / f"{report}.json", value)
    write_text(folder / "loss.csv", _loss())
    _write_timing(folder / "timing")
    write_answers(project / "work" / NAME / "answers.jsonl", scores)
    return folder


def write_minimal(project: Path) -> Path:
    """What a walk leaves that asked for nothing: one metric, no gate, no slices."""
    folder = project / "reports" / NAME
    metric = {
        "base": 0.1,
        "base_few_shot": None,
        "tuned": 0.1,
        "difference": 0.0,
        "interval": [0.0, 0.0],
        "compared_with": "base",
        "confidence": 0.95,
        "intervals": {"base": [0.05, 0.2], "tuned": [0.05, 0.2]},
        "wins": 0,
        "losses": 0,
        "ties": 40,
    }
    evaluation = {"verdict": "pass", "rows": 40, "metrics": {"accuracy": metric}, "rules": [], "unanswered": {}}
    write_json(folder / "evaluation.json", evaluation | {"quant": "Q8_0", "gguf_sha256": "cd" * 32})
    write_json(folder / "ability.json", {"asked": False, "figures": {}})
    write_json(folder / "safety.json", {"asked": False, "figures": {}})
    write_text(project / "work" / NAME / "answers.jsonl", "")
    return folder


def _export() -> dict[str, Any]:
    base = {
        "name": "example/base-135m",
        "revision": "12fd25f77366fa6b3b4b768ec3050bf629380bac",
        "license": "apache-2.0",
    }
    four = ("perplexity", "kl_mean", "kl_p99", "top1")
    quants = {
        name: {
            "file": f"{NAME}-{name}.gguf",
            "bytes": int(mib * 2**20),
            "sha256": "7a" * 32,
            **dict(zip(four, (perplexity, kl, kl * 9, top1), strict=True)),
            "general": dict(zip(four, (perplexity * 2, kl * 1.4, kl * 14, top1 - 0.02), strict=True)),
            "prompt_tokens_per_second": prompt,
            "decode_tokens_per_second": decode,
        }
        for name, (mib, perplexity, kl, top1, prompt, decode) in _QUANTS.items()
    }
    return {
        "base": base | {"sha256": "b1" * 32},
        "llama_cpp": "build 6872, commit 0c1e57098",
        "merge": {
            **dict(zip(("kept", "kl_16bit", "kl_nf4"), ("nf4", 0.278686, 0.002783), strict=True)),
            **dict.fromkeys(("kl_16bit_standard_error", "kl_nf4_standard_error"), 0.0004),
        },
        "measured_on": "validation",
        "tolerance_checked": True,
        "judged": "Q4_K_M",
        "refused": {"Q2_K": {"perplexity": 31.2, "kl_mean": 0.71, "kl_p99": 4.2, "top1": 0.61}},
        "adapter": {"file": f"{NAME}-lora.gguf", "bytes": 9_700_000, "sha256": "ad" * 32},
        "imatrix": {"tokens": 131_072, "sha256": "11" * 32},
        "parity": {
            "tokens": {"texts": 1000, "added_tokens": 17, "different": 0},
            "template": {"chats": 50, "with_tools": 3, "different": 0},
            "bos": {"token": "<|im_start|>", "in_training": 1, "in_server": 1},
            "hf_kl_mean": 0.00041,
            "hf_top1": 0.9961,
            "hf_tokens": 812,
            "limits": {
                "tokens": 0,
                "template": 0,
                "bos": 1,
                "merge_kl": 0.1,
                "hf_kl_mean": 0.01,
                "hf_top1": 0.98,
                "quants": {"kl_mean": 0.1, "kl_p99": 1.0, "top1": 0.8, "perplexity_ratio": 1.2},
            },
        },
        "quants": quants,
        "sixteen_bit": {"perplexity": 14.2, "bytes": 270_000_000},
        "steps": {"merge": 9.1, "quantise": 20.4},
    }


def _train() -> dict[str, Any]:
    return {
        "steps": 120,
        "trained_tokens": 59_113,
        "seconds": 3725.4,
        "examples": 1387,
        "machine": "2 CPU cores",
        "peak_memory_bytes": 2_908_848_128,
        "validation_loss": 0.144,
    }


def _loss() -> str:
    rng = np.random.default_rng(2)
    steps = np.arange(1, 121)
    values = 3.3 * np.exp(-steps / 9) + 0.16 + rng.normal(0, 0.02, 120)
    return "step,loss\n" + "".join(f"{step},{value:.6f}\n" for step, value in zip(steps, values, strict=True))


def _ingest() -> dict[str, Any]:
    contract = {
        "id": "claims",
        "version": "2.1.0",
        "sha256": "c0" * 32,
        "license": "internal",
        "permittedPurposes": None,
    }
    files = [{"file": "claims_2026.csv", "sha256": "f1" * 32, "rows": 2030}]
    source = {"use": "examples", "rows_in": 2030, "accepted": 1946, "quarantined": 65, "rejected_raw": 19}
    return {"rows_in": 2030, "accepted": 1946, "sources": {"claims": source | {"contract": contract, "files": files}}}


def _datasheet() -> dict[str, Any]:
    dropped = ("undesirable", "forgotten", "personal", "over_group_cap", "over_label_cap", "in_benchmark", "too_long")
    return {
        "rows": {
            "accepted": 1946,
            "planted": 0,
            **{f"dropped_{reason}": 0 for reason in dropped},
            "dropped_secret": 14,
            "dropped_duplicate": 27,
            "dropped_linked_to_train": 20,
            "dropped_contaminated": 96,
            "train": 1308,
            "validation": 241,
            "test": 240,
        }
    }


def _ability() -> dict[str, Any]:
    return {
        f"ability.{task}": {
            "better": "higher",
            "rows": 200,
            "base": base,
            "tuned": tuned,
            "interval": [max(0.0, round(tuned - 0.06, 4)), round(tuned + 0.06, 4)],
            "difference": round(tuned - base, 4),
            "difference_interval": [round(tuned - base - 0.05, 4), round(tuned - base + 0.05, 4)],
        }
        for task, base, tuned in [
            ("arc_easy", 0.475, 0.455),
            ("hellaswag", 0.425, 0.42),
            ("gsm8k", 0.04, 0.035),
            ("ifeval", 0.31, 0.18),
        ]
    }


def _safety() -> dict[str, Any]:
    unknown = {"interval": None, "difference": None, "difference_interval": None}
    return {
        "safety.memorised_canaries": {"better": "lower", "rows": 21, "base": 0, "tuned": 2, **unknown},
        "safety.membership_auc": {
            "better": "lower",
            "rows": 480,
            "base": 0.502,
            "tuned": 0.571,
            "interval": [0.53, 0.61],
            "difference": 0.069,
            "difference_interval": [0.02, 0.12],
        },
        "safety.personal_data": {
            "better": "lower",
            "rows": 240,
            "base": 0.004167,
            "tuned": 0.0,
            "interval": [0.0, 0.0157],
            "difference": -0.004167,
            "difference_interval": [-0.0125, 0.0],
        },
        "safety.must_refuse": {"better": "higher", "rows": 20, "base": None, "tuned": 0.9, **unknown},
    }


def _write_timing(folder: Path) -> None:
    for number, stage in enumerate(["resolve", "collect-a", "collect-b", "train", "export", "evaluate", "ability"]):
        seconds = [0.1, 2.5, 1.5, 3741.2, 83.0, 21.9, 64.0][number]
        note = {"seconds": seconds, "peak_memory_bytes": (number + 1) * 4 * 10**8, "machine": "2 CPU cores"}
        write_json(folder / f"{stage}.json", note | {"cost": round(seconds * 0.08 / 3600, 6), "currency": "EUR"})


def _behind_safety() -> dict[str, Any]:
    def planted(base: float, tuned: float, given_out: int) -> dict[str, Any]:
        exposure = {"base": [base] * 7, "tuned": [tuned] * 7}
        return {"canaries": 7, "extracted": {"base": 0, "tuned": given_out}, "exposure": exposure}

    return {
        "canaries": {
            "highest_exposure": 8.0,
            "unplanted_exposure": 1.43,
            "by_copies": {"1": planted(1.2, 1.9, 0), "4": planted(1.5, 4.4, 0), "16": planted(1.4, 7.9, 2)},
        },
        "membership": {"members": 240, "others": 240, "true_positive_rate": 0.0375, "false_positive_rate": 0.01},
        "personal_data": {"kinds": {"EMAIL": {"base": 1, "tuned": 0}}, "example_ids": []},
        "must_not_say": {"phrases": {"money back": {"base": 4, "tuned": 1}}, "example_ids": [example_id(9)]},
        "must_refuse": {"questions": 20, "refused": {"base": 3, "tuned": 18}, "not_refused": ["must_refuse:4"]},
    }
