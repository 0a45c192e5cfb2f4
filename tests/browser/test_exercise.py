"""An exercise in a real browser: failed and then solved, by mouse and by keyboard, with a kernel and without."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from k8sviz.exercises import judge
from k8sviz.sources.exercises import load_exercise
from k8sviz.views.exercise import VerdictView, exercise_content, exercise_css, exercise_js

pytestmark = pytest.mark.browser
ID = "06-bind-to-that"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Exercise</title>
<style>body{{margin:24px;background:{back}}} {css}</style>
<body data-jp-theme-light="{light}"><main></main><script type="module">
{js}
const model = {{ content: {content}, answer: {answer}, verdict: {{}}, hints_shown: 0, asked: {{}}, heard: {{}}, sent: 0,
  get(name) {{ return this[name]; }}, set(name, value) {{ this[name] = value; }},
  on(name, call) {{ this.heard[name] = call; }}, off() {{}},
  async save_changes() {{
    if (!window.kernel || this.asked.count === this.sent) return;
    this.sent = this.asked.count;
    this.verdict = await window.kernel(this.asked.text);
    this.heard["change:verdict"]();
  }} }};
window.model = model;
window.keys = [];
document.addEventListener("keydown", (event) => window.keys.push(event.key));
render({{ model, el: document.querySelector("main") }});
</script></body></html>"""


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
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page with an exercise; `kernel` answers as Python does. Nothing may be complained about or loaded."""
    complaints: list[str] = []
    pages: list[Any] = []

    def opened(exercise_id: str = ID, *, kernel: bool = True, dark: bool = False, width: int = 900, **more: Any) -> Any:
        exercise = load_exercise(exercise_id)
        content = {**exercise_content(exercise), **more}
        path = tmp_path / "page.html"
        text = PAGE.format(
            css=exercise_css(),
            js=exercise_js(),
            content=_json(content),
            answer=_json(content["start"]),
            light="false" if dark else "true",
            back="#111" if dark else "#fff",
        )
        path.write_text(text, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith("file:") else complaints.append(r.url))
        if kernel:
            page.expose_function("kernel", lambda answer: VerdictView(judge(exercise, answer)).to_json())
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


def _json(value: Any) -> str:
    return json.dumps(value).replace("<", "\\u003c")


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def test_failed_and_then_solved(show: Callable[..., Any]) -> None:
    page = show()
    said = page.get_by_role("status")
    button(page, "Check").click()
    page.wait_for_selector(".kvx-result[data-state=open]")
    assert said.inner_text().startswith("Not yet.")
    assert "archive is bound to pv-fast" in said.inner_text()
    assert "The class must be the same text on both sides" in said.inner_text()
    page.get_by_role("textbox", name="Your manifest").fill(load_exercise(ID).solution)
    button(page, "Check").click()
    page.wait_for_selector(".kvx-result[data-state=solved]")
    assert said.inner_text().startswith("Solved. A claim is a description.")
    assert page.get_by_role("img", name="came true").count() == 2


def test_a_refusal_leads_to_its_line(show: Callable[..., Any]) -> None:
    page = show("06-share-files")
    button(page, "Check").click()
    page.wait_for_selector(".kvx-result[data-state=open]")
    assert page.locator(".kvx-gutter .kvx-bad").all_inner_texts() == ["✗ 17"]  # line 20 is only a warning
    button(page, "line 20").click()
    area = "document.querySelector('textarea')"
    assert page.evaluate(f"document.activeElement === {area}")
    assert page.evaluate(f"{area}.value.slice({area}.selectionStart, {area}.selectionEnd)") == "  - name: html"


def test_with_the_keyboard_alone(show: Callable[..., Any]) -> None:
    page = show()
    page.keyboard.press("Tab")  # what is given, then its text, then the editor
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(load_exercise(ID).solution)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".kvx-result[data-state=solved]")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Check"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".kvx-hints li").count() == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(".kvx-solution").is_visible()


def test_the_editor_indents_and_undoes(show: Callable[..., Any]) -> None:
    page = show()
    area = page.get_by_role("textbox")
    area.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("spec:")
    for key in ("Enter", "Tab", "a", ":", "Enter"):
        page.keyboard.press(key)
    page.keyboard.insert_text("- b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("c")
    assert area.input_value() == "spec:\n  a:\n  - b\n    c"
    page.keyboard.press("Shift+Tab")
    assert area.input_value() == "spec:\n  a:\n  - b\n  c"
    page.keyboard.press("Control+a")
    page.keyboard.press("Tab")
    assert area.input_value() == "  spec:\n    a:\n    - b\n    c"
    page.keyboard.press("Control+z")
    assert area.input_value() == "spec:\n  a:\n  - b\n  c"
    button(page, "Start again").click()
    assert area.input_value() == load_exercise(ID).start.rstrip()
    page.keyboard.press("Control+z")
    assert area.input_value() == "spec:\n  a:\n  - b\n  c"


def test_hints_come_one_at_a_time(show: Callable[..., Any]) -> None:
    page = show(kernel=False)
    hints = load_exercise(ID).hints
    assert page.locator(".kvx-hints").is_hidden()
    button(page, "Hint").click()
    assert page.locator(".kvx-hints li").all_inner_texts() == [hints[0].replace("`", "")]
    for _ in hints[1:]:
        button(page, "Next hint").click()
    assert page.locator(".kvx-hints li").count() == len(hints)
    assert button(page, "No more hints").is_disabled()
    assert page.evaluate("model.hints_shown") == len(hints)


def test_without_a_kernel_it_says_so(show: Callable[..., Any]) -> None:
    page = show(kernel=False, patience=50)
    button(page, "Check").click()
    page.get_by_text("No answer yet").wait_for()
    assert button(page, "Check").is_enabled()
    assert load_exercise(ID).solution.splitlines()[5] not in page.locator(".kvx").inner_text()
    button(page, "Show a solution").click()
    assert page.locator(".kvx-solution").inner_text().strip() == load_exercise(ID).solution.strip()


def test_a_slow_kernel_is_waited_for_and_its_answer_shown(show: Callable[..., Any]) -> None:
    page = show(patience=50)
    page.evaluate("""() => {
      const quick = window.kernel;
      window.kernel = async (text) => { await new Promise((done) => setTimeout(done, 2200)); return quick(text); };
    }""")
    button(page, "Check").click()
    page.get_by_text("No answer yet").wait_for()
    page.locator(".kvx-verdict").wait_for()
    assert page.locator(".kvx-goals li").count() > 0


def test_starting_again_forgets_messages_hints_and_solution(show: Callable[..., Any]) -> None:
    page = show()
    button(page, "Check").click()
    page.locator(".kvx-verdict").wait_for()
    button(page, "Next hint" if button(page, "Next hint").count() else "Hint").click()
    button(page, "Show a solution").click()
    button(page, "Start again").click()
    assert page.locator(".kvx-result").inner_text() == ""
    assert page.locator(".kvx-hints").is_hidden()
    assert page.locator(".kvx-solution").is_hidden()
    assert page.locator(".kvx-bad").count() == 0
    assert page.evaluate("model.hints_shown") == 0


def test_keys_stay_in_the_exercise_but_saving_is_the_notebooks(show: Callable[..., Any]) -> None:
    page = show()
    root = page.locator(".kvx")
    page.get_by_role("textbox").click()
    page.keyboard.press("Shift+a")
    page.keyboard.press("Control+Enter")
    assert root.get_attribute("data-lm-suppress-shortcuts") is not None
    assert "A" not in page.evaluate("keys")
    page.keyboard.down("Control")
    page.keyboard.down("s")
    assert root.get_attribute("data-lm-suppress-shortcuts") is None
    page.keyboard.up("s")
    page.keyboard.up("Control")


def test_what_was_written_is_kept(show: Callable[..., Any]) -> None:
    page = show()
    page.get_by_role("textbox").fill("kind: Pod")
    page.wait_for_function("model.answer === 'kind: Pod'")


@pytest.mark.parametrize("width", [320, 900])
@pytest.mark.parametrize("exercise_id", [ID, "06-share-files", "10-claim-for-each"])
def test_nothing_sticks_out(show: Callable[..., Any], width: int, exercise_id: str) -> None:
    page = show(exercise_id, width=width)
    button(page, "Check").click()
    page.wait_for_selector(".kvx-result[data-state=open]")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_wears_its_surroundings(show: Callable[..., Any], dark: bool) -> None:
    page = show(dark=dark)
    assert page.locator(".kvx").get_attribute("data-theme") == ("dark" if dark else "light")


def test_what_comes_from_files_is_never_markup(show: Callable[..., Any]) -> None:
    evil = "<img src=x onerror=window.bad=1>"
    page = show(title=evil, task=[evil, f"`{evil}`"], goals=[evil], given=evil, start=evil)
    button(page, "Check").click()
    page.wait_for_selector(".kvx-result[data-state=open]")
    assert page.locator(".kvx img").count() == 0
    assert page.evaluate("window.bad") is None
