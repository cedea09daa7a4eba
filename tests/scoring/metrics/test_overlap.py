import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from pipelines.scoring.metrics.overlap import chrf, rouge
from tests.scoring.metrics.strategies import rows_expecting

PAIRS = [
    ("The quick brown fox jumps over the lazy dog.", "The quick brown dog jumps on the log."),
    ("Your refund of $12.50 is on its way", "it is on its way, your refund"),
    ("yes", "no"),
    ("a b c d", ""),
]
texts = st.text(min_size=1).filter(str.strip)
SCORES = [
    lambda rows, answers: rouge("rouge1", rows, answers),
    lambda rows, answers: rouge("rougeL", rows, answers),
    chrf,
]


@pytest.mark.parametrize("kind", ["rouge1", "rougeL"])
def test_rouge_of_english_is_rouge_scores_own(kind):
    own = [RougeScorer([kind]).score(expected, answer)[kind].fmeasure for expected, answer in PAIRS]
    found = rouge(kind, rows_expecting(*(expected for expected, _ in PAIRS)), [answer for _, answer in PAIRS])
    assert found.tolist() == pytest.approx(own)


def test_chrf_is_sacrebleus_own():
    own = [sacrebleu.sentence_chrf(answer, [expected]).score / 100 for expected, answer in PAIRS]
    found = chrf(rows_expecting(*(expected for expected, _ in PAIRS)), [answer for _, answer in PAIRS])
    assert found.tolist() == pytest.approx(own)


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ("Größe prüfen", "größe prüfen!", 1),
        ("請求書 番号", "請求書 日付", 6 / 10),
        ("الفاتورة جاهزة", "الفاتورة", 2 / 3),
        ("?!", "?!", 1),
        ("?!", "!", 0),
    ],
)
def test_rouge_knows_words_of_every_script(expected, answer, score):
    assert rouge("rouge1", rows_expecting(expected), [answer]).tolist() == pytest.approx([score])


@settings(deadline=None)
@given(texts)
def test_the_expected_answer_itself_scores_one(text):
    for score in SCORES:
        assert score(rows_expecting(text), [text]).tolist() == pytest.approx([1])


@settings(deadline=None)
@given(texts, st.text())
def test_scores_stay_between_zero_and_one(expected, answer):
    for score in SCORES:
        (found,) = score(rows_expecting(expected), [answer])
        assert 0 <= found <= 1
