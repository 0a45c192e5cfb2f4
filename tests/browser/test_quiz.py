"""A question in a real browser: by keyboard and by mouse, wrong and then right, light and dark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8sviz.sources.questions import Option, Question, load_question
from k8sviz.views.quiz import quiz_content, quiz_css, quiz_js

pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Questions</title>
<style>body{{margin:24px;background:{back}}} .place{{margin-bottom:24px}} {css}</style>
<body data-jp-theme-light="{light}">
<main></main><script type="module">
{js}
const kept = (window.kept = {{}});
for (const [content, tried] of {questions}) {{
  const place = document.querySelector("main").appendChild(document.createElement("div"));
  place.className = "place";
  const model = {{ content, tried, on() {{}}, off() {{}}, get(n) {{ return this[n]; }}, set(n, v) {{ this[n] = v; }},
                  save_changes() {{ kept[content.id] = this.tried; }} }};
  render({{ model, el: place }});
}}
</script></body></html>"""


def page_of(*asked: str | Question, tried: dict[str, list[int]] | None = None, dark: bool = False) -> str:
    questions = [load_question(q) if isinstance(q, str) else q for q in asked]
    rows = [[quiz_content(q), (tried or {}).get(q.id, [])] for q in questions]
    return PAGE.format(
        css=quiz_css(),
        js=quiz_js(),
        questions=json.dumps(rows).replace("<", "\\u003c"),
        light="false" if dark else "true",
        back="#111" if dark else "#fff",
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a page with these questions; at the end nothing may have been complained about or loaded."""
    complaints: list[str] = []
    pages: list[Any] = []

    def opened(*asked: str | Question, width: int = 900, **options: Any) -> Any:
        path = tmp_path / "page.html"
        path.write_text(page_of(*asked, **options), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith("file:") else complaints.append(r.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


def option(page: Any, text: str) -> Any:
    return page.get_by_role("radio", name=text)


def test_with_the_mouse_wrong_then_right(show: Any) -> None:
    page = show("06-smallest")
    question = load_question("06-smallest")
    said = page.get_by_role("status")
    page.get_by_role("button", name="Check").click()
    assert said.inner_text() == "Choose an answer first."
    option(page, "pv-ssd-3gi").click()
    page.get_by_role("button", name="Check").click()
    assert said.inner_text() == f"Not yet. {question.options[2].why}".replace("`", "")
    assert page.locator("details").is_hidden()
    option(page, "pv-2gi").click()
    assert "Not yet" not in said.inner_text()
    page.get_by_role("button", name="Check").click()
    assert said.inner_text() == f"Right. {question.options[1].why}".replace("`", "")
    assert page.evaluate("kept") == {"06-smallest": [2, 1]}
    page.get_by_text("Why not the others?").click()
    assert page.get_by_text("too little for 1500Mi").is_visible()
    assert page.get_by_role("img", name="the right answer").count() == 1
    assert page.get_by_role("img", name="tried, not this one").count() == 1


def test_with_the_keyboard_alone(show: Any) -> None:
    page = show("06-restart")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text().startswith("Not yet")
    page.keyboard.press("ArrowDown")
    assert option(page, "The old lines").is_checked()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Check"
    page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text().startswith("Right")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1


def test_a_notebook_keeps_its_own_keys(show: Any) -> None:
    page = show("06-restart")
    root = page.locator(".kvq")
    page.keyboard.press("Tab")
    assert root.get_attribute("data-lm-suppress-shortcuts") is not None
    page.keyboard.down("Shift")
    assert root.get_attribute("data-lm-suppress-shortcuts") is None
    page.keyboard.up("Shift")
    assert root.get_attribute("data-lm-suppress-shortcuts") is not None


def test_many_on_a_page_do_not_meet(show: Any) -> None:
    page = show("06-restart", "06-smallest", "06-restart")
    first, second, third = page.locator(".kvq").all()
    first.get_by_role("radio").nth(1).check()
    second.get_by_role("radio").nth(0).check()
    third.get_by_role("radio").nth(2).check()
    assert [q.locator(":checked").count() for q in (first, second, third)] == [1, 1, 1]
    first.get_by_role("button").click()
    assert second.get_by_role("status").inner_text() == ""


def test_an_answer_stays(show: Any) -> None:
    page = show("06-smallest", "06-restart", tried={"06-smallest": [0, 1], "06-restart": [0]})
    solved, tried = page.locator(".kvq").all()
    assert solved.get_by_role("status").inner_text().startswith("Right")
    assert solved.get_by_role("radio", name="pv-2gi").is_checked()
    assert solved.locator("details").is_visible()
    assert tried.get_by_role("status").inner_text().startswith("Not yet")


def test_the_question_names_its_answers(show: Any) -> None:
    page = show("06-smallest")
    assert page.get_by_role("group", name="Which volume will it get?").count() == 1
    assert page.get_by_role("radio").count() == 5
    assert page.locator("[aria-live=polite]").count() == 1


@pytest.mark.parametrize("width", [320, 900])
def test_nothing_sticks_out(show: Any, width: int) -> None:
    page = show("06-smallest", "06-in-use", width=width, tried={"06-in-use": [1, 0]})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_wears_its_surroundings(show: Any, dark: bool) -> None:
    page = show("06-smallest", dark=dark)
    assert page.locator(".kvq").get_attribute("data-theme") == ("dark" if dark else "light")
    page.evaluate(
        "document.body.dataset.jpThemeLight = document.body.dataset.jpThemeLight === 'true' ? 'false' : 'true'"
    )
    page.wait_for_selector(f".kvq[data-theme={'light' if dark else 'dark'}]")


def test_what_is_asked_is_never_markup(show: Any) -> None:
    evil = "<img src=x onerror=window.bad=1> </script><script>window.bad=1</script>"
    question = Question("06-x", evil, (Option(evil, evil, right=True), Option(f"{evil} `{evil}`", evil)), code=evil)
    page = show(question, tried={"06-x": [1, 0]})
    assert page.locator(".kvq img").count() == 0
    assert page.evaluate("window.bad") is None
    assert page.get_by_role("status").inner_text().endswith("</script>")
