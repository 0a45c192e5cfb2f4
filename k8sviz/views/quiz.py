"""One question before a cell runs: predict first, since a guess of one's own is what makes the answer stay.

A front end takes the richest form that it knows: a notebook the widget, which checks the answer in the browser and
needs no kernel; GitHub and others that run no scripts the question with its answer folded; a terminal its words.
"""

from __future__ import annotations

import base64
import functools
import json
import string
from html import escape
from typing import Any, Final

import anywidget
import traitlets

from k8sviz.marks import mark
from k8sviz.sources.questions import Option, Question, load_question
from k8sviz.views.assets import UNTYPESET, widget_css, widget_js
from k8sviz.words import say, templates

__all__ = ["Quiz", "quiz", "quiz_content", "quiz_css", "quiz_html", "quiz_js", "quiz_text"]

_LETTERS: Final = string.ascii_uppercase


def quiz(question_id: str) -> Quiz:
    """The question of this id, to be answered. Raises K8svizError that names the nearest ids."""
    return Quiz(load_question(question_id))


@functools.cache
def quiz_js() -> str:
    """The ES module that asks a question."""
    return widget_js("quiz.js")


@functools.cache
def quiz_css() -> str:
    """The style sheet of questions, for light and for dark."""
    return widget_css("kvq", "card.css", "quiz.css")


class Quiz(anywidget.AnyWidget):
    """Asks one question. `tried` holds the places of the options that were checked, the newest last."""

    _esm = quiz_js()
    _css = quiz_css()
    content = traitlets.Dict().tag(sync=True)
    tried = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, question: Question) -> None:
        self.question = question
        super().__init__(content=quiz_content(question))
        self.observe(self._mark, "tried")

    def __repr__(self) -> str:
        return f"<Quiz {self.question.id}>"

    def _mark(self, change: Any) -> None:
        if self.question.right in change["new"]:
            mark("questions", self.question.id)

    @property
    def chosen(self) -> int | None:
        """The place of the option that was checked last, or None."""
        return self.tried[-1] if self.tried else None

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": quiz_html(self.question), "text/plain": quiz_text(self.question)}, metadata


def quiz_content(question: Question) -> dict[str, Any]:
    """What the browser is given: the answers in one word that nobody reads by accident."""
    key = {"right": question.right, "why": [option.why for option in question.options]}
    return {
        "id": question.id,
        "kind": question.kind,
        "prompt": question.prompt,
        "code": question.code,
        "options": [option.text for option in question.options],
        "key": base64.b64encode(json.dumps(key).encode()).decode(),
        "words": templates("quiz")["ui"],
    }


# -- where no scripts run --------------------------------------------------------------------------


def quiz_text(question: Question) -> str:
    """The question and its options as plain text, without the answer."""
    lines = [f"{say(f'quiz.ui.{question.kind}')}: {question.prompt}"]
    lines += [f"    {line}" for line in question.code.splitlines()]
    lines += [f"  {_LETTERS[i]}. {option.text}" for i, option in enumerate(question.options)]
    return "\n".join(lines)


def quiz_html(question: Question) -> str:
    """The question as a piece of HTML without scripts or styles, its answer folded."""
    code = f"<pre>{escape(question.code)}</pre>" if question.code else ""
    options = "".join(f"<li>{_html(option.text)}</li>" for option in question.options)
    return (
        f'<div class="{UNTYPESET}">'
        f"<p><b>{escape(say(f'quiz.ui.{question.kind}'))}:</b> {_html(question.prompt)}</p>{code}"
        f'<ol type="A">{options}</ol><details><summary>{escape(say("quiz.plain.answer"))}</summary>'
        f"{_answers(question)}</details></div>"
    )


def _answers(question: Question) -> str:
    rows = sorted(enumerate(question.options), key=lambda row: not row[1].right)
    return "".join(f"<p><b>{escape(_verdict(i, option))}</b> {_html(option.why)}</p>" for i, option in rows)


def _verdict(place: int, option: Option) -> str:
    return say(f"quiz.plain.{'right' if option.right else 'other'}", letter=_LETTERS[place])


def _html(text: str) -> str:
    """Text with its pieces in `backticks` set as code; everything else is text and no markup."""
    pieces = text.split("`")
    return "".join(f"<code>{escape(p)}</code>" if i % 2 else escape(p) for i, p in enumerate(pieces))
