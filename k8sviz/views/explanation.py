"""An explanation as a card: the cause first, then the rule, what it rests on, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

from k8sviz.letters import visible
from k8sviz.render.palette import PALETTE
from k8sviz.views.assets import UNTYPESET
from k8sviz.why.model import Explanation, Trouble
from k8sviz.words import say

__all__ = ["Because", "Troubles"]

_STYLE: Final = (
    "div.kw{border:1px solid #8886;border-left:6px solid #5b6470;border-radius:8px;padding:10px 16px;"
    "margin:4px 0 8px;max-width:1000px;font:14px/1.5 system-ui,sans-serif}div.kw p{margin:2px 0!important}"
    "div.kw .kw-what{font-weight:700}div.kw .kw-head{font-weight:600;font-size:12.5px;margin-top:8px;opacity:.8}"
    "div.kw ul{margin:2px 0 2px 20px!important;padding:0!important}div.kw div.kw{margin-top:10px}"
    "div.kw code{font-size:12px!important;overflow-wrap:anywhere}"
    + "".join(f"div.kw-{name or 'plain'}{{border-left-color:{color}}}" for name, color in PALETTE.items())
)


class Because:
    """Shows an Explanation: HTML in a notebook, the same words as text elsewhere."""

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation

    def __str__(self) -> str:
        return visible(str(self.explanation))

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": f"<style>{_STYLE}</style>{_card(self.explanation)}"}


class Troubles:
    """Shows what fails and what waits, one card each; says so when there is nothing. `notes` say what is not known."""

    def __init__(self, troubles: Sequence[Trouble], notes: Sequence[str] = ()) -> None:
        self.troubles = tuple(troubles)
        self.notes = tuple(notes)

    def __str__(self) -> str:
        told = map(str, self.troubles) if self.troubles else [say("why.text.no-trouble")]
        return visible("\n\n".join([*told, *(say("why.text.note", note=note) for note in self.notes)]))

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        cards = "".join(_card(it.explanation, it.others, [one.summary for one in it.held]) for it in self.troubles)
        nothing = "" if cards else f"<p>{_esc(say('why.text.no-trouble'))}</p>"
        notes = "".join(f"<p>{_esc(say('why.text.note', note=note))}</p>" for note in self.notes)
        return {"text/plain": str(self), "text/html": f"<style>{_STYLE}</style>{cards}{nothing}{notes}"}


def _esc(text: object) -> str:
    return escape(visible(str(text)), quote=True)


def _code(words: str) -> str:
    """Words with `code` between backticks; all of it escaped."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", _esc(words))


def _card(it: Explanation, alike: str = "", held: Sequence[str] = (), *, within: bool = False) -> str:
    color = {"error": "bad", "waiting": "wait", "warning": "wait"}.get(it.level, "ok")
    word = say(f"lab.{it.level}")
    parts = [
        f'<div class="kw kw-{color} {UNTYPESET}">',
        f'<p class="kw-what">{_esc(it.subject_text)} {_esc(it.state)} · {_esc(word)}</p>',
        f"<p>{_code(it.summary)}</p>",
        *_rows(it),
        "" if within or not it.chain_words else f"{_head('chain')}<p>{_esc(it.chain_words)}</p>",
        f"{_head('alike')}<p>{_esc(alike)}</p>" if alike else "",
        _head("held") + "".join(f"<p>{_code(one)}</p>" for one in held) if held else "",
        *(_card(cause, within=True) for cause in it.also),
        "</div>",
    ]
    return "".join(parts)


def _rows(it: Explanation) -> Iterator[str]:
    if it.rule:
        yield f"{_head('rule')}<p>{_code(it.rule)}</p>"
    if it.evidence:
        rows = "".join(f"<li><code>{_esc(e.source)}</code>: {_esc(e.text)}</li>" for e in it.evidence)
        yield f"{_head('evidence')}<ul>{rows}</ul>"
    if it.remedy:
        yield f"{_head('remedy')}<p>{_code(it.remedy)}</p>"
    if it.source.startswith("https://"):
        address = _esc(it.source)
        yield f'{_head("source")}<p><a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a></p>'


def _head(word: str) -> str:
    return f'<p class="kw-head">{_esc(say(f"lab.{word}"))}</p>'
