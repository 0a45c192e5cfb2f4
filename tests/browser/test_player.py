"""The player in a real browser, as a stand-alone page: mouse, keyboard, clock, and what it must never do."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8sviz.diagrams.kit.model import Diagram, Node
from k8sviz.diagrams.stories.storage import storage
from k8sviz.history import About, History, Result, Snapshot, Step
from k8sviz.sources.labs import data_dir
from k8sviz.sources.recording import read
from k8sviz.views.assets import player_css, player_js
from k8sviz.views.frames import Film, film, pack
from k8sviz.views.page import film_page, save_page

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
sync_api = pytest.importorskip("playwright.sync_api")

ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ATTACK = "</script><img src=x onerror=window.hacked=1><script>window.hacked=1</script>\u202e\"'"


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def made() -> Film:
    return film(read(data_dir() / "labs" / "ch06-static-binding" / "recording.jsonl"), storage)


class Opened:
    """A page with a player, and all that it complained about or asked for."""

    def __init__(self, browser, html: str, folder: Path, **context) -> None:
        file = save_page(html, folder / "player.html")
        self.context = browser.new_context(**({"viewport": {"width": 1440, "height": 1000}} | context))
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on(
            "request", lambda r: self.wrong.append(r.url) if not r.url.startswith(("file:", "data:")) else None
        )
        self.page.goto(file.as_uri())
        if context.get("java_script_enabled", True):
            self.page.locator(".kvp-slider").first.wait_for()

    def nodes(self) -> set[str]:
        """The ids of the nodes that are there now; what is fading away is not."""
        ids = self.page.locator(".kvp-slot:not(.kvp-gone) .kv-node").evaluate_all("all => all.map(e => e.dataset.id)")
        return set(ids)

    def time(self) -> float:
        return float(self.page.locator(".kvp-clock").inner_text().removesuffix(" s"))

    def step(self) -> str:
        return self.page.locator(".kvp-where").inner_text()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shows(self, frame) -> bool:
        return self.nodes() == {n.id for n in frame.diagram.nodes}

    def shot(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        (ARTIFACTS / ".gitignore").write_text("*\n")
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest.fixture
def opened(browser, made: Film, tmp_path: Path) -> Iterator[Opened]:
    it = Opened(browser, film_page(made), tmp_path)
    yield it
    assert it.wrong == []
    it.context.close()


def test_keys_go_from_change_to_change(opened: Opened, made: Film) -> None:
    assert opened.shows(made.frames[0])
    for frame in made.frames[1:]:
        opened.press("ArrowRight")
        assert opened.shows(frame)
        assert opened.time() == pytest.approx(frame.t, abs=0.06)
    for frame in reversed(made.frames[:-1]):
        opened.press("ArrowLeft")
        assert opened.shows(frame)


def test_keys_go_from_step_to_step(opened: Opened, made: Film) -> None:
    steps = made.history.steps
    for i, step in enumerate(steps):
        opened.press("ArrowDown" if i % 2 else "Shift+ArrowRight")
        assert opened.step() == f"Step {i + 1} of {len(steps)}"
        assert opened.shows(made.at(made.history.settled(step.id)))
        screen = opened.page.locator(".kvp-screen").inner_text()
        assert step.command in screen
        assert step.result.stdout.strip() in screen
    opened.press("ArrowUp")
    assert opened.step() == f"Step {len(steps) - 1} of {len(steps)}"
    opened.press("Home")
    assert opened.step() == "Before the first step"
    assert opened.shows(made.frames[0])
    opened.press("End")
    assert opened.shows(made.frames[-1])


def test_play_and_pause(opened: Opened, made: Film) -> None:
    opened.page.locator(".kvp-speed").select_option("4")
    opened.page.locator(".kvp-big").click()
    sync_api.expect(opened.page.locator(".kvp-where")).to_have_text(re.compile("Step 3"))
    assert opened.page.locator(".kvp-live").inner_text() == ""  # nobody wants each tick read aloud
    opened.press("Space")
    opened.page.wait_for_timeout(100)
    stood = opened.time()
    opened.page.wait_for_timeout(400)
    assert opened.time() == stood
    assert opened.shows(made.at(stood + 0.05)) or opened.shows(made.at(stood - 0.05))
    assert re.search(r"Step \d+ of 19", opened.page.locator(".kvp-live").inner_text())
    opened.page.get_by_role("button", name="Play", exact=True).click()
    opened.page.wait_for_timeout(300)
    assert opened.time() > stood


def test_playing_ends_at_the_end_and_waits_are_short(opened: Opened, made: Film) -> None:
    opened.page.clock.install()
    opened.page.locator(".kvp-speed").select_option("4")
    opened.page.locator(".kvp-main").click()
    opened.page.clock.run_for(30_000)
    assert opened.time() == pytest.approx(made.end, abs=0.06)
    assert opened.page.locator(".kvp-main").get_attribute("aria-label") == "Play"


def test_one_step_plays_alone_and_stops(opened: Opened, made: Film) -> None:
    opened.page.locator(".kvp-speed").select_option("4")
    opened.page.get_by_role("button", name="Play only this step: apply-pod", exact=True).click()
    sync_api.expect(opened.page.locator(".kvp-live")).to_contain_text("Step 9")
    assert opened.step() == "Step 9 of 19"
    assert opened.shows(made.at(made.history.settled("apply-pod")))


def test_the_slider_by_mouse(opened: Opened, made: Film) -> None:
    box = opened.page.locator(".kvp-slider").bounding_box()
    middle = box["y"] + box["height"] / 2
    opened.page.mouse.click(box["x"] + box["width"] * 0.5, middle)
    half = opened.time()
    assert 5 < half < made.end - 5
    assert opened.shows(made.at(half + 0.05)) or opened.shows(made.at(half - 0.05))
    opened.page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] - 1, middle, steps=8)
    opened.page.mouse.up()
    assert opened.shows(made.frames[-1])


def test_a_click_on_an_event_or_a_step_goes_there(opened: Opened, made: Film) -> None:
    opened.page.locator(".kvp-event", has_text="placed on").first.click()
    assert opened.shows(made.at(opened.time() + 0.05))
    current = opened.page.locator(".kvp-events .kvp-current").all_inner_texts()
    assert any("placed on" in words for words in current)
    opened.page.locator(".kvp-step").nth(3).click()
    assert opened.step() == "Step 4 of 19"


def test_only_what_changed_is_marked(opened: Opened, made: Film) -> None:
    for frame in made.frames[1:12]:
        opened.press("ArrowRight")
        marked = opened.page.locator(".kvp-new .kv-node, .kvp-changed .kv-node")
        ids = marked.evaluate_all("all => all.map(e => e.dataset.id)")
        assert set(ids) == {i.id for i in (*frame.appeared, *frame.changed) if i.layer == "node"}


def test_nothing_moves(opened: Opened) -> None:
    places: dict[str, str] = {}
    for _ in range(20):
        opened.press("ArrowRight")
        boxes = opened.page.locator(".kvp-slot:not(.kvp-gone) .kv-node").evaluate_all(
            "all => all.map(e => [e.dataset.id, ['x', 'y', 'width', 'height']"
            ".map(a => e.querySelector('.kv-box').getAttribute(a)).join()])"
        )
        for node, place in boxes:
            assert places.setdefault(node, place) == place


def test_the_words_keep_step_with_the_picture(opened: Opened) -> None:
    opened.page.locator("summary").click()
    opened.press("ArrowDown", "ArrowDown", "ArrowDown")
    told = opened.page.locator(".kvp-told").inner_text()
    assert "PersistentVolumeClaim demo-pvc" in told
    assert opened.page.locator(".kvp-slider").get_attribute("aria-valuetext").startswith("8.0 s, Step 3 of 19")


def test_everything_has_a_name_and_ids_are_unique(opened: Opened) -> None:
    nameless = opened.page.locator("button, select, input, [role=img], [role=group], [role=toolbar]").evaluate_all(
        "all => all.filter(e => !(e.ariaLabel || e.getAttribute('aria-labelledby') || e.innerText)).length"
    )
    assert nameless == 0
    ids = opened.page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen(browser, made: Film, tmp_path: Path, width: int, scheme: str) -> None:
    size = {"width": width, "height": 900}
    it = Opened(browser, film_page(made), tmp_path, viewport=size, color_scheme=scheme)
    assert it.page.locator(".kvp").get_attribute("data-theme") == scheme
    it.press(*["ArrowDown"] * 9)
    it.page.wait_for_timeout(600)
    it.shot(f"player-{scheme}-{width}")
    assert it.page.evaluate("document.documentElement.scrollWidth") <= width
    seen = it.page.locator(".kvp-new .kv-node, .kvp-changed .kv-node").first.bounding_box()
    box = it.page.locator(".kvp-picture").bounding_box()
    assert box["x"] - 1 <= seen["x"] <= box["x"] + box["width"]
    it.page.get_by_role("button", name="Light or dark").click()
    assert it.page.locator(".kvp").get_attribute("data-theme") != scheme
    assert it.wrong == []
    it.context.close()


def test_those_who_want_no_motion_get_none(browser, made: Film, tmp_path: Path) -> None:
    it = Opened(browser, film_page(made), tmp_path, reduced_motion="reduce")
    it.press(*["ArrowDown"] * 8)
    assert it.page.locator(".kvp-gone").count() == 0
    it.press("ArrowDown")
    assert it.page.locator(".kvp-new").first.evaluate("e => getComputedStyle(e).animationName") == "none"
    it.context.close()


def test_without_scripts_there_is_the_picture_and_its_words(browser, made: Film, tmp_path: Path) -> None:
    it = Opened(browser, film_page(made, telling="apply-pod"), tmp_path, java_script_enabled=False)
    ids = {n.id for n in made.telling("apply-pod").diagram.nodes}
    drawn = it.page.content()
    assert all(f'data-id="{i}"' in drawn for i in ids)
    assert "Playing needs JavaScript" in it.page.locator("main").inner_text()
    it.context.close()


def test_attacks_run_nothing(browser, tmp_path: Path) -> None:
    history = History(About(title=ATTACK, namespace="demo"))
    history.begin_step(Step(0.5, ATTACK, ATTACK, about=ATTACK))
    history.end_step(ATTACK, Result(0.8, 1, ATTACK, ATTACK))
    for t, phase in ((1.0, ATTACK), (2.0, f"2 {ATTACK}")):
        meta = {"name": ATTACK, "namespace": "demo"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": {"phase": phase}}
        history.append(t, "MODIFIED", pod | {"spec": {"nodeName": ATTACK}})

    def story(snapshot: Snapshot) -> Diagram:
        phases = [p["status"]["phase"] for p in snapshot.objects("Pod")]
        nodes = tuple(Node(ATTACK, ATTACK, ATTACK, (ATTACK,), phase) for phase in phases)
        return Diagram("x", ATTACK, nodes, notes=(ATTACK,))

    it = Opened(browser, film_page(film(history, story), title=ATTACK), tmp_path)
    it.press("ArrowRight", "ArrowDown", "End", "Home", "End")
    it.page.locator("summary").click()
    it.page.wait_for_timeout(200)
    assert it.page.evaluate("window.hacked") is None
    assert it.page.locator("img").count() == 0
    assert it.page.locator("script").count() == 2
    assert "onerror=window.hacked=1" in it.page.locator(".kvp-screen").inner_text()
    assert re.search(r"<img src=x", it.page.locator(".kvp-title").inner_text())
    assert it.wrong == []
    it.context.close()


VIEWS = """<!DOCTYPE html><meta charset="utf-8"><title>Two views</title><link rel="icon" href="data:,">
<style>{css}</style><div class="one"></div><div class="two"></div><script type="module">{js}
const told = {{}};
const model = {{ get: (name) => ({{ packed: "{packed}", at: window.at }})[name],
                on: (what, f) => (told[what] ??= []).push(f),
                off: (what, f) => (told[what] = told[what].filter((g) => g !== f)) }};
window.move = (at) => {{ window.at = at; (told["change:at"] ?? []).forEach((f) => f()); }};
window.ends = [];
for (const name of ["one", "two"]) window.ends.push(await render({{ model, el: document.querySelector("." + name) }}));
</script>"""


def test_two_views_of_one_widget_play_for_themselves(browser, made: Film, tmp_path: Path) -> None:
    html = VIEWS.format(css=player_css(), js=player_js(), packed=pack(made.payload()))
    it = Opened(browser, html, tmp_path)
    one, two = it.page.locator(".one"), it.page.locator(".two")
    sync_api.expect(two.locator(".kvp-where")).to_be_visible()
    one.locator(".kvp-step").nth(3).click()
    assert one.locator(".kvp-where").inner_text() == "Step 4 of 19"
    assert two.locator(".kvp-where").inner_text() == "Before the first step"
    it.press("ArrowDown")  # goes only to the view that has the focus
    assert one.locator(".kvp-where").inner_text() == "Step 5 of 19"
    assert two.locator(".kvp-where").inner_text() == "Before the first step"
    it.page.evaluate(f"move({made.history.settled('apply-pod')})")
    assert one.locator(".kvp-where").inner_text() == two.locator(".kvp-where").inner_text() == "Step 9 of 19"
    ids = it.page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids)) > 0
    it.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    sync_api.expect(one.locator(".kvp")).to_have_attribute("data-theme", "dark")
    it.page.evaluate("ends.forEach((end) => end())")
    it.page.evaluate("move(0)")
    assert two.locator(".kvp-where").inner_text() == "Step 9 of 19"
    assert it.wrong == []
    it.context.close()
