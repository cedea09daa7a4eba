"""Personal data and secrets that a model brings up of itself."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.normalise import fold, normalise
from pipelines.data.privacy.people import whole_words
from pipelines.data.privacy.spellings import plain_letters
from pipelines.data.structures import texts_in


def brought_up(text: str, given: Sequence[str], detector: Detector) -> Counter[str]:
    """What is found in `text`, by kind, that stands in none of the `given` texts, however capitalised."""
    known = [_folded(one) for one in given]
    squeezed = [_squeezed(one) for one in known]
    found: Counter[str] = Counter()
    for span in detector.find(text):
        value = _folded(text[span.start : span.end]).strip()
        # A number may be written with other signs; a short name must not be found within a word.
        as_number = _squeezed(value) if any(map(str.isdigit, value)) else ""
        stands = any(any(whole_words(one, value)) for one in known)
        if not stands and not (as_number and any(as_number in one for one in squeezed)):
            found[span.kind] += 1
    return found


def told_by(chat: Any) -> list[str]:
    """What messages and tools tell, calls' arguments and reasoning too; numbers as JSON writes them."""
    return [*texts_in(chat), json.dumps(chat, ensure_ascii=False)]


def _folded(text: str) -> str:
    return plain_letters(fold(normalise(text).text))


def _squeezed(folded: str) -> str:
    return "".join(filter(str.isalnum, folded))
