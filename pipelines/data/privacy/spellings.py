"""One name, many spellings: Jörg and Joerg, Weiß and WEISS, Søren and Soren."""

import re
import unicodedata

# Latin, Greek and Cyrillic letters with marks; in other scripts a mark makes another letter.
_MARKED = (range(0xC0, 0x530), range(0x1E00, 0x2000))
_PLAIN = {
    number: base[0]
    for numbers in _MARKED
    for number in numbers
    if len(base := unicodedata.normalize("NFD", chr(number))) > 1 and all(map(unicodedata.combining, base[1:]))
} | {ord(letter): plain for letter, plain in zip("øłđðıæœ", "olddiao", strict=True)}
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "æ": "ae", "œ": "oe", "ø": "oe"})
_DRAWN_TOGETHER = re.compile("ae|oe|ue|aa|ss")
# Thai, Lao, Burmese, Khmer, kana, Chinese characters and Korean: written without spaces, or with endings on the name.
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)


def plain_letters(folded: str) -> str:
    """Folded text without the marks on its letters, character by character, so that positions stay."""
    return folded if folded.isascii() else folded.translate(_PLAIN)


def spellings(folded: str) -> list[str]:
    """A folded name as it can stand in plain_letters of a text: without marks, spelled out, drawn together."""
    together = _DRAWN_TOGETHER.sub(lambda pair: "ß" if pair[0] == "ss" else pair[0][0], folded)
    return list(dict.fromkeys(map(plain_letters, (folded, folded.translate(_SPELLED_OUT), together))))


def without_spaces(text: str) -> bool:
    """Whether the text holds a letter of a script in which other letters may stand beside a name."""
    return not text.isascii() and _WITHOUT_SPACES.search(text) is not None
