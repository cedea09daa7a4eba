"""Parity: the proof that the file behaves as the model that was trained."""

from typing import Any, NamedTuple

from pipelines.scoring.report.reports import Json, Reports, Section
from pipelines.scoring.report.words import percent, plain

_CHECKS = {
    "tokens": "Token ids, Hugging Face and llama.cpp",
    "template": "Rendered chats, byte by byte",
    "bos": "Beginning of sequence",
    "hf_kl_mean": "KL of the 16-bit file to the merged model, mean per token",
    "hf_top1": "Same likeliest token, share of tokens",
    "hf_tokens": "Tokens on which these two were measured",
}


class Check(NamedTuple):
    """One line of the table: what was compared, what came out, and the limit that would have stopped the stage."""

    what: str
    found: str
    limit: str


def parity(reports: Reports) -> Section | None:
    """The checks and how the weights were merged."""
    found, merge = reports.export.get("parity") or {}, reports.export.get("merge") or {}
    if not found and not merge:
        return None
    limits = found.get("limits") or {}
    checks = [
        Check(_CHECKS.get(name, _spaced(name)), _told(name, figure), _told(name, limits.get(name)))
        for name, figure in found.items()
        if name != "limits" and figure is not None
    ]
    view = {
        "checks": checks,
        "merge": merge,
        "merge_limit": limits.get("merge_kl"),
        "measured_on": reports.export.get("measured_on"),
    }
    return Section("Parity", "parity", view)


def _told(name: str, figure: Any) -> str:
    if figure is None:
        return ""
    if isinstance(figure, dict):
        return ", ".join(f"{_spaced(key)} {_told(key, value)}" for key, value in _flat(figure))
    if isinstance(figure, bool):
        return "yes" if figure else "no"
    if isinstance(figure, int | float):
        return percent(figure) if name.endswith("top1") else plain(figure)
    return str(figure)


def _flat(figures: Json) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in figures.items() if isinstance(value, str | int | float)]


def _spaced(name: str) -> str:
    return name.replace("_", " ")
