"""The views' scripts and style sheets as text, with the palette's colours put in: no build step, no other file."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import Final

from k8sviz.render.palette import DARK, LIGHT, Theme
from k8sviz.render.svg import style

__all__ = ["UNTYPESET", "player_css", "player_js", "widget_css", "widget_js"]

# Jupyter takes what stands between two dollar signs for a formula, but not below an element of this class
UNTYPESET: Final = "mathjax_ignore"

_IMPORT: Final = re.compile(r'^import (?:\{[^}]*\} from )?"\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)

# what marks a change: yellow as a highlighter's, which no kind and no state uses
_MARKS: Final = {"light": ("#b06c00", "#ffb000"), "dark": ("#ffd45e", "#d79b00")}


@functools.cache
def player_js() -> str:
    """The ES module that plays a film."""
    return widget_js("player.js")


@functools.cache
def widget_js(name: str) -> str:
    """A view's script behind all that it imports, as one ES module: what a page loads is one file.

    >>> 'from "./' in widget_js("quiz.js"), widget_js("quiz.js").count("function h(")
    (False, 1)
    """
    seen: dict[str, str] = {}
    _collect(name, seen)
    *imported, (_, whole) = seen.items()
    return "".join([_EXPORT.sub("", source).replace("export {};\n", "") for _, source in imported] + [whole])


def _collect(name: str, seen: dict[str, str]) -> None:
    """The module's text without its imports, after those that it imports."""
    if name in seen:
        return
    source = _text(name)
    for other in _IMPORT.findall(source):
        _collect(other, seen)
    seen[name] = _IMPORT.sub("", source)


def widget_css(root: str, *names: str) -> str:
    """A widget's style sheets, one after the other, with the colours of its class `root` for light and for dark."""
    themes = "".join(_colors(root, name, theme) for name, theme in (("light", LIGHT), ("dark", DARK)))
    return "".join(map(_text, names)) + "\n/* from render/palette.py */\n" + themes


def _colors(root: str, name: str, theme: Theme) -> str:
    colors = {
        "kv-page": theme.page,
        "kv-card": theme.card,
        "kv-frame": theme.frame,
        "kv-line": theme.line,
        "kv-text": theme.text,
        "kv-soft": theme.soft,
        "kv-ok": theme.levels["ok"],
        "kv-wait": theme.levels["wait"],
        "kv-bad": theme.levels["bad"],
        f"{root}-accent": theme.families["workload"],
    }
    return f'.{root}[data-theme="{name}"]{{{"".join(f"--{key}:{value};" for key, value in colors.items())}}}\n'


@functools.cache
def player_css() -> str:
    """The style sheet of players and of the pictures in them, for light and for dark."""
    themes = "".join(_theme(name, theme) for name, theme in (("light", LIGHT), ("dark", DARK)))
    return _text("player.css") + "\n/* from render/palette.py */\n" + themes


def _theme(name: str, theme: Theme) -> str:
    within = f'.kvp[data-theme="{name}"]'
    mark, halo = _MARKS[name]
    colors = {
        "kv-page": theme.page,
        "kv-card": theme.card,
        "kv-frame": theme.frame,
        "kv-line": theme.line,
        "kv-text": theme.text,
        "kv-soft": theme.soft,
        "kvp-accent": theme.families["workload"],
        "kvp-mark": mark,
        "kvp-halo": halo,
        **{f"kv-{level}": color for level, color in theme.levels.items() if level},
    }
    variables = "".join(f"--{key}:{value};" for key, value in colors.items())
    # :where keeps the picture's rules weaker than the player's marks on what changed
    return f"{within}{{{variables}}}\n{style(theme, f':where({within}) .kvp-svg')}\n"


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
