"""One exercise in a notebook: the task, a manifest to edit, Check, hints one at a time, a solution.

A front end takes the richest form that it knows: JupyterLab the widget, whose check asks this kernel; GitHub and others
that run no scripts the task with starting manifest, hints and solution folded; a terminal its words.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

import anywidget
import traitlets

from k8sviz.exercises import Judge, Verdict, judge
from k8sviz.letters import printable, visible
from k8sviz.marks import mark, marks
from k8sviz.sources.exercises import Exercise
from k8sviz.views.assets import UNTYPESET, widget_css, widget_js
from k8sviz.words import say, templates

__all__ = [
    "ExerciseView",
    "VerdictView",
    "exercise_content",
    "exercise_css",
    "exercise_html",
    "exercise_js",
    "exercise_text",
    "judged",
]

# what was typed so far, so that running a cell again does not lose it
_DRAFTS: Final[dict[str, str]] = {}
_KEPT: Final = 256 * 1024  # letters; a longer text is judged (and refused), but not kept


@functools.cache
def exercise_js() -> str:
    """The ES module of the widget."""
    return widget_js("exercise.js")


@functools.cache
def exercise_css() -> str:
    """The style sheet of the widget, for light and for dark."""
    return widget_css("kvx", "card.css", "exercise.css")


def judged(exercise: Exercise, answer: object, by: Judge | None = None) -> VerdictView:
    """Judge an answer, and mark the exercise as done if it is solved."""
    verdict = judge(exercise, answer, by)
    return VerdictView(verdict, mark("exercises", exercise.id) if verdict.solved else "")


class ExerciseView(anywidget.AnyWidget):
    """Shows one exercise. `answer` is what the learner has written, `verdict` what the last check said.

    A check is asked for by a change of `asked` ({"text": …, "count": …}), not by a message: the front end keeps a state
    until the kernel has time for it, and drops messages that come before it is ready.
    """

    _esm = exercise_js()
    _css = exercise_css()
    content = traitlets.Dict().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    verdict = traitlets.Dict().tag(sync=True)
    hints_shown = traitlets.Int(0).tag(sync=True)

    def __init__(self, exercise: Exercise, by: Judge | None = None) -> None:
        self.exercise = exercise
        self._by = by
        content = exercise_content(exercise, done=exercise.id in marks().exercises)
        super().__init__(content=content, answer=_DRAFTS.get(exercise.id, exercise.start.rstrip()))
        self.observe(self._keep, "answer")
        self.observe(self._asked, "asked")

    def __repr__(self) -> str:
        return f"<Exercise {self.exercise.id}>"

    def check(self, answer: object) -> VerdictView:
        """Judge an answer and show the verdict in the widget."""
        shown = judged(self.exercise, answer, self._by)
        # a check of the same text must arrive as a change, too, and say which question it answers
        self.verdict = {**shown.to_json(), "count": self.verdict.get("count", 0) + 1, "asked": self.asked.get("count")}
        return shown

    def _keep(self, change: Any) -> None:
        _DRAFTS[self.exercise.id] = change["new"]

    def _asked(self, change: Any) -> None:
        text = change["new"].get("text")
        if isinstance(text, str) and len(text) <= _KEPT:
            self.answer = text
        self.check(text)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": exercise_html(self.exercise), "text/plain": exercise_text(self.exercise)}, metadata


def exercise_content(exercise: Exercise, *, done: bool = False) -> dict[str, Any]:
    """What the browser is given: hints and solution in one word that nobody reads by accident."""
    key = {"hints": exercise.hints, "solution": exercise.solution.rstrip()}
    return {
        "id": exercise.id,
        "title": exercise.title,
        "level": exercise.level,
        "task": exercise.task.split("\n\n"),
        "goals": [goal.want for goal in exercise.goals],
        "given": exercise.given.rstrip(),
        "start": exercise.start.rstrip(),
        "done": done,
        "key": base64.b64encode(json.dumps(key).encode()).decode(),
        "words": templates("exercise")["ui"],
    }


# -- what was judged -------------------------------------------------------------------------------

_STYLE: Final = (
    "div.kw-x{border:1px solid #8886;border-left:6px solid #9a6700;border-radius:8px;padding:10px 16px;"
    "margin:4px 0 8px;max-width:820px;font:14px/1.5 system-ui,sans-serif}div.kw-x.kw-solved{border-left-color:#1a7f37}"
    "div.kw-x p{margin:2px 0!important}div.kw-x ul{margin:4px 0!important;padding:0!important;list-style:none}"
    "div.kw-x .kw-soft{opacity:.75}div.kw-x code{font-size:12px!important;overflow-wrap:anywhere}"
)


class VerdictView:
    """Shows a Verdict: HTML in a notebook, the same words as text elsewhere."""

    def __init__(self, verdict: Verdict, note: str = "") -> None:
        self.verdict = verdict
        self.note = note

    @property
    def solved(self) -> bool:
        """Whether all goals came true."""
        return self.verdict.solved

    def __bool__(self) -> bool:
        return self.solved

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return visible("\n".join(filter(None, (str(self.verdict), self.note))))

    def to_json(self) -> dict[str, Any]:
        """The verdict as the widget shows it."""
        it = self.verdict
        findings = [
            {"line": f.line, "field": f.problem.field, "error": f.problem.error, "text": f.problem.words}
            for f in it.findings
        ]
        shown: dict[str, Any] = _readable({**it.to_json(), "findings": findings, "note": self.note})
        return shown

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": f"<style>{_STYLE}</style>{self._html()}"}

    def _html(self) -> str:
        head, *lines = [_html(printable(line)) for line in str(self.verdict).split("\n")]
        note = f'<p class="kw-soft">{_html(self.note)}</p>' if self.note else ""
        items = "".join(f"<li>{line}</li>" for line in lines)
        classes = f"kw-x{' kw-solved' if self.solved else ''} {UNTYPESET}"
        return f'<div class="{classes}"><p><b>{head}</b></p><ul>{items}</ul>{note}</div>'


def _readable(value: Any) -> Any:
    """Plain data without letters that hide: a verdict says again what a learner has pasted from anywhere."""
    if isinstance(value, dict):
        return {key: _readable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_readable(each) for each in value]
    return printable(value) if isinstance(value, str) else value


# -- where no scripts run --------------------------------------------------------------------------


def exercise_text(exercise: Exercise) -> str:
    """The task and the starting manifest as plain text, without hints and solution."""
    parts = [f"{_head(exercise)}: {exercise.title}", exercise.task]
    parts.append("\n".join(f"  · {goal.want}" for goal in exercise.goals))
    if exercise.given:
        parts.append(f"{say('exercise.ui.given')}:\n{_indented(exercise.given)}")
    parts.append(f"{say('exercise.plain.start')}:\n{_indented(exercise.start)}")
    parts.append(say("exercise.plain.how", id=exercise.id))
    return "\n\n".join(parts)


def _head(exercise: Exercise) -> str:
    return f"{say('exercise.ui.kind')} ({say(f'exercise.ui.{exercise.level}').lower()})"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())


def exercise_html(exercise: Exercise) -> str:
    """The exercise as a piece of HTML without scripts or styles; given, hints and solution are folded."""
    return f'<div class="{UNTYPESET}">{"".join(_pieces(exercise))}</div>'


def _pieces(exercise: Exercise) -> Iterator[str]:
    yield f"<p><b>{escape(_head(exercise))}: {escape(exercise.title)}</b></p>"
    yield from (f"<p>{_html(part)}</p>" for part in exercise.task.split("\n\n"))
    yield "<ul>" + "".join(f"<li>{_html(goal.want)}</li>" for goal in exercise.goals) + "</ul>"
    if exercise.given:
        yield _folded(say("exercise.ui.given"), f"<pre>{escape(exercise.given)}</pre>")
    yield f"<p>{escape(say('exercise.plain.start'))}</p><pre>{escape(exercise.start)}</pre>"
    yield f"<p>{escape(say('exercise.plain.way'))}</p>"
    for number, hint in enumerate(exercise.hints, 1):
        yield _folded(say("exercise.plain.hint", number=number), f"<p>{_html(hint)}</p>")
    solution = f"<pre>{escape(exercise.solution)}</pre><p>{_html(exercise.lesson)}</p>"
    yield _folded(say("exercise.plain.solution"), solution)


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _html(text: str) -> str:
    """Text with its pieces in `backticks` set as code; everything else is text and no markup."""
    pieces = text.split("`")
    return "".join(f"<code>{escape(p)}</code>" if i % 2 else escape(p) for i, p in enumerate(pieces))
