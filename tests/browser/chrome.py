"""What the browser tests share: one Chromium, pages that note every complaint and every request, and axe-core."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
NEEDS = [
    pytest.mark.browser,
    pytest.mark.ci,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "test-artifacts"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = 390, 1440
LOOKS = [(DESK, "light"), (DESK, "dark"), (PHONE, "dark"), (PHONE, "light")]
_HERE = {"", "127.0.0.1", "localhost"}  # file: and data: name no host


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """A page, what it complained about, and which other hosts it asked."""

    def __init__(self, browser: Any, width: int = DESK, theme: str = "light", **context: Any) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce", **context
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.on(
            "request", lambda r: None if urlsplit(r.url).hostname in _HERE | {None} else self.strangers.append(r.url)
        )
        self.page.on("websocket", lambda w: None if urlsplit(w.url).hostname in _HERE else self.strangers.append(w.url))

    def wear(self, width: int, theme: str) -> None:
        """Another width, and another theme of the system."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=theme)

    def shot(self, name: str, *, full_page: bool = False) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        (ARTIFACTS / ".gitignore").write_text("*\n")
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=full_page)

    def violations(
        self, within: list[list[str]] | None = None, *, outside: str = "", colours: bool | None = None
    ) -> list[str]:
        """What axe-core finds serious or critical, one line each.

        On the whole page; in what the selectors of `within` choose; or all but what `outside` chooses. `colours`: only
        whether text stands out (which takes axe as long as all the rest), or all but that.
        """
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(_axe())
        where = {"include": within} if within else {"exclude": [[outside]]} if outside else None
        # without `preload: false` it fetches style sheets, which no page from a disk may
        options: dict[str, Any] = {"preload": False, "resultTypes": ["violations"]}
        if colours is not None:
            options |= {"runOnly": [_CONTRAST]} if colours else {"rules": {_CONTRAST: {"enabled": False}}}
        ran = self.page.evaluate("([where, options]) => axe.run(where ?? document, options)", [where, options])
        return [
            f"{one['id']}: {one['help']} ({len(one['nodes'])}×), as in {one['nodes'][0]['html'][:160]}"
            for one in ran["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    def problems(self, name: str, within: list[list[str]] | None = None, *, outside: str = "") -> list[str]:
        """What keeps people from reading it, at both widths and in both themes; each look is kept as a picture.

        Parts are the same in both themes, and the text's colours at both widths, but for what is `outside`.
        """
        around: list[dict[str, Any]] = [{"colours": True, "outside": outside}] if outside else []
        plans: list[list[dict[str, Any]]] = [[{}], [{"colours": True}], [{"colours": False}, *around], around]
        wrong = []
        for (width, theme), plan in zip(LOOKS, plans, strict=True):
            self.wear(width, theme)
            self.shot(f"{name}-{theme}-{width}")
            found = self.nameless(within)
            for options in plan:
                found += self.violations(None if options.get("outside") else within, **options)
            if self.page.evaluate("document.documentElement.scrollWidth") > width:
                found.append("it scrolls sideways")
            wrong += [f"{theme}, {width} pixels: {one}" for one in found]
        return wrong

    def nameless(self, within: list[list[str]] | None = None) -> list[str]:
        """Pictures without an alternative that tells something, one line each."""
        found: list[str] = self.page.evaluate(_NAMELESS, ", ".join(one for [one] in within) if within else "body")
        return found


_CONTRAST = "color-contrast"


@functools.cache
def _axe() -> str:
    import axe_playwright_python

    return Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")


_NAMELESS = r"""(within) => {
  const words = (id) => document.getElementById(id)?.textContent ?? "";
  const named = (e) => e.getAttribute("aria-label") || e.getAttribute("alt")
    || e.querySelector(":scope > title")?.textContent
    || (e.getAttribute("aria-labelledby") ?? "").split(" ").map(words).join(" ");
  const drawn = "img, svg, canvas, [role=img]";
  const pictures = [...document.querySelectorAll(within)].flatMap((e) => [...e.querySelectorAll(drawn)]);
  const wrong = [...new Set(pictures)].filter((e) => {
    const { width, height } = e.getBoundingClientRect();
    if (!width || e.closest("[aria-hidden=true]") || e.parentElement.closest("svg, [role=img]")) return false;
    const control = width < 60 && e.parentElement.closest("a, button, label"); // an icon beside the control's words
    const said = control && (control.textContent.trim() || (control.control ?? control).getAttribute("aria-label"));
    if (said) return false;
    const name = (named(e) ?? "").trim();
    if (width < 60 || height < 60) return !name;
    return name.length < 12 || !/\s/.test(name) || /\.(png|svg)$|^(image|picture|chart|figure)$/i.test(name);
  });
  return wrong.map((e) => `no useful alternative: ${e.outerHTML.slice(0, 160)}`);
}"""
