"""What is done, as a table with a way to each chapter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from k8sviz.marks import Marks
from k8sviz.sources.exercises import Exercise
from k8sviz.sources.notebooks import Chapter
from k8sviz.views.assets import UNTYPESET
from k8sviz.words import say

__all__ = ["Progress", "Row"]

_STYLE: Final = (
    "table.kg{border-collapse:collapse;font:14px/1.5 system-ui,sans-serif;margin:4px 0}"
    "table.kg :is(th,td){text-align:left!important;padding:5px 14px 5px 0;border:0;border-bottom:1px solid #8884;"
    "vertical-align:top}table.kg tr{background:none!important}table.kg ul{list-style:none!important;margin:0!important;"
    "padding:0!important}"
    "table.kg .kg-done{color:#1a7f37;font-weight:700}table.kg .kg-open{opacity:.6}"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One chapter: its notebook (None: there is none yet), its exercises, and the ids of its questions."""

    number: str
    chapter: Chapter | None
    exercises: Sequence[Exercise]
    questions: Sequence[str]

    @property
    def title(self) -> str:
        """The chapter's name."""
        return self.chapter.title if self.chapter else say("exercise.progress.unnamed", number=int(self.number))


class Progress:
    """Shows what is done: HTML with links in a notebook, the same words as text elsewhere."""

    def __init__(self, rows: Sequence[Row], marks: Marks) -> None:
        self.rows = tuple(rows)
        self.marks = marks

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = []
        for row in self.rows:
            done = ", ".join(self._counts(row))
            lines.append(f"{row.title}: {done}" if done else row.title)
            lines += [f"  {'✓' if e.id in self.marks.exercises else '·'} {e.title} ({e.id})" for e in row.exercises]
        return "\n".join([*lines, self._foot()])

    def _counts(self, row: Row) -> Iterator[str]:
        for ids, done, word in (
            ([e.id for e in row.exercises], self.marks.exercises, "exercises"),
            (row.questions, self.marks.questions, "questions"),
        ):
            if ids:
                yield say(f"exercise.progress.{word}-done", done=sum(each in done for each in ids), all=len(ids))

    def _foot(self) -> str:
        return self.marks.note or say("exercise.progress.kept" if self.marks else "exercise.progress.empty")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}

    def html(self) -> str:
        """The same as HTML."""
        head = "".join(
            f'<th scope="col">{escape(say(f"exercise.progress.{word}"))}</th>'
            for word in ("chapter", "exercises", "questions")
        )
        rows = "".join(map(self._row, self.rows))
        return (
            f'<style>{_STYLE}</style><table class="kg {UNTYPESET}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
            f"<p>{escape(self._foot())}</p>"
        )

    def _row(self, row: Row) -> str:
        title = escape(row.title)
        if row.chapter:
            title = f'<a href="{escape(row.chapter.file, quote=True)}">{title}</a>'
        items = "".join(map(self._item, row.exercises))
        done = sum(each in self.marks.questions for each in row.questions)
        questions = say("exercise.progress.of", done=done, all=len(row.questions)) if row.questions else ""
        return f'<tr><th scope="row">{title}</th><td><ul>{items}</ul></td><td>{escape(questions)}</td></tr>'

    def _item(self, exercise: Exercise) -> str:
        done = exercise.id in self.marks.exercises
        mark, word = ("✓", "done") if done else ("·", "open")
        label = escape(say(f"exercise.progress.{word}"), quote=True)
        shown = f'<span class="kg-{word}" role="img" aria-label="{label}">{mark}</span>'
        return f"<li>{shown} {escape(exercise.title)}</li>"
