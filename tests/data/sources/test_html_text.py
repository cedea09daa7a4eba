"""What of an HTML page a reader would not see, without its style sheets."""

import pytest

from pipelines.data.sources.html_text import visible_html

HIDING = [
    "display:none",
    "color:red; DISPLAY : none !important",
    "visibility:collapse",
    "/* a */ display: /* b */ none",
    "display:none; display:sesame",
    "opacity:0",
    "opacity:.01",
    "opacity: 1%",
    "opacity:-1",
    "font-size:0",
    "font-size:0.01px",
    "font-size:1px",
    "font-size:.05em",
    "font-size:0%",
    "font-size:3%",
    "position:absolute;left:-9999px",
    "position:fixed; top: -99999px",
    "right:-999em",
    "text-indent:-9999px",
    "margin-left:-5000pt",
    "clip:rect(0,0,0,0)",
    "clip: rect(0 0 0 0)",
    "clip:rect(1px, 1px, 1px, 1px)",
    "clip:rect(0px,200px,0px,0px)",
    "clip-path:inset(50%)",
    "clip-path: inset(100%)",
]
SHOWING = [
    "",
    "display",
    "display:block",
    "opacity:0.4",
    "opacity:1",
    "font-size:0.8em",
    "font-size:10px",
    "font-size:100%",
    "font-size:1rem",
    "font-size:smaller",
    "left:-20px",
    "left:9999px",
    "text-indent:-1.5em",
    "clip:rect(0px,60px,200px,0px)",
    "clip:auto",
    "clip-path:inset(10%)",
    "color:#fff",
    "border-left:-9999px",
    "content:'display:none'",
    "}{;:;",
]


@pytest.mark.parametrize("style", HIDING)
def test_what_an_elements_own_style_hides_is_left_out_and_counted(style):
    page = visible_html(f'<p>Seen.</p><p style="{style}">Sesame <b>opens</b>.</p>')
    assert (page.html, page.hidden_characters) == ("<p>Seen.</p>", len("Sesameopens."))


@pytest.mark.parametrize("style", SHOWING)
def test_any_other_style_hides_nothing(style):
    html = f'<p style="{style}">Seen.</p>'
    assert visible_html(html) == (html, None, 0)


def test_what_is_hidden_from_screen_readers_alone_is_seen():
    html = '<main aria-hidden="true">Behind a dialog.</main>'
    assert visible_html(html) == (html, None, 0)


def test_a_long_style_takes_no_time():
    """Looking for the end of each comment, or of each number, again would take hours."""
    for piece in ("/*", ";", ":", "1", "a:-", "clip:rect(", "clip:rect(0 ", " ", "left:-1;"):
        assert visible_html(f'<p style="{piece * 200_000}">Seen.</p>').hidden_characters == 0
