"""Whether the style that an HTML element has of its own leaves nothing of it to be seen."""

import re

_HIDING_WORDS = {("display", "none"), ("visibility", "hidden"), ("visibility", "collapse")}
_MOVED_BY = {"left", "right", "top", "bottom", "text-indent", "margin-left", "margin-top"}
_LENGTH = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+))([a-z]*|%)")
_CLIP = re.compile(r"rect\(([^()]*)\)")
_INSET = re.compile(r"inset\(\s*([^\s,()]*)\s*\)")
# In the sizes that browsers begin with; a percentage is one of the text's size, as in font-size.
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "%": 0.16}
_SMALLEST_TEXT = 1.0
_FAINTEST = 0.05
_FAR_OFF = -1000.0


def hides(style: str) -> bool:
    """Whether a declaration hides: nothing displayed, no more than 5% opaque, text of one pixel, clipped, or far off.

    Of a property that is given twice each counts, since browsers pass over what they do not know.
    """
    uncommented = "".join(piece.partition("/*")[0] for piece in style.lower().split("*/"))
    return any(map(_is_hiding, uncommented.split(";")))


def _is_hiding(declaration: str) -> bool:
    name, _, given = declaration.partition(":")
    name, value = name.strip(), given.partition("!")[0].strip()
    if name == "opacity":
        return _opacity(value) <= _FAINTEST
    if name == "font-size":
        return 0 <= _pixels(value, 16.0) <= _SMALLEST_TEXT
    if name in _MOVED_BY:
        return _pixels(value, 0.0) <= _FAR_OFF
    if name == "clip":
        return _is_empty_clip(value)
    if name == "clip-path":
        inset = _INSET.fullmatch(value)
        return inset is not None and inset[1].endswith("%") and _pixels(inset[1], 0.0) >= 50 * _PIXELS["%"]
    return (name, value) in _HIDING_WORDS


def _pixels(value: str, otherwise: float) -> float:
    length = _LENGTH.fullmatch(value)
    if length is None:
        return otherwise
    number = float(length[1])
    return number * _PIXELS[length[2]] if length[2] in _PIXELS else 0.0 if number == 0 else otherwise


def _opacity(value: str) -> float:
    amount = _LENGTH.fullmatch(value)
    if amount is None or amount[2] not in ("", "%"):
        return 1.0
    return float(amount[1]) / (100 if amount[2] else 1)


def _is_empty_clip(value: str) -> bool:
    clip = _CLIP.fullmatch(value)
    edges = re.split(r"\s*,\s*|\s+", clip[1].strip()) if clip else []
    if len(edges) != 4 or not all(map(_LENGTH.fullmatch, edges)):
        return False
    top, right, bottom, left = (_pixels(edge, 0.0) for edge in edges)
    return bottom <= top or right <= left
