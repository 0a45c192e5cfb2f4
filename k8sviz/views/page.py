"""A player as one HTML file: opened from a disk or a mail it plays, and asks nobody for anything.

A content security policy in the file itself forbids every request, and every script but the one whose hash it
names; the film is data, in which no letter can end its element.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from k8sviz.letters import printable
from k8sviz.render.palette import DARK, LIGHT
from k8sviz.render.text import text
from k8sviz.saving import save
from k8sviz.views.assets import player_css, player_js
from k8sviz.views.frames import Film
from k8sviz.words import say

__all__ = ["film_page", "page", "save_page"]

_START: Final = """
const data = JSON.parse(document.getElementById("film").textContent);
mount(document.getElementById("player"), data, { page: true });
"""
_FRAME: Final = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '{hash}'; \
style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{css}
body {{ margin: 0; padding: 12px; background: {page_light}; }}
main {{ max-width: 1500px; margin: 0 auto; }}
.made {{ font: 12px/1.5 system-ui, sans-serif; color: {soft_light}; text-align: center; margin: 10px 0 0; }}
noscript p {{ font: 15px/1.5 system-ui, sans-serif; color: {soft_light}; }}
noscript pre {{ color: {soft_light}; white-space: pre-wrap; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: {page_dark}; }}
  .made, noscript p, noscript pre {{ color: {soft_dark}; }}
}}
body:has(.kvp[data-theme="light"]) {{ background: {page_light}; }}
body:has(.kvp[data-theme="dark"]) {{ background: {page_dark}; }}
body:has(.kvp[data-theme="light"]) .made {{ color: {soft_light}; }}
body:has(.kvp[data-theme="dark"]) .made {{ color: {soft_dark}; }}
</style>
</head>
<body>
<main>
<div id="player"></div>
<noscript>{still}</noscript>
</main>
<footer class="made">{made}</footer>
<script type="application/json" id="film">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def page(payload: Mapping[str, Any], title: str = "", *, still: str = "", words: str = "") -> str:
    """A film's payload as a stand-alone HTML page that loads nothing from any network.

    `still` is the SVG of one frame (as `Film.still` makes it, which escapes) and `words` its text: what there is
    to see and to read where scripts do not run.
    """
    script = player_js() + _START
    return _FRAME.format(
        language=say("views.page.language"),
        hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        title=escape(printable(title or str(payload["title"]))),
        css=player_css(),
        page_light=LIGHT.page,
        page_dark=DARK.page,
        soft_light=LIGHT.soft,
        soft_dark=DARK.soft,
        still=_without_scripts(still, words),
        made=escape(say("views.page.made")),
        data=_data(payload),
        script=script,
    )


def film_page(
    film: Film,
    *,
    title: str = "",
    start: str | float | None = 0.0,
    telling: str | float | None = None,
    secrets: bool = False,
) -> str:
    """A film as a stand-alone HTML page; the arguments mean what they mean for `Player`.

    Raises K8svizError for an unknown step.
    """
    payload = film.payload(title=title, start=start, secrets=secrets)
    return page(payload, title, still=film.still(telling), words=text(film.telling(telling).diagram))


def save_page(html: str, path: str | os.PathLike[str]) -> Path:
    """Write a page to a file. Raises K8svizError when it cannot be written."""
    return save(path, html)


def _without_scripts(still: str, words: str) -> str:
    why = escape(say("views.page.no_script"))
    return f"<p>{why}</p>{still}<pre>{escape(words)}</pre>"


def _data(payload: Mapping[str, Any]) -> str:
    """JSON in which nothing can end a script element or begin a comment."""
    plain = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        plain = plain.replace(letter, f"\\u{ord(letter):04x}")
    return plain
