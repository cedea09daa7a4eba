"""Text that a person does not see and a model does: what poisoned and injecting documents hide their words in."""

import re

# The last of a flag's letters and the England, Scotland and Wales flags are the honest use of tag characters.
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f")
_SIGNALS = {
    "bidi": re.compile("[\u202a-\u202e\u2066-\u2069]"),
    "tag_characters": re.compile("[\U000e0000-\U000e007f]"),
    "invisible_run": re.compile("[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff\U000e0100-\U000e01ef]{3,}"),
    "hidden_markup": re.compile(
        r"<!--(?=[^>]{0,2000}\w)|<[^<>]{1,2000}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])"
        r"|opacity\s*:\s*0(?![.\d]*[1-9]))",
        re.I,
    ),
}
SIGNALS: tuple[str, ...] = ("control_token", *_SIGNALS)


def hidden_text_signals(text: str) -> tuple[str, ...]:
    """The kinds of hidden text in `text`: bidi controls, tag characters, runs of invisible characters, hidden HTML."""
    if text.isascii() and "<" not in text:
        return ()
    plain = _FLAG.sub("", text)
    return tuple(name for name, pattern in _SIGNALS.items() if pattern.search(plain))
