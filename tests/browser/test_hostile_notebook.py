"""Hostile text in a real JupyterLab, which adds what no page of ours has: formulas, links, Mermaid, a kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8sviz.letters import printable
from tests.browser import hostile
from tests.browser.chrome import NEEDS, chromium
from tests.browser.hostile import PAYLOADS
from tests.browser.lab import HURRIED, Notebook, jupyterlab, notebook_of

pytestmark = [*NEEDS, pytest.mark.xdist_group("lab-hostile")]
pytest.importorskip("playwright.sync_api")

# those that could mean something to JupyterLab; each of the others is in test_hostile.py
KINDS = ("image", "end of svg", "link", "code", "entities", "formula", "right to left")
BEGIN = """\
import tempfile
from pathlib import Path
import hostile, k8sviz
from IPython.display import display
folder = Path(tempfile.mkdtemp())"""
SHOW = """\
for name, shown in hostile.outputs(hostile.PAYLOADS[{kind!r}], folder):
    display(shown)
display(hostile.followed(hostile.PAYLOADS[{kind!r}], folder))
display(*[chart for _, chart in hostile.charts(hostile.PAYLOADS[{kind!r}], folder)])"""
MERMAID = """\
for payload in hostile.PAYLOADS.values():
    display({"text/vnd.mermaid": hostile.mermaid(payload, folder), "text/plain": payload}, raw=True)"""
# what a page of outputs must not have got from text
INJECTED = r"""() => {
  const cells = [...document.querySelectorAll(".jp-OutputArea-output")];
  const all = cells.flatMap((e) => [...e.querySelectorAll("*")]);
  const bad = all.filter((e) => /^(script|iframe|object|embed|link|base|form)$/.test(e.localName) && !e.closest(".kvq")
    || e.localName === "img" && !e.src.startsWith("data:image/")
    || /^mjx-/.test(e.localName) || e.matches(".MathJax")
    || [...e.attributes].some(({ name, value }) => /^on/i.test(name)
      || /^(href|src|xlink:href|action)$/.test(name) && /^\s*javascript/i.test(value)));
  return [...new Set(bad.map((e) => e.outerHTML.slice(0, 120)))];
}"""
# each diagram as the SVG that Mermaid made: its words, and what it does when a page takes it in as it is
DRAWN = r"""() => [...document.querySelectorAll(".jp-RenderedMermaid")].map((e) => {
  const source = e.querySelector("img")?.src ?? "";
  const svg = decodeURIComponent(source.slice(source.indexOf(",") + 1));
  const place = document.body.appendChild(document.createElement("div"));
  place.innerHTML = svg;
  const words = [...place.querySelectorAll(".nodeLabel, .label, text, p")].map((one) => one.textContent).join("\n");
  const nodes = place.querySelectorAll("g.node").length;
  const bad = [...place.querySelectorAll("script, img, iframe, a, [onload], [onerror], [href^='javascript']")];
  setTimeout(() => place.remove(), 200);
  const warned = e.textContent.slice(0, 200);
  return { drawn: source !== "", words, nodes, bad: bad.map((one) => one.outerHTML), warned };
})"""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """A browser, and the address of a JupyterLab with our notebooks."""
    more = {
        "hostile.py": Path(hostile.__file__).read_text("utf-8"),
        "outputs.ipynb": notebook_of(BEGIN, *(SHOW.format(kind=kind) for kind in KINDS)),
        "mermaid.ipynb": notebook_of(BEGIN, MERMAID),
    }
    with jupyterlab(tmp_path_factory.mktemp("lab"), **more) as server, chromium() as browser:
        yield browser, server


@pytest.fixture
def notebook(request: pytest.FixtureRequest, places: tuple[Any, str]) -> Iterator[Notebook]:
    """One of them; at the end nothing has run, asked another host for anything, or complained."""
    dialogs: list[str] = []
    it = Notebook(*places, request.param, 2)
    it.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield it
    assert it.page.evaluate("typeof pwned") == "undefined", "a script of an attack ran"
    assert dialogs == []
    assert it.strangers == []
    assert [one for one in it.complaints if one != HURRIED] == []
    it.context.close()


@pytest.mark.parametrize("notebook", ["outputs"], indirect=True)
def test_outputs_are_text(notebook: Notebook) -> None:
    page = notebook.page
    notebook.run_all(len(KINDS) + 1, 5 * len(KINDS))  # a player, an inspector, a question, an exercise, a follower each
    page.wait_for_timeout(1500)  # formulas are set later
    assert notebook.wrong() == []
    assert page.evaluate(INJECTED) == []
    for number, kind in enumerate(KINDS, 1):
        cell = page.locator(".jp-CodeCell").nth(number)
        text = " ".join(cell.evaluate("e => e.querySelector('.jp-OutputArea').textContent").replace("`", "").split())
        word = " ".join(printable(PAYLOADS[kind]).replace("`", "").split())
        assert text.count(word) > 30, f"{kind}: only {text.count(word)} times to be read"
        alts = cell.locator(".jp-RenderedSVG img").evaluate_all(
            "all => all.map(e => e.getAttribute('aria-description'))"
        )
        charts = 2  # lives and a rollout
        assert len(alts) == len(hostile.TOLD) + charts, f"{kind}: {len(alts)} drawings"
        assert all(word in " ".join((alt or "").replace("`", "").split()) for alt in alts), (
            f"{kind}: not in what a drawing says"
        )
    notebook.shot("lab-hostile")


@pytest.mark.parametrize("notebook", ["mermaid"], indirect=True)
def test_mermaid_draws_text(notebook: Notebook, tmp_path: Path) -> None:
    notebook.run_all(2, 0)
    notebook.page.wait_for_function(
        "n => document.querySelectorAll('.jp-RenderedMermaid img, .jp-RenderedMermaid .jp-mod-warning').length >= n",
        arg=len(PAYLOADS),
        timeout=60_000,
    )
    drawn = notebook.page.evaluate(DRAWN)
    notebook.page.wait_for_timeout(100)
    notebook.shot("lab-hostile-mermaid")
    assert notebook.wrong() == []
    for kind, one in zip(PAYLOADS, drawn, strict=True):
        assert one["drawn"], f"{kind}: Mermaid cannot read it: {one['warned']}"
        assert one["bad"] == [], kind
        assert one["nodes"] == drawn[0]["nodes"], f"{kind}: {one['nodes']} nodes"
        shown = "".join(one["words"].split())
        for label in labels(hostile.mermaid(PAYLOADS[kind], tmp_path)):
            assert "".join(label.split()) in shown, f"{kind}: {label!r} is not to be read"


def labels(text: str) -> Iterator[str]:
    """The lines of each node's label, as they are to be read."""
    for line in text.splitlines():
        if '["' in line:
            label = line[line.index('["') + 2 : line.rindex('"]')]
            yield from (re.sub(r"#(\d+);", lambda m: chr(int(m[1])), part) for part in label.split("<br/>"))
