"""Which language a text is written in, by py3langid's model, which lies in the package (97 languages, no network)."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

UNKNOWN = "unknown"
_SURE = 0.8  # probability below which a language is not told: short texts are often of several


def languages(texts: Iterable[str]) -> Iterator[str]:
    """The ISO 639-1 code of each text's language, or UNKNOWN where the model is not sure."""
    for text in texts:
        language, probability = _identifier().classify(text)
        yield str(language) if probability >= _SURE else UNKNOWN


@cache
def known_languages() -> frozenset[str]:
    """The codes that can be told."""
    return frozenset(str(label) for label in _identifier().labels)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
