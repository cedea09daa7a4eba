"""The pages in a headless Chromium: opened from their file, on a phone, in the dark, on paper, without scripts."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.scoring.report.leaderboard import leaderboard_page
from pipelines.scoring.report.page import report_page
from pipelines.scoring.report.side_by_side import side_by_side
from tests.scoring.report.full_evaluation import scores_of_all, write_answers

PAGES = ("full", "minimal", "sample", "rows", "leaderboard")
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, or the one that `playwright install chromium` fetched."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    with sync_playwright() as playwright:
        program = found or playwright.chromium.executable_path
        if not Path(program).exists():
            pytest.skip("no Chromium on this machine: apt-get install chromium, or playwright install chromium")
        started = playwright.chromium.launch(executable_path=program)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory, full, minimal, sample) -> dict[str, Path]:
    """Each page as a file."""
    folder = tmp_path_factory.mktemp("pages")
    write_answers(folder / "answers.jsonl", scores_of_all(), rows=12)
    rows = side_by_side(folder / "answers.jsonl", full)
    made = {
        "full": report_page(full),
        "minimal": report_page(minimal),
        "sample": report_page(sample),
        "rows": report_page(full, rows),
        "leaderboard": leaderboard_page([full, replace(minimal, name="refunds"), sample], ["not_yet"]),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


def shown(browser: Browser, file: Path, size=DESK, **options) -> tuple[Page, list[str]]:
    """The opened page, and everything that it asked for, said in the console or popped up."""
    page = browser.new_context(viewport=size, **options).new_page()
    heard: list[str] = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append("dialog"), dialog.dismiss()))
    page.goto(file.as_uri())
    return page, heard


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_its_file_and_asks_for_nothing_else(browser, pages, name):
    page, heard = shown(browser, pages[name])
    assert page.locator("h1").is_visible()
    assert heard == [pages[name].as_uri()]
    page.context.close()


@pytest.mark.parametrize(("name", "scheme"), [*((name, "light") for name in PAGES), ("full", "dark"), ("rows", "dark")])
def test_axe_finds_nothing(browser, pages, name, scheme):
    page, _ = shown(browser, pages[name], color_scheme=scheme)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_nothing_is_wider_than_the_screen(browser, pages, name):
    page, _ = shown(browser, pages[name], PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # What is wider, as a table, is scrolled by itself.
    outside = page.evaluate(
        """() => [...document.body.querySelectorAll('*')].filter(
          part => !part.closest('.wide, svg') && part.getBoundingClientRect().right > innerWidth + 1
        ).map(part => part.outerHTML.slice(0, 80))"""
    )
    assert outside == []
    smallest = (
        "() => Math.min(...[...document.querySelectorAll('svg text')].map(x => x.getBoundingClientRect().height))"
    )
    if page.locator("svg text").count():
        assert page.evaluate(smallest) >= 9
    page.context.close()


@pytest.mark.parametrize("name", ["full", "rows"])
def test_words_of_a_picture_do_not_leave_it(browser, pages, name):
    page, _ = shown(browser, pages[name])
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg text')].filter(words => {
          const frame = words.closest('svg').getBoundingClientRect(), box = words.getBoundingClientRect();
          return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
        }).map(words => words.textContent)"""
    )
    assert outside == []
    page.context.close()


def test_the_dark_page_is_dark_and_paper_is_white(browser, pages):
    page, _ = shown(browser, pages["full"], color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(22, 25, 28)"
    page.emulate_media(media="print")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.context.close()


@pytest.mark.parametrize("name", ["full", "rows"])
def test_on_paper_everything_is_unfolded(browser, pages, name):
    page, _ = shown(browser, pages[name])
    folded = page.locator("details:not([open]) > :not(summary)").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() > 0
    heights = page.evaluate("[...document.querySelectorAll('details > :not(summary)')].map(part => part.offsetHeight)")
    assert min(heights) > 0
    assert page.locator("nav:visible, .filters:visible").count() == 0
    assert page.pdf().startswith(b"%PDF")
    page.context.close()


def test_rows_are_filtered_and_searched(browser, pages):
    page, _ = shown(browser, pages["rows"])
    rows = page.locator(".row:visible")
    everything = rows.count()
    page.get_by_text("losses, ").click()
    assert 0 < rows.count() < everything
    assert set(rows.locator(".said").all_inner_texts()) == {"loss"}
    page.get_by_text("all", exact=True).click()
    page.get_by_label("Search in these rows").fill("number 7 broke")
    assert rows.count() == 1
    page.get_by_label("Search in these rows").fill("")
    assert rows.count() == everything
    page.context.close()


def test_without_scripts_every_row_is_there_and_filtered(browser, pages):
    page, _ = shown(browser, pages["rows"], java_script_enabled=False)
    rows = page.locator(".row:visible")
    everything = rows.count()
    assert everything == page.locator(".row").count()
    assert not page.locator("#search").is_visible()
    page.get_by_text("ties, ").click()
    assert set(rows.locator(".said").all_inner_texts()) == {"tie"}
    page.context.close()


def test_the_keyboard_reaches_the_filter(browser, pages):
    page, _ = shown(browser, pages["rows"])
    page.locator("#pick-all").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#pick-loss").is_checked()
    page.context.close()


def test_a_long_text_is_shortened_in_place_and_unfolds(browser, pages):
    page, _ = shown(browser, pages["rows"])
    text = page.locator(".texts details", has=page.locator(".head", has_text="…")).first
    short = text.inner_text()
    text.locator("summary").click()
    assert len(text.inner_text()) > 3 * len(short)
    assert not text.locator(".head").is_visible()
    page.context.close()
