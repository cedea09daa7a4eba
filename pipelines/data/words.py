"""Words and shingles: what texts are compared by."""

import re
import unicodedata

# Scripts written without spaces between words count each character as one: Thai, Lao, Khmer, kana, Han.
_WORD = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|\w+")


def folded(text: str) -> str:
    """Text without what does not make two prompts different: case, spacing and Unicode compatibility forms."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """The words of a text in order, folded, without punctuation."""
    return _WORD.findall(text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold())


def shingles(text_words: list[str], size: int) -> list[str]:
    """Every run of `size` words, in order, each once; of a shorter text all of it."""
    if len(text_words) < size:
        return [" ".join(text_words)]
    return list(dict.fromkeys(map(" ".join, zip(*(text_words[start:] for start in range(size)), strict=False))))
