"""How much of the expected text an answer has, by words (ROUGE) and by letters (chrF); each between 0 and 1."""

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Literal

import numpy as np

from pipelines.scoring.metrics.figures import Row, Scores, Texts

# Runs of letters and digits of any script; of those that are written without spaces, each letter is a word.
_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+")


def rouge(kind: Literal["rouge1", "rougeL"], rows: Sequence[Row], answers: Texts) -> Scores:
    """F1 of shared words, or of the longest common subsequence of words, by rouge-score (Lin 2004).

    Words are in small letters and not stemmed. An expected answer without a word must be met exactly.
    """
    # Seconds of importing (nltk), only for recipes that ask for it.
    from rouge_score.rouge_scorer import RougeScorer

    # Its own tokenizer knows a to z and 0 to 9 alone.
    scorer = RougeScorer([kind], tokenizer=SimpleNamespace(tokenize=lambda text: _WORD.findall(text.lower())))
    return np.array(
        [
            scorer.score(row["answer"], answer)[kind].fmeasure
            if _WORD.search(row["answer"])
            else answer.strip() == row["answer"].strip()
            for row, answer in zip(rows, answers, strict=True)
        ],
        dtype=float,
    )


def chrf(rows: Sequence[Row], answers: Texts) -> Scores:
    """chrF, the F2 of runs of one to six letters, by sacrebleu (Popović 2015), of each row; divided by 100."""
    from sacrebleu.metrics.chrf import CHRF

    scorer = CHRF()
    pairs = zip(rows, answers, strict=True)
    scores = [scorer.sentence_score(answer, [row["answer"]]).score / 100 for row, answer in pairs]
    # The mean of equal parts may end a rounding above 1.
    return np.asarray(np.clip(scores, 0.0, 1.0), dtype=float)
