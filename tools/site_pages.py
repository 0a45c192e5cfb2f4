"""Turns notebooks and pages into what the web site shows: films and questions that play without a kernel.

A stored widget is its module (`_esm`), its style sheet (`_css`) and its state. The site needs no more than that: it
keeps each module once, as a script that also loads from a disk, and puts the state beside the place where it shows.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

__all__ = ["Assets", "SiteError", "chapter", "classic", "slug", "widget"]

Json = dict[str, Any]

_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_STATE: Final = "application/vnd.jupyter.widget-state+json"
# what anywidget itself keeps in a model: nothing that a module asks for
_OURS: Final = re.compile(r"_|layout$|tabbable$|tooltip$")
_EXPORT: Final = re.compile(r"^export (?=(?:async )?function\b|const\b|let\b|class\b)", re.MULTILINE)
_DEFAULT: Final = re.compile(r"^export default\b", re.MULTILINE)
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_NOTEBOOK: Final = re.compile(r"""(href=["'][\w-]+)\.ipynb""")
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
_KERNEL: Final = (
    '<p class="kx-kernel">This one asks a running Python. <a href="{binder}">Open the chapter in Binder</a>, '
    "or run the course on your machine, to use it; what it shows at first is here.</p>"
)


class SiteError(Exception):
    """Something that the site cannot show: the notebook is named, and what to do."""


@dataclass
class Assets:
    """What several pages share, each kept once: modules of widgets, style sheets, pictures."""

    modules: dict[str, str] = field(default_factory=dict)
    styles: dict[str, None] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)

    def module(self, source: str) -> str:
        """Keep a module and return its name."""
        name = hashlib.sha256(source.encode()).hexdigest()[:12]
        self.modules.setdefault(name, classic(source))
        return name

    def picture(self, data: bytes, kind: str) -> str:
        """Keep a picture and return its file name."""
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.{kind}"
        self.pictures[name] = data
        return name

    def script(self) -> str:
        """All modules as one classic script: a browser loads no module from a disk."""
        parts = [f"k8svizWidgets[{json.dumps(name)}] = {body};" for name, body in self.modules.items()]
        return "\n".join(("window.k8svizWidgets = {};", *parts, ""))

    def css(self) -> str:
        """All style sheets, in the order in which they came."""
        return "\n".join(self.styles)


def classic(source: str) -> str:
    """An ES module as an expression that a classic script may hold: what it exported by default.

    >>> classic("const a = 1;\\nexport function f() {}\\nexport default { a };")
    '(() => {\\nconst a = 1;\\nfunction f() {}\\nconst exported = { a };\\nreturn exported;\\n})()'
    """
    if re.search(r"^import\b|^export\s*[{*]", source, re.MULTILINE) or len(_DEFAULT.findall(source)) != 1:
        raise SiteError("the site takes only modules that import nothing and `export default` once")
    body = _EXPORT.sub("", _DEFAULT.sub("const exported =", source)).strip()
    return f"(() => {{\n{body}\nreturn exported;\n}})()"


def slug(title: str) -> str:
    """The name that Jupyter gives a heading, so that links inside a notebook lead somewhere on the site too.

    >>> slug("6.3 Storage that outlives the Pod")
    '6.3-Storage-that-outlives-the-Pod'
    """
    return title.strip().replace(" ", "-")


def widget(assets: Assets, state: Mapping[str, Any], fallback: str = "") -> str:
    """One stored anywidget as HTML on one line: its state, and what there is to see until it shows itself."""
    module, css = _newest(state)
    name = assets.module(module)
    assets.styles.setdefault(css)
    kept = {key: value for key, value in state.items() if not _OURS.match(key)}
    return (
        f'<div class="kx-widget" data-module="{name}"><div class="kx-before">{fallback}</div>'
        f'<script type="application/json">{_safe(kept)}</script></div>'
    )


def _newest(state: Mapping[str, Any]) -> tuple[str, str]:
    """A widget's module and style sheet as the package has them now: a notebook may have stored older ones."""
    place, _, name = str(state.get("_anywidget_id", "")).rpartition(".")
    if place.split(".")[0] == "k8sviz":
        made = getattr(importlib.import_module(place), name)
        return str(made._esm), str(made._css)
    return str(state["_esm"]), str(state.get("_css", ""))


def chapter(name: str, notebook: Json, assets: Assets, *, binder: str, head: str = "") -> Json:
    """The notebook as the site wants it: no widget manager needed, `head` below its title. The argument stays."""
    done: Json = json.loads(json.dumps(notebook))
    states = done["metadata"].pop("widgets", {}).get(_STATE, {}).get("state", {})
    maker = _Outputs(name, states, assets, binder)
    for cell in done["cells"]:
        if cell["cell_type"] == "code":
            _tag(cell)
            cell["outputs"] = maker.all(cell["outputs"])
    _put_head(done["cells"], head)
    return done


def _tag(cell: Json) -> None:
    """What only a machine wants to see is folded away."""
    tags = cell["metadata"].setdefault("tags", [])
    if "parameters" in tags:
        tags.append("remove-cell")


def _put_head(cells: list[Json], head: str) -> None:
    title, _, rest = _text(cells[0]["source"]).partition("\n")
    cells[0]["source"] = f"{title}\n\n{head}\n{rest}"


@dataclass
class _Outputs:
    """The outputs of one notebook as the site shows them."""

    name: str
    states: Mapping[str, Json]
    assets: Assets
    binder: str

    def all(self, outputs: Iterable[Json]) -> list[Json]:
        return [self._one(output) for output in outputs]

    def _one(self, output: Json) -> Json:
        if output["output_type"] == "error":
            raise SiteError(f"{self.name}: a cell ended in {output['ename']}: {output['evalue']}; run: make notebooks")
        if "data" not in output:
            return output
        html = self._html(output["data"], output.get("metadata", {}))
        return output if html is None else {**output, "data": {"text/html": html}, "metadata": {}}

    def _html(self, data: Json, metadata: Json) -> str | None:
        if _WIDGET in data:
            return self._widget(data, metadata)
        return self._still(data, metadata)

    def _widget(self, data: Json, metadata: Json) -> str:
        state = self.states.get(data[_WIDGET]["model_id"], {}).get("state", {})
        still = self._still(data, metadata) or ""
        if "_esm" in state:
            # a module that sends asks Python something; the others need nobody
            note = self._needs_python() if "model.send(" in _newest(state)[0] else ""
            return note + widget(self.assets, state, still)
        return self._needs_python() + still

    def _needs_python(self) -> str:
        return _KERNEL.format(binder=escape(self.binder))

    def _still(self, data: Json, metadata: Json) -> str | None:
        words = _text(data.get("text/plain", ""))
        if "text/html" in data:
            return self._plain(_text(data["text/html"]))
        if "image/svg+xml" in data:
            return _figure(_drawing(_text(data["image/svg+xml"])), words)
        if "image/png" in data:
            return _figure(self._image(data["image/png"], metadata.get("image/png", {})), words)
        return None

    def _plain(self, html: str) -> str:
        """HTML whose style sheets went where every page finds them, and whose links lead to the chapters' pages."""
        for style in _STYLE.findall(html):
            self.assets.styles.setdefault(style)
        return _NOTEBOOK.sub(r"\1.html", _STYLE.sub("", html))

    def _image(self, data: str, metadata: Json) -> str:
        alt = str(metadata.get("alt", ""))
        if not alt:
            raise SiteError(f"{self.name}: a picture without an alternative text")
        file = self.assets.picture(base64.b64decode(_text(data)), "png")
        width = f' style="--kx-width:{int(metadata["width"])}px"' if "width" in metadata else ""
        return f'<img src="../_static/pictures/{file}" alt="{escape(alt, quote=True)}"{width} loading="lazy">'


def _drawing(svg: str) -> str:
    """A drawing of ours without its one theme's style sheet: the site has those of both. Another's stays as it is."""
    if 'class="kv kv-' not in svg:
        return svg
    bare = _STYLE.sub("", svg, count=1)
    bare = re.sub(r'class="kv kv-(?:light|dark)"', 'class="kv kx-drawing"', bare, count=1)
    # the site's style sheet sizes it: no smaller than its words can be read
    return re.sub(r'(<svg[^>]* width="(\d+)"[^>]*) style="[^"]*"', r'\1 style="--kx-width:\2px"', bare, count=1)


def _figure(picture: str, words: str) -> str:
    text = escape(_ANSI.sub("", words)).replace("\n", "&#10;")
    return (
        f'<figure class="kx-figure"><div class="kx-scroll">{picture}</div>'
        f"<details><summary>The same in words</summary><pre>{text}</pre></details></figure>"
    )


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _safe(value: object) -> str:
    """JSON on one line, in which nothing ends a script element."""
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        plain = plain.replace(letter, f"\\u{ord(letter):04x}")
    return plain
