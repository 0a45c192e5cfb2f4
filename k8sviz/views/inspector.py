"""What each container of a Pod gets, as a table: choose a container, filter by a word, see every origin.

The widget needs no kernel once shown: all rows come with it and the browser filters them. Where no scripts run the
same tables stand one below the other, and a terminal gets the text.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Final

import anywidget
import traitlets

from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.letters import printable, visible
from k8sviz.predict.container import (
    GotFile,
    GotVariable,
    Inspection,
    content_words,
    inspect,
    known_words,
    value_words,
    word_words,
)
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.fields import text
from k8sviz.views.assets import UNTYPESET, widget_css, widget_js
from k8sviz.words import say, templates

__all__ = ["Inspector", "inspector", "inspector_content", "inspector_css", "inspector_html", "inspector_js"]

_STYLE: Final = (
    "div.ki{border:1px solid #8886;border-radius:8px;padding:10px 16px;margin:4px 0 8px;max-width:1200px;"
    "font:14px/1.45 system-ui,sans-serif}div.ki p{margin:2px 0!important}div.ki .ki-head{font-weight:700}"
    "div.ki table{border-collapse:collapse;margin:6px 0 10px!important;text-align:left;width:100%}"
    "div.ki caption{text-align:left;font-weight:600;padding:4px 0;caption-side:top}"
    "div.ki :is(td,th){text-align:left!important;vertical-align:top;padding:3px 10px 3px 0!important;"
    "border-bottom:1px solid #8884;font-size:12.5px}div.ki code{font-size:12px!important;overflow-wrap:anywhere}"
)


def inspector(
    history: History, pod: Ref, t: float | None = None, container: str | None = None, *, show_secrets: bool = False
) -> Inspector:
    """What the containers of a Pod get at `t` seconds (None: the end); `container` is the one shown first.

    Raises K8svizError when there is no such Pod or container at that time.
    """
    obj = history.at(history.end if t is None else t).require(pod)
    names = [text(found, "name") for found, role in in_start_order(obj) if role in ("main", "ephemeral")]
    names += [text(found, "name") for found, role in in_start_order(obj) if role in ("init", "sidecar")]
    if container is not None:
        names = [container, *(name for name in names if name != container)]
    found = [inspect(history, t, pod, name, show_secrets=show_secrets) for name in names]
    return Inspector(found)


@functools.cache
def inspector_js() -> str:
    """The ES module of the widget."""
    return widget_js("inspector.js")


@functools.cache
def inspector_css() -> str:
    """The style sheet of the widget, for light and for dark."""
    return widget_css("kvi", "inspector.css")


class Inspector(anywidget.AnyWidget):
    """Shows what each container of one Pod gets."""

    _esm = inspector_js()
    _css = inspector_css()
    content = traitlets.Dict().tag(sync=True)

    def __init__(self, inspections: Sequence[Inspection]) -> None:
        self.inspections = tuple(inspections)
        super().__init__(content=inspector_content(self.inspections))

    def __repr__(self) -> str:
        pod = self.inspections[0].pod if self.inspections else ""
        return f"<Inspector {pod}: {', '.join(found.container for found in self.inspections)}>"

    def __str__(self) -> str:
        return visible("\n\n".join(str(found) for found in self.inspections))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": inspector_html(self.inspections), "text/plain": str(self)}, metadata


def inspector_content(inspections: Sequence[Inspection]) -> dict[str, Any]:
    """What the browser is given: for each container its heading and its tables, as plain text in rows."""
    return {
        "words": templates("inspect")["widget"],
        "containers": [
            {
                "name": _plain(found.container),
                "head": _head(found),
                "tables": list(_tables(found)),
                "problems": [_plain(line) for line in found.problems],
                "notes": [_plain(line) for line in found.notes],
            }
            for found in inspections
        ],
    }


def inspector_html(inspections: Sequence[Inspection]) -> str:
    """The same as HTML without scripts, all of it escaped."""
    parts = [f"<style>{_STYLE}</style>"]
    for found in inspections:
        parts.append(f'<div class="ki {UNTYPESET}"><p class="ki-head">{escape(_head(found))}</p>')
        if found.problems:
            lines = "".join(f"<li>{escape(_plain(line))}</li>" for line in found.problems)
            parts.append(f"<p>{escape(say('inspect.text.problems'))}</p><ul>{lines}</ul>")
        parts += [_table(table) for table in _tables(found) if table["rows"]]
        parts += [f"<p><small>{escape(_plain(note))}</small></p>" for note in found.notes]
        parts.append("</div>")
    return "".join(parts)


def _table(table: dict[str, Any]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table["columns"])
    rows = "".join(
        f'<tr><th scope="row"><code>{escape(row[0])}</code></th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table["rows"]
    )
    caption = f"<caption>{escape(table['title'])}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _head(found: Inspection) -> str:
    if found.started is None:
        return _plain(say("inspect.text.title-now", container=found.container, pod=found.pod))
    moment = say("inspect.text.moment", t=f"{found.t:.1f}")
    return _plain(say("inspect.text.title", container=found.container, pod=found.pod, t=moment))


def _tables(found: Inspection) -> Iterator[dict[str, Any]]:
    """Variables, files, words: each a title, columns and rows of text; the level says how each row is known."""
    variables = [[v.name, value_words(v), v.origin, known_words(v)] for v in found.variables]
    yield _rows("variables", ("name", "value", "origin", "known"), variables, map(_level, found.variables))
    files = [[f.path, content_words(f), f.rights, f.origin, f.change, known_words(f)] for f in found.files]
    columns = ("path", "content", "mode", "origin", "change", "known")
    yield _rows("files", columns, files, map(_level, found.files))
    words = [[word.part, word.written, word_words(word)] for word in found.words]
    yield _rows("command", ("word", "written", "value"), words, ("" for _ in words))


def _rows(title: str, columns: Sequence[str], rows: list[list[str]], levels: Iterable[str]) -> dict[str, Any]:
    return {
        "title": say(f"inspect.text.{title}"),
        "columns": [say(f"inspect.column.{column}") for column in columns],
        "rows": [[_plain(cell) for cell in row] for row in rows],
        "levels": list(levels),
    }


def _level(found: GotVariable | GotFile) -> str:
    if isinstance(found, GotFile) and not found.settled:
        return "either"
    return "seen" if found.known == "observed" else ""


def _plain(words: str) -> str:
    return printable(words)
