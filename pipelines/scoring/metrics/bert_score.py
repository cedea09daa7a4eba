"""BERTScore: how alike two texts are by the embeddings of their tokens (Zhang et al. 2020, arXiv:1904.09675)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.batches import batched
from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.figures import Row, Scores, Texts

_PAIRS_AT_ONCE = 16


def check_bert_score_model(folder: Path) -> None:
    """Raise TinsmithError where the folder holds no model."""
    if not (folder / "config.json").is_file():
        raise TinsmithError(
            f"evaluate.bert_score_model: {folder}: is no folder of a transformers model (no config.json); nothing is "
            "downloaded for a metric"
        )


def bert_score(folder: Path, rows: Sequence[Row], answers: Texts) -> Scores:
    """F1 of each row: every token is matched with the most similar one of the other text, by cosine.

    Without inverse document frequencies and without rescaling; below 0, which only unlike texts reach, it is 0. The
    layer is the one three quarters up, which is within one of those that the paper's authors chose by experiment.
    Texts are cut at the model's longest input.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = (
        AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
        .to(device)
        .eval()
    )
    scores: list[float] = []
    pairs = [(row["answer"], answer) for row, answer in zip(rows, answers, strict=True)]
    with torch.inference_mode():
        for batch in batched(pairs, _PAIRS_AT_ONCE):
            wanted, said = ([pair[side] for pair in batch] for side in (0, 1))
            scores += _f1(_embedded(model, tokenizer, wanted), _embedded(model, tokenizer, said))
    return np.asarray(np.clip(scores, 0.0, 1.0), dtype=float)


def _embedded(model: Any, tokenizer: Any, texts: list[str]) -> tuple[Any, Any, Any]:
    """Unit vectors of all tokens (texts x tokens x width), which of them are there, and which are no control tokens."""
    import torch

    longest = min(tokenizer.model_max_length, model.config.max_position_embeddings - 2)
    given = tokenizer(
        texts, padding=True, truncation=True, max_length=longest, return_tensors="pt", return_special_tokens_mask=True
    )
    controls = given.pop("special_tokens_mask").bool().to(model.device)
    given = given.to(model.device)
    layer = math.ceil(model.config.num_hidden_layers * 3 / 4)
    vectors = model(**given, output_hidden_states=True).hidden_states[layer]
    there = given["attention_mask"].bool()
    return torch.nn.functional.normalize(vectors, dim=-1), there, there & ~controls


def _f1(wanted: tuple[Any, Any, Any], said: tuple[Any, Any, Any]) -> list[float]:
    """F1 of each pair; a text without a token of its own scores 0."""
    vectors, there, counted = wanted
    said_vectors, said_there, said_counted = said
    alike = vectors @ said_vectors.transpose(1, 2)
    lowest = -1.0
    recalls = alike.masked_fill(~said_there[:, None, :], lowest).amax(dim=2)
    precisions = alike.masked_fill(~there[:, :, None], lowest).amax(dim=1)
    recall = (recalls * counted).sum(1) / counted.sum(1).clamp(min=1)
    precision = (precisions * said_counted).sum(1) / said_counted.sum(1).clamp(min=1)
    total = precision + recall
    both = (precision > 0) & (recall > 0)
    return [float(score) for score in (2 * precision * recall / total.where(both, total.new_ones(()))).where(both, 0.0)]
