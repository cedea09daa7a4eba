"""IFEval's instructions, each with the check of an answer's text (Zhou et al. 2023, arXiv:2311.07911, table 1).

The names and arguments are the data's own. Checks of a language ask py3langid, where IFEval's own ask langdetect.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

# To count sentences as IFEval does takes nltk's Punkt model, which is a download.
LEFT_OUT = frozenset({"length_constraints:number_sentences"})

_PLAIN_ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FENCES = re.compile(r"^```(json|Json|JSON)?|```$")


def _compared(count: int, relation: str, limit: int) -> bool:
    return count < limit if relation == "less than" else count >= limit


def _has_keywords(text: str, *, keywords: Sequence[str]) -> bool:
    return all(_occurrences(text, keyword) for keyword in keywords)


def _keyword_frequency(text: str, *, keyword: str, frequency: int, relation: str) -> bool:
    return _compared(_occurrences(text, keyword.strip()), relation, frequency)


def _occurrences(text: str, keyword: str) -> int:
    """Anywhere in the text, also within longer words, in any case."""
    return len(re.findall(re.escape(keyword), text, re.IGNORECASE))


def _lacks_words(text: str, *, forbidden_words: Sequence[str]) -> bool:
    return not any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in forbidden_words)


def _letter_frequency(text: str, *, letter: str, let_frequency: int, let_relation: str) -> bool:
    return _compared(text.lower().count(letter.strip().lower()), let_relation, let_frequency)


def _is_in(text: str, *, language: str) -> bool:
    return _language(text) == language


def _number_words(text: str, *, num_words: int, relation: str) -> bool:
    return _compared(len(re.findall(r"\w+", text)), relation, num_words)


def _number_paragraphs(text: str, *, num_paragraphs: int) -> bool:
    """Paragraphs between lines of three asterisks, none of them empty but before the first and behind the last."""
    paragraphs = [bool(part.strip()) for part in re.split(r"\s?\*\*\*\s?", text)]
    return all(paragraphs[1:-1]) and sum(paragraphs) == num_paragraphs


def _nth_paragraph_first_word(text: str, *, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    """Paragraphs between empty lines; empty ones are not counted, but keep their number."""
    paragraphs = text.split("\n\n")
    if sum(bool(part.strip()) for part in paragraphs) != num_paragraphs or nth_paragraph > num_paragraphs:
        return False
    words = paragraphs[nth_paragraph - 1].split()
    if not words:
        return False
    begin = re.match(r"[^.,?!'\"]*", words[0].lstrip("'").lstrip('"'))
    return begin is not None and begin[0].lower() == first_word.lower()


def _number_placeholders(text: str, *, num_placeholders: int) -> bool:
    return len(re.findall(r"\[.*?\]", text)) >= num_placeholders


def _has_postscript(text: str, *, postscript_marker: str) -> bool:
    patterns = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}
    marker = postscript_marker.strip()
    return re.search(patterns.get(marker, re.escape(marker.lower())), text.lower()) is not None


def _number_bullets(text: str, *, num_bullets: int) -> bool:
    return len(re.findall(r"^\s*(?:\*[^*]|-).*$", text, re.MULTILINE)) == num_bullets


def _is_plain_answer(text: str) -> bool:
    return any(answer in text for answer in _PLAIN_ANSWERS)


def _number_highlights(text: str, *, num_highlights: int) -> bool:
    """What stands between single or double asterisks on one line, and is not empty."""
    single = [found for found in re.findall(r"\*[^\n*]*\*", text) if found.strip("*").strip()]
    double = [found for found in re.findall(r"\*\*[^\n*]*\*\*", text) if found[2:-2].strip()]
    return len(single) + len(double) >= num_highlights


def _number_sections(text: str, *, section_spliter: str, num_sections: int) -> bool:
    return len(re.findall(rf"\s?{re.escape(section_spliter.strip())}\s?\d+\s?", text)) >= num_sections


def _is_json(text: str) -> bool:
    try:
        json.loads(_FENCES.sub("", text.strip()))
    except ValueError:
        return False
    return True


def _has_title(text: str) -> bool:
    return any(title.lstrip("<").rstrip(">").strip() for title in re.findall(r"<<[^\n]+>>", text))


def _two_responses(text: str) -> bool:
    """Two different ones between six asterisks; an empty part may stand only at either end."""
    parts = [part.strip() for part in text.split("******")]
    given = [part for part in parts if part]
    return all(parts[1:-1]) and len(given) == 2 and given[0] != given[1]


def _repeats_prompt(text: str, *, prompt_to_repeat: str) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


def _ends_with(text: str, *, end_phrase: str) -> bool:
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def _capital_words(text: str, *, capital_frequency: int, capital_relation: str) -> bool:
    """Hyphenated words are one word, as for nltk's tokenizer, which IFEval asks."""
    words = re.findall(r"\w+(?:[-./&*]+\w+)*", text)
    return _compared(sum(word.isupper() for word in words), capital_relation, capital_frequency)


def _is_capital_english(text: str) -> bool:
    return text.isupper() and _language(text) == "en"


def _is_lowercase_english(text: str) -> bool:
    return text.islower() and _language(text) == "en"


def _has_no_comma(text: str) -> bool:
    return "," not in text


def _is_quoted(text: str) -> bool:
    bare = text.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == '"'


def _language(text: str) -> str:
    """ISO 639-1; read in small letters, since capitals look foreign to the model."""
    return str(_identifier().classify(text.lower())[0])


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


CHECKS: dict[str, Callable[..., bool]] = {
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": _is_capital_english,
    "change_case:english_lowercase": _is_lowercase_english,
    "combination:repeat_prompt": _repeats_prompt,
    "combination:two_responses": _two_responses,
    "detectable_content:number_placeholders": _number_placeholders,
    "detectable_content:postscript": _has_postscript,
    "detectable_format:constrained_response": _is_plain_answer,
    "detectable_format:json_format": _is_json,
    "detectable_format:multiple_sections": _number_sections,
    "detectable_format:number_bullet_lists": _number_bullets,
    "detectable_format:number_highlighted_sections": _number_highlights,
    "detectable_format:title": _has_title,
    "keywords:existence": _has_keywords,
    "keywords:forbidden_words": _lacks_words,
    "keywords:frequency": _keyword_frequency,
    "keywords:letter_frequency": _letter_frequency,
    "language:response_language": _is_in,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph_first_word,
    "length_constraints:number_paragraphs": _number_paragraphs,
    "length_constraints:number_words": _number_words,
    "punctuation:no_comma": _has_no_comma,
    "startend:end_checker": _ends_with,
    "startend:quotation": _is_quoted,
}
