"""Hostile text in a real browser, wherever text can get: nothing runs, nothing is loaded, and it is read as text.

What each attack is made of stands in hostile.py. A page of it is compared with the same page of plain words: it must
consist of the same elements with the same attributes.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from k8sviz.cli import main
from k8sviz.letters import printable
from k8sviz.views import follow
from k8sviz.views.exercise import exercise_content, exercise_css, exercise_js, judged
from k8sviz.views.inspector import inspector_css, inspector_js
from k8sviz.views.page import _data as json_in_html
from k8sviz.views.quiz import quiz_content, quiz_css, quiz_js
from tests.browser import hostile
from tests.browser.chrome import NEEDS, Tab, chromium
from tests.browser.hostile import PAYLOADS, PLAIN
from tools.site_pages import classic

pytestmark = [*NEEDS, pytest.mark.xdist_group("hostile")]
pytest.importorskip("playwright.sync_api")

# a word that stands for each element with its attributes, and all that could be read, by section
CENSUS = r"""() => {
  const kinds = new Set(), wrong = new Set(), read = {};
  const runs = /^(href|xlink:href|src|srcdoc|action|formaction|from|to|values)$/;
  const spoken = /^(title|alt|label|value|placeholder|aria-|data-id)/;
  const look = (root, lines) => {
    for (const e of root.querySelectorAll("*")) {
      const here = e.closest("section[data-name]")?.dataset.name;
      const put = (text) => (read[here ?? ""] ??= []).push(text);
      kinds.add([e.localName, ...e.getAttributeNames().sort()].join(" "));
      for (const { name, value } of e.attributes) {
        if (/^on/i.test(name)) wrong.add(`<${e.localName} ${name}>`);
        if (runs.test(name) && /^\s*(javascript|vbscript|data:text)/i.test(value))
          wrong.add(`<${e.localName} ${name}=${value}>`);
        if (spoken.test(name)) put(value);
      }
      if (e.content?.querySelectorAll) look(e.content);
      if (e.shadowRoot) look(e.shadowRoot);
      if (/^(script|style)$/.test(e.localName)) continue;
      for (const child of e.childNodes) if (child.nodeType === 3 || child.nodeType === 4) put(child.data);
      if (e.localName === "textarea") put(e.value);
    }
  };
  look(document);
  const odd = ["script", "style", "iframe", "object", "embed", "link", "base", "meta", "mjx-container", "parsererror"];
  return {
    kinds: [...kinds], wrong: [...wrong], ran: typeof pwned !== "undefined",
    read: Object.fromEntries(Object.entries(read).map(([name, lines]) => [name, lines.join("\n")])),
    counts: Object.fromEntries(odd.map((name) => [name, document.querySelectorAll(name).length])),
  };
}"""
HIDES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# a state's mark, or a word set as code: other words may have another of these, and none can do anything
HARMLESS = re.compile(r"(path|circle|rect|code|li|ul)( (d|stroke|stroke-width|fill|cx|cy|r|class|style))*")


class Watched(Tab):
    """A tab that also notes each dialog, and every request but for its own page."""

    def __init__(self, browser: Any) -> None:
        super().__init__(browser)
        self.dialogs: list[str] = []
        self.asked: list[str] = []
        self.page.on("dialog", self._dialog)
        self.context.on("request", lambda r: None if r.is_navigation_request() else self.asked.append(r.url))

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def look(self, page: Path) -> dict[str, Any]:
        """Open a page from a disk, and say what it is made of."""
        for noted in (self.dialogs, self.asked, self.complaints, self.strangers):
            noted.clear()
        self.page.goto(page.as_uri())
        return self.census()

    def census(self) -> dict[str, Any]:
        self.page.wait_for_timeout(30)  # an attack's picture would have failed to load by now
        found: dict[str, Any] = self.page.evaluate(CENSUS)
        return found

    def problems(
        self, found: dict[str, Any], plain: dict[str, Any], words: Mapping[str, str], kept: Collection[str] = ()
    ) -> Iterator[str]:
        """What is wrong with a page of hostile text, beside the same page of plain words.

        `words` are what is to be read, by section; the sections in `kept` may hold letters that hide.
        """
        if found["ran"]:
            yield "a script of the attack ran"
        yield from (f"an attribute that runs: {one}" for one in found["wrong"])
        new = sorted(kind for kind in {*found["kinds"]} - {*plain["kinds"]} if not HARMLESS.fullmatch(kind))
        yield from (f"an element that plain words do not make: <{kind}>" for kind in new)
        for name, count in found["counts"].items():
            if count != plain["counts"][name]:
                yield f"{count} {name} elements instead of {plain['counts'][name]}"
        for section, text in found["read"].items():
            letters = sorted({f"U+{ord(letter):04x}" for letter in HIDES.findall(text)})
            if letters and section not in kept:
                yield f"{section}: letters that hide or turn the text around: {letters}"
        for section, word in words.items():
            if _bare(word) not in _bare(found["read"].get(section, "")):
                yield f"{section}: not to be read: {word!r}"
        for what in ("dialogs", "asked", "strangers", "complaints"):
            if getattr(self, what):
                yield f"{what}: {getattr(self, what)}"


def _bare(text: str) -> str:
    """Without the marks that set code, and however lines are broken."""
    return " ".join(text.replace("`", "").split())


@pytest.fixture(scope="module")
def tab() -> Iterator[Watched]:
    with chromium() as browser:
        it = Watched(browser)
        yield it
        it.context.close()


def verdict(wrong: dict[str, list[str]]) -> None:
    """Fail with each kind of attack and what it did."""
    found = {name: problems for name, problems in wrong.items() if problems}
    assert not found, "\n".join(f"{name}: {problem}" for name, problems in found.items() for problem in problems)


def test_a_file_from_draw_opened_by_itself(tab: Watched, tmp_path: Path) -> None:
    """`k8sviz draw STORY FILE -o x.svg`: each attack in two stories, and each story under four attacks."""
    wrong: dict[str, list[str]] = {}
    stories = itertools.cycle(hostile.TOLD)
    plain = [_drawn(tab, story, PLAIN, tmp_path) for story in hostile.TOLD]
    every = {"kinds": {kind for one in plain for kind in one["kinds"]}, "counts": plain[0]["counts"]}
    for kind, payload in PAYLOADS.items():
        for story in itertools.islice(stories, 2):
            found = _drawn(tab, story, payload, tmp_path)
            wrong[f"{kind} in {story}"] = list(tab.problems(found, every, {"": printable(payload)}))
    verdict(wrong)
    tab.shot("hostile-svg")


def _drawn(tab: Watched, story: str, payload: str, folder: Path) -> dict[str, Any]:
    source = hostile.poisoned(hostile.TOLD[story], payload, folder)
    at = [f"--at={hostile.step(hostile.MOMENTS[story], payload)}"] if story in hostile.MOMENTS else []
    assert main(["draw", story, str(source), *at, "-o", str(folder / "x.svg")]) == 0
    return tab.look(folder / "x.svg")


def test_charts_opened_by_themselves(tab: Watched, tmp_path: Path) -> None:
    """A chart's SVG has its letters as outlines, and its alternative text as text."""
    wrong: dict[str, list[str]] = {}
    plain: dict[str, Any] = {}
    for kind in ("plain", "end of svg", "entities", "formula", "control"):
        for name, chart in hostile.charts(PAYLOADS.get(kind, PLAIN), tmp_path):
            found = tab.look(chart.save(tmp_path / "chart.svg"))
            plain.setdefault(name, found)
            wrong[f"{kind} in {name}"] = list(tab.problems(found, plain[name], {}))
    verdict(wrong)


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Outputs</title><link rel="icon" href="data:,">
<body data-jp-theme-light="true">{body}</body></html>"""
# what people wrote for the course themselves may hold any letter
AUTHORED = ("quiz", "exercise", "verdict of nonsense")


def test_all_that_a_notebook_shows_without_scripts(tab: Watched, tmp_path: Path) -> None:
    """The HTML and SVG of each output, in one page, as nbconvert and GitHub put them."""
    plain: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for kind, payload in {"plain": PLAIN, **PAYLOADS}.items():
        sections = dict(_sections(payload, tmp_path))
        file = tmp_path / "outputs.html"
        file.write_text(PAGE.format(body="".join(sections.values())), encoding="utf-8")
        found = tab.look(file)
        plain = plain or found
        found_out = [name for name in sections if not name.startswith("verdict of") and name not in AUTHORED]
        words = dict.fromkeys(found_out, printable(payload)) | _authored(payload, AUTHORED)
        wrong[kind] = list(tab.problems(found, plain, words, AUTHORED))
        if kind in ("image", "right to left"):
            tab.shot(f"hostile-outputs-{kind}".replace(" ", "-"), full_page=True)
    verdict(wrong)


def _authored(payload: str, names: Collection[str]) -> dict[str, str]:
    return dict.fromkeys(names, payload) if payload.isprintable() else {}


def _sections(payload: str, folder: Path) -> Iterator[tuple[str, str]]:
    for name, shown in hostile.outputs(payload, folder):
        made = shown._repr_mimebundle_()
        data = made[0] if isinstance(made, tuple) else made
        hidden = HIDES.findall(data["text/plain"].replace("\n", "")) if name not in AUTHORED else []
        assert hidden == [], f"{name}: its plain text holds letters that hide"
        bodies = "".join(data[mime] for mime in ("text/html", "image/svg+xml") if mime in data)
        yield name, f'<section data-name="{name}">{bodies}</section>'


def test_a_film_from_play(tab: Watched, tmp_path: Path) -> None:
    """`k8sviz play FILE -o x.html`, moved through with the keys."""
    wrong: dict[str, list[str]] = {}
    labs = itertools.cycle(dict.fromkeys(hostile.TOLD.values()))
    plain = [_played(tab, lab, PLAIN, tmp_path) for lab in ("ch06-static-binding", "ch10-node-failure")]
    every = {"kinds": {kind for one in plain for kind in one["kinds"]}, "counts": plain[0]["counts"]}
    for kind, payload in PAYLOADS.items():
        lab = next(labs)
        found = _played(tab, lab, payload, tmp_path)
        wrong[f"{kind} in {lab}"] = list(tab.problems(found, every, {"": printable(payload)}))
    verdict(wrong)
    tab.shot("hostile-film")


def _played(tab: Watched, lab: str, payload: str, folder: Path) -> dict[str, Any]:
    target = folder / "x.html"
    assert main(["play", str(hostile.poisoned(lab, payload, folder)), "-o", str(target)]) == 0
    tab.look(target)
    tab.page.locator(".kvp-slider").first.wait_for()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "End", "ArrowUp"):
        tab.page.keyboard.press(key)
    tab.page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    return tab.census()


WIDGETS = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Widgets</title><link rel="icon" href="data:,">
<style>{css}</style><body data-jp-theme-light="true">
{places}
<script type="application/json" id="states">{states}</script>
<script type="module">
window.models = {{}};
window.modules = {{}};
{modules}
const states = JSON.parse(document.getElementById("states").textContent);
for (const [name, state] of Object.entries(states)) {{
  const told = {{}};
  const model = {{ ...state, get(key) {{ return this[key]; }}, set(key, value) {{ this[key] = value; }},
    save_changes() {{}}, async send() {{}}, off() {{}},
    on(keys, tell) {{ for (const key of keys.split(" ")) (told[key] ??= []).push(tell); }},
    change(key, value) {{ this[key] = value; for (const tell of told[`change:${{key}}`] ?? []) tell(); }} }};
  models[name] = model;
  modules[name].render({{ model, el: document.getElementById(name) }});
}}
document.documentElement.dataset.ready = "";
</script></body></html>"""


def test_widgets_that_are_used(tab: Watched, tmp_path: Path) -> None:
    """The inspector's other container, a question answered, an exercise hinted and judged, a picture drawn anew."""
    wrong: dict[str, list[str]] = {}
    plain: dict[str, Any] = {}
    names = itertools.cycle(hostile.answers(PLAIN))
    for kind, payload in {"plain": PLAIN, **PAYLOADS}.items():
        tab.look(_widgets(_states(payload, tmp_path), tmp_path))
        tab.page.wait_for_selector("html[data-ready]")
        tab.page.locator("#inspector select").select_option("1")
        quiz, buttons = tab.page.locator("#quiz"), tab.page.locator("#exercise .kvx-button")
        for place in (1, 0):
            quiz.get_by_role("radio").nth(place).check()
            quiz.locator(".kvq-check").click()
        for _ in range(2):
            buttons.nth(0).click()  # a hint
        tab.page.evaluate("models.follow.change('line', models.follow.line + ' again')")
        found = tab.census()
        plain.setdefault("used", found)
        words = {name: printable(payload) for name in ("inspector", "follow")} | _authored(payload, AUTHORED[:2])
        wrong[f"{kind} in widgets"] = list(tab.problems(found, plain["used"], words, AUTHORED))
        answers = hostile.answers(payload)
        for name in answers if kind == "plain" else itertools.islice(names, 2):
            answer = answers[name]
            said = judged(hostile.exercise(PLAIN), answer).to_json()
            tab.page.evaluate("said => models.exercise.change('verdict', said)", said)
            assert tab.page.locator("#exercise .kvx-result").get_attribute("data-state") == "open"
            found = tab.census()
            plain.setdefault(name, found)
            wrong[f"{kind} in a verdict of {name}"] = list(tab.problems(found, plain[name], {}, AUTHORED))
            shown = tab.page.locator("#exercise .kvx-result").inner_text()
            if letters := HIDES.findall(shown):
                wrong[f"{kind} in a verdict of {name}"].append(f"letters that hide: {letters}")
        if kind == "image":
            tab.shot("hostile-widgets", full_page=True)
    verdict(wrong)


def _states(payload: str, folder: Path) -> dict[str, Any]:
    """What Python tells each widget."""
    moving = hostile.followed(payload, folder)
    states = {
        "inspector": {"content": hostile.inspected(payload, folder).content},
        "follow": {"svg": moving.svg, "line": moving.line},
        "quiz": {"content": quiz_content(hostile.question(payload)), "tried": []},
        "exercise": {
            "content": exercise_content(hostile.exercise(payload)),
            "answer": payload,
            "verdict": {},
            "hints_shown": 0,
        },
    }
    moving.close()
    return states


def _widgets(states: dict[str, Any], folder: Path) -> Path:
    scripts = {"inspector": inspector_js(), "follow": follow._SCRIPT, "quiz": quiz_js(), "exercise": exercise_js()}
    modules = "".join(f"modules[{json.dumps(name)}] = {classic(script)};\n" for name, script in scripts.items())
    file = folder / "widgets.html"
    places = "".join(f'<section id="{name}" data-name="{name}"></section>' for name in states)
    css = inspector_css() + quiz_css() + exercise_css()
    text = WIDGETS.format(css=css, places=places, states=json_in_html(states), modules=modules)
    file.write_text(text, encoding="utf-8")
    return file
