"""HTML without what a reader of the page would not see: instructions to a model are hidden there."""

from collections import Counter
from html.parser import HTMLParser
from typing import NamedTuple

from pipelines.data.sources.html_style import hides

_UNSEEN = {"head", "title", "script", "style", "template", "noscript"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class VisibleHtml(NamedTuple):
    """The page without what is hidden, its title, and how many characters of hidden text were left out."""

    html: str
    title: str | None
    hidden_characters: int


def visible_html(html: str) -> VisibleHtml:
    """Leave out what an element hides by itself: by `hidden`, or by a style of its own (see html_style.hides).

    What a style sheet hides is not known here, nor what text of the background's colour does, since a style sheet gives
    most backgrounds; and `aria-hidden` hides from screen readers alone. A comment or a tag that never ends hides the
    rest, as it does in HTML5.
    """
    page = _Page()
    page.feed(html)
    if page.rawdata.startswith("<"):
        # To close the page would look for its end again from each later tag, for hours.
        page.hidden_characters += _count(page.rawdata)
    else:
        page.close()
    return VisibleHtml("".join(page.seen), " ".join("".join(page.title).split()) or None, page.hidden_characters)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: list[str] = []
        self.title: list[str] = []
        self.hidden_characters = 0
        # Of the elements that are open: name, whether it is out of sight, whether that is because it is hidden.
        self._open: list[tuple[str, bool, bool]] = []
        self._open_names: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag where it can be seen, and note what it hides."""
        given = dict(attrs)
        hiding = "hidden" in given or hides(given.get("style") or "")
        _, out, hidden = self._open[-1] if self._open else ("", False, False)
        out, hidden = out or hiding or tag in _UNSEEN, hidden or hiding
        if tag not in _VOID:
            self._open.append((tag, out, hidden))
            self._open_names[tag] += 1
        if not out:
            self.seen.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        """Close the element with all that was left open in it; an end without a beginning is passed over."""
        while self._open_names[tag]:
            name, out, _ = self._open.pop()
            self._open_names[name] -= 1
            if not out:
                self.seen.append(f"</{name}>")
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        self._text(data, _count(data))

    def handle_entityref(self, name: str) -> None:
        self._text(f"&{name};", 1)

    def handle_charref(self, name: str) -> None:
        self._text(f"&#{name};", 1)

    def _text(self, text: str, characters: int) -> None:
        name, out, hidden = self._open[-1] if self._open else ("", False, False)
        if not out:
            self.seen.append(text)
        elif name == "title" and not hidden:
            self.title.append(text)
        elif hidden:
            self.hidden_characters += characters


def _count(text: str) -> int:
    """Characters that are not white space."""
    return len("".join(text.split()))
