"""The built web site, opened from a disk: films play and questions answer without a kernel, everywhere readable."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser.chrome import DESK, LOOKS, NEEDS, PHONE, ROOT, Tab, chromium

pytestmark = [*NEEDS, pytest.mark.xdist_group("site")]
pytest.importorskip("playwright.sync_api")

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
PAGES = [
    "index.html",
    "search.html",
    "genindex.html",
    *(f"docs/{name}.html" for name in ("films", "teaching", "where-it-works", "release")),
    "films/ch09-rolling-update.html",
    *(f"notebooks/{name}.html" for name in NOTEBOOKS),
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make site` builds it; K8SVIZ_SITE names one that is built already."""
    if "K8SVIZ_SITE" in os.environ:
        return Path(os.environ["K8SVIZ_SITE"]).resolve()
    folder = tmp_path_factory.mktemp("site") / "html"
    done = subprocess.run(
        [sys.executable, "tools/make_site.py", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def open_page(browser: Any, site: Path, page: str, width: int = DESK, theme: str = "light", **context: Any) -> Tab:
    tab = Tab(browser, width, theme, **context)
    tab.page.goto((site / page).as_uri())
    if context.get("java_script_enabled", True):
        tab.page.wait_for_selector(".kvp" if page.startswith("films/") else "html[data-widgets]", timeout=30_000)
    return tab


@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_well(browser: Any, site: Path, page: str) -> None:
    tab = open_page(browser, site, page)
    wrong = tab.problems(f"site-{Path(page).stem}", outside="article")
    assert wrong == [], "\n".join(wrong)
    assert tab.complaints == []
    assert tab.strangers == []
    tab.context.close()


def test_everybody_can_read_every_film(browser: Any, site: Path) -> None:
    """One player shows them all, and one film is looked at in all its looks above: here they take turns."""
    tab = Tab(browser)
    wrong = []
    films = sorted(site.glob("films/*.html"))
    for number, film in enumerate(films):
        width, theme = LOOKS[number % 4]
        tab.wear(width, theme)
        tab.page.goto(film.as_uri())
        tab.page.locator(".kvp-slider").wait_for()
        tab.page.keyboard.press("ArrowDown")
        found = tab.violations(colours=None if number % 5 == 0 else False) + tab.nameless()
        wrong += [f"{film.stem}, {theme}, {width} pixels: {one}" for one in found]
    assert len(films) > 20
    assert wrong == [], "\n".join(wrong)
    assert tab.complaints == tab.strangers == []
    tab.context.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_widget_shows_itself_and_has_its_text(browser: Any, site: Path, name: str) -> None:
    tab = open_page(browser, site, f"notebooks/{name}.html")
    places = tab.page.locator(".kx-widget")
    heights = places.evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    assert min(heights, default=99) > 40
    assert places.count() == tab.page.locator(".kx-widget[data-shown]").count()
    assert tab.page.locator("figure.kx-figure").count() == tab.page.locator("figure.kx-figure details pre").count()
    tab.context.close()


def test_a_film_plays_by_mouse_and_by_keys(browser: Any, site: Path) -> None:
    tab = open_page(browser, site, "notebooks/06-volumes.html")
    film = tab.page.locator(".kvp").first
    film.scroll_into_view_if_needed()
    film.get_by_role("slider").focus()
    tab.page.keyboard.press("Home")
    clock = film.locator(".kvp-clock")
    at = [clock.inner_text()]
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "End"):
        tab.page.keyboard.press(key)
        at.append(clock.inner_text())
    times = [float(text.removesuffix(" s")) for text in at]
    assert times == sorted(times)
    assert times[-1] > times[1] > 0
    tab.page.keyboard.press("Home")
    film.locator(".kvp-speed").select_option("4")
    film.get_by_role("button", name="Play", exact=True).first.click()
    tab.page.wait_for_function("e => parseFloat(e.textContent) > 0.5", arg=clock.element_handle())
    film.get_by_role("button", name="Pause", exact=True).first.click()
    stood = clock.inner_text()
    tab.page.wait_for_timeout(300)
    assert clock.inner_text() == stood
    box = film.locator(".kvp-slider").bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2)
    assert float(clock.inner_text().removesuffix(" s")) > float(stood.removesuffix(" s"))
    assert tab.complaints == []
    tab.context.close()


def test_a_question_is_answered_without_a_kernel(browser: Any, site: Path) -> None:
    tab = open_page(browser, site, "notebooks/00-start.html", PHONE)
    question = tab.page.locator(".kvq").first
    for place in range(question.get_by_role("radio").count()):
        question.get_by_role("radio").nth(place).check()
        question.get_by_role("button", name="Check").click()
        assert question.locator(".kvq-said").inner_text()
        if question.get_attribute("data-solved") == "true":
            break
    assert question.get_attribute("data-solved") == "true"
    assert tab.complaints == []
    tab.context.close()


def test_films_follow_the_pages_light_and_dark(browser: Any, site: Path) -> None:
    tab = open_page(browser, site, "index.html", theme="light")
    film = tab.page.locator(".kvp").first
    assert film.get_attribute("data-theme") == "light"
    for _ in range(2):  # from the system's choice to one of its own
        tab.page.locator(".theme-toggle:visible").first.click()
        if tab.page.locator("body").get_attribute("data-theme") == "dark":
            break
    assert tab.page.locator("body").get_attribute("data-theme") == "dark"
    assert film.get_attribute("data-theme") == "dark"
    tab.context.close()


def test_search_finds_a_chapter_from_a_disk(browser: Any, site: Path) -> None:
    tab = Tab(browser)
    tab.page.goto((site / "search.html").as_uri() + "?q=emptyDir")
    tab.page.wait_for_selector("#search-results li a")
    assert "06-volumes" in " ".join(
        tab.page.locator("#search-results li a").evaluate_all("all => all.map(a => a.href)")
    )
    assert tab.strangers == []
    tab.context.close()


def test_without_scripts_the_telling_frame_is_there(browser: Any, site: Path) -> None:
    tab = open_page(browser, site, "notebooks/06-volumes.html", java_script_enabled=False)
    assert tab.page.locator(".kx-widget .kx-before svg").first.is_visible()
    assert tab.page.locator(".kx-widget .kx-before", has_text="Predict:").first.is_visible()
    tab.context.close()


class Links(HTMLParser):
    """The ids, links and pictures of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.nameless: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self.ids.update(filter(None, (has.get("id"), has.get("name"))))
        self.links += [value for key in ("href", "src") if (value := has.get(key))]
        drawn = tag == "img" or (tag == "svg" and has.get("role") == "img")
        if drawn and not (has.get("alt") or has.get("aria-label")):
            self.nameless.append(self.get_starttag_text() or tag)


def test_every_link_leads_somewhere_and_every_picture_has_words(site: Path) -> None:
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        assert page.nameless == [], path.name
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists() or (
                parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids
            ):
                dead.append(f"{path.name}: {link}")
    assert [one for one in dead if not re.search(r": (#|.*\.html#)$", one)] == []
