"""What the browser tests share: one Chromium, pages that note every complaint and every request, and axe-core."""

from __future__ import annotations

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
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PHONE, DESK = 390, 1440
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

    def shot(self, name: str, *, full_page: bool = False) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        (ARTIFACTS / ".gitignore").write_text("*\n")
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=full_page)

    def violations(self) -> list[str]:
        """What axe-core finds serious or critical, one line each."""
        import axe_playwright_python

        script = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
        self.page.evaluate(script)
        # without `preload: false` it fetches style sheets, which no page from a disk may
        ran = self.page.evaluate("() => axe.run(document, {preload: false, resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['help']} ({len(one['nodes'])}×), as in {one['nodes'][0]['html'][:160]}"
            for one in ran["violations"]
            if one["impact"] in ("serious", "critical")
        ]
