"""An explanation as a card: the cause first, then the rule, what it rests on, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Final

from k8sviz.render.measure import printable
from k8sviz.render.palette import PALETTE
from k8sviz.why.model import Explanation
from k8sviz.words import say

__all__ = ["Because"]

_STYLE: Final = (
    ".kw{border:1px solid #8884;border-left:5px solid #5b6470;border-radius:8px;padding:10px 14px;margin:4px 0;"
    "max-width:960px;font:13.5px/1.5 system-ui,sans-serif}.kw p{margin:2px 0}.kw .kw-what{font-weight:700}"
    ".kw ul{margin:2px 0 2px 18px;padding:0}.kw dt{font-weight:600;margin-top:6px;opacity:.8}.kw dd{margin:0}"
    ".kw .kw{margin-top:8px}.kw code{font-size:12px;overflow-wrap:anywhere}"
    + "".join(f".kw-{name or 'plain'}{{border-left-color:{color}}}" for name, color in PALETTE.items())
)


class Because:
    """Shows an Explanation: HTML in a notebook, the same words as text elsewhere."""

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation

    def __str__(self) -> str:
        return str(self.explanation)

    def __repr__(self) -> str:
        return str(self.explanation)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": f"<style>{_STYLE}</style>{_card(self.explanation)}"}


def _esc(text: object) -> str:
    return escape("\n".join(printable(line) for line in str(text).split("\n")), quote=True)


def _card(it: Explanation) -> str:
    level = "bad" if it.error else "wait" if it.waiting else "ok"
    word = say(f"lab.{'error' if it.error else 'waiting' if it.waiting else 'fine'}")
    parts = [
        f'<div class="kw kw-{level}"><p class="kw-what">{_esc(it.subject or "")} {_esc(it.state)} · {_esc(word)}</p>',
        f"<p>{_esc(it.summary)}</p><dl>",
        *_rows(it),
        "</dl>",
        *(_card(cause) for cause in it.also),
        "</div>",
    ]
    return "".join(parts)


def _rows(it: Explanation) -> Iterator[str]:
    if it.rule:
        yield f"<dt>{say('lab.rule')}</dt><dd>{_esc(it.rule)}</dd>"
    if it.evidence:
        rows = "".join(f"<li><code>{_esc(e.source)}</code>: {_esc(e.text)}</li>" for e in it.evidence)
        yield f"<dt>{say('lab.evidence')}</dt><dd><ul>{rows}</ul></dd>"
    if it.remedy:
        yield f"<dt>{say('lab.remedy')}</dt><dd>{_esc(it.remedy)}</dd>"
