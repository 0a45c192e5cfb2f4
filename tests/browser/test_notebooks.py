"""Each notebook in a real JupyterLab: run from top to bottom, looked at in every size and theme, and used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8sviz.sources.exercises import load_exercise
from k8sviz.sources.questions import load_question
from k8sviz.views.settings import RolloutSettings
from k8sviz.views.whatif import rollout_whatif
from tests.browser.chrome import DESK, NEEDS, chromium
from tests.browser.lab import CELLS, HURRIED, NOTEBOOKS, Notebook, cells, jupyterlab, notebook_of

pytestmark = [*NEEDS, pytest.mark.xdist_group("lab")]
sync_api = pytest.importorskip("playwright.sync_api")

# a Pod of two containers, which no chapter looks into
INSPECT = ("import k8sviz", 'k8sviz.inspect("pod/fortune-https", "ch07-secret", at="apply")')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with jupyterlab(tmp_path_factory.mktemp("lab"), **{"inspect.ipynb": notebook_of(*INSPECT)}) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, server: str, browser: Any) -> Iterator[Notebook]:
    """A notebook that has run; its tests come one after the other."""
    path: Path = request.param
    count = cells(path)
    notebook = Notebook(browser, server, path.stem, count.code)
    notebook.run_all(*count)
    yield notebook
    notebook.context.close()


def each(*chapters: str) -> Any:
    paths = [path for path in NOTEBOOKS if not chapters or path.stem[:2] in chapters]
    return pytest.mark.parametrize("opened", paths, ids=[path.stem for path in paths], indirect=True)


@each()
def test_it_runs_and_everything_shows(opened: Notebook) -> None:
    opened.shot(f"lab-{opened.name}")
    assert opened.wrong() == []
    assert opened.strangers == []
    assert [one for one in opened.complaints if one != HURRIED] == []


@each()
def test_everybody_can_read_it(opened: Notebook) -> None:
    wrong = opened.problems(f"lab-{opened.name}", CELLS)
    opened.wear(DESK, "light")
    assert wrong == [], "\n".join(wrong)


@each("09")
def test_a_slider_moved_by_keys_changes_picture_and_text(opened: Notebook) -> None:
    lab = opened.page.locator(".jp-OutputArea-output:has([role=slider])").first
    slider = lab.get_by_role("slider", name="replicas", exact=True)
    picture = lab.get_by_role("img").first
    before, film = picture.inner_html(), lab.locator(".kvp-picture").inner_text()
    slider.focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("ArrowRight")
    moved = RolloutSettings(replicas=6)
    for line in moved.lines():
        sync_api.expect(lab, "the text beside the picture").to_contain_text(line, timeout=20_000)
    alt = rollout_whatif(replicas=6).alt
    sync_api.expect(picture, "the picture's alternative").to_have_attribute("aria-label", alt, timeout=20_000)
    assert picture.inner_html() != before, "the picture stayed as it was"
    sync_api.expect(lab.locator(".kvp-picture"), "the film").not_to_have_text(film, use_inner_text=True)
    picture.scroll_into_view_if_needed()
    opened.shot("lab-what-if-moved")
    assert opened.wrong() == []


@each("06")
def test_an_exercise_failed_then_hinted_then_solved(opened: Notebook, server: str, browser: Any) -> None:
    it = load_exercise("06-bind-to-that")
    page = opened.page
    exercise = page.locator(f'.kvx[data-exercise="{it.id}"]')
    said = exercise.get_by_role("status")
    exercise.get_by_role("button", name="Check").click()
    sync_api.expect(said, "the verdict").to_contain_text("Not yet.", timeout=20_000)  # the kernel's first one
    sync_api.expect(said).to_contain_text("archive is bound to pv-fast")
    sync_api.expect(said).to_contain_text("The class must be the same text on both sides")
    exercise.scroll_into_view_if_needed()
    opened.shot("lab-exercise-failed")
    for seen, hint in enumerate(it.hints, 1):
        exercise.get_by_role("button", name="Hint" if seen == 1 else "Next hint", exact=True).click()
        sync_api.expect(exercise.locator(".kvx-hints li")).to_have_count(seen)
        sync_api.expect(exercise.locator(".kvx-hints li").last).to_have_text(hint.replace("`", ""))
    sync_api.expect(exercise.get_by_role("button", name="No more hints")).to_be_disabled()
    exercise.get_by_role("textbox").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(it.solution)
    page.keyboard.press("Control+Enter")
    sync_api.expect(said).to_contain_text("Solved. A claim is a description.")
    opened.shot("lab-exercise-solved")
    start = Notebook(browser, server, "00-start", 1)
    start.run("from k8sviz import Lab, progress, quiz", "progress()")
    done = start.page.locator("table.kg li:has([aria-label=done])")
    sync_api.expect(done, "what 00-start's table marks as done").to_have_text([f"✓ {it.title}"])
    start.page.locator("table.kg").scroll_into_view_if_needed()
    start.shot("lab-progress")
    assert opened.wrong() == start.wrong() == []
    start.context.close()


@each("00")
def test_a_question_answered_wrongly_then_rightly(opened: Notebook) -> None:
    it = load_question("00-pod")
    wrong = next(i for i, option in enumerate(it.options) if not option.right)
    question = opened.page.locator(f'.kvq[data-question="{it.id}"]')
    said = question.get_by_role("status")
    for place, word in ((wrong, "Not yet."), (it.right, "Right.")):
        question.get_by_role("radio").nth(place).focus()
        opened.page.keyboard.press("Space")
        opened.page.keyboard.press("Enter")
        sync_api.expect(said).to_have_text(f"{word} {it.options[place].why}".replace("`", ""))
    opened.shot("lab-quiz")
    opened.run("progress()")
    start = opened.page.locator("table.kg tbody tr").first
    sync_api.expect(start, "the chapter's answered questions").to_contain_text("1 of 8")


def test_the_inspector_shows_another_container(server: str, browser: Any) -> None:
    it = Notebook(browser, server, "inspect", 2)
    it.run(*INSPECT)
    inspector = it.page.locator(".kvi")
    shown = inspector.locator(".kvi-panel:visible")
    sync_api.expect(shown.locator(".kvi-head")).to_contain_text("html-generator")
    before = shown.inner_text()
    inspector.get_by_label("Container").focus()
    it.page.keyboard.press("ArrowDown")
    sync_api.expect(shown.locator(".kvi-head")).to_contain_text("web-server")
    assert shown.inner_text() != before
    sync_api.expect(shown, "the certificate of the Secret").to_contain_text("https.cert")
    inspector.get_by_role("searchbox").fill("https.key")
    sync_api.expect(shown).not_to_contain_text("https.cert", use_inner_text=True)
    it.shot("lab-inspector")
    assert it.wrong() == it.strangers == []
    assert [one for one in it.complaints if one != HURRIED] == []
    it.context.close()
