"""What an explanation is: the true cause of a state, the rule behind it and the evidence, as plain data.

It stands apart from the explaining, so that a diagram, a player or the command line can show one without knowing how
it was found.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from k8sviz.kinds import Ref
from k8sviz.words import say

__all__ = ["Evidence", "Explanation", "Trouble"]

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that an explanation rests on.

    `source` says where it can be looked up, as in `spec.resources.requests.storage of pvc/too-large` or
    `Event FailedBinding`; `text` is what stands there.
    """

    source: str
    text: str

    def to_json(self) -> dict[str, str]:
        """The fact as plain JSON."""
        return {"source": self.source, "text": self.text}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is as it is.

    `subject` is the object, or None for a step; `subject_text` names either. `code` is kebab-case and stays the same
    in every language. `error` says whether it is an error at all, `waiting` whether it is a normal wait: neither means
    that all is well. `also` holds the causes beneath this one. `source` is the page that states the rule.
    """

    subject: Ref | None
    subject_text: str
    state: str
    code: str
    error: bool
    waiting: bool
    summary: str
    rule: str
    evidence: tuple[Evidence, ...] = ()
    remedy: str = ""
    source: str = ""
    also: tuple[Explanation, ...] = ()

    @property
    def fine(self) -> bool:
        """Whether all is well: no error, and nothing to wait for."""
        return not self.error and not self.waiting

    def to_json(self) -> dict[str, Any]:
        """The explanation as plain JSON, with the causes beneath it."""
        subject = self.subject
        return {
            "subject": None
            if subject is None
            else {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace},
            "subjectText": self.subject_text,
            "state": self.state,
            "code": self.code,
            "error": self.error,
            "waiting": self.waiting,
            "summary": self.summary,
            "rule": self.rule,
            "evidence": [fact.to_json() for fact in self.evidence],
            "remedy": self.remedy,
            "source": self.source,
            "also": [cause.to_json() for cause in self.also],
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        level = "error" if self.error else "waiting" if self.waiting else "fine"
        yield say("why.text.head", subject=self.subject_text, state=self.state, level=say(f"why.level.{level}"))
        yield from _block(say("why.text.why"), self.summary)
        if self.rule:
            yield from _block(say("why.text.rule"), self.rule)
        for i, fact in enumerate(self.evidence):
            label = say("why.text.evidence") if i == 0 else ""
            yield from _block(label, say("why.text.fact", source=fact.source, text=fact.text))
        if self.remedy:
            yield from _block(say("why.text.remedy"), self.remedy)
        if self.source:
            yield from _block(say("why.text.source"), self.source)
        for cause in self.also:
            yield from _block(say("why.text.because"), "")
            yield from ("    " + line for line in cause._lines())


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that fails or waits, and the other objects of which the same is true for the same reason."""

    explanation: Explanation
    alike: tuple[Ref, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The explanation as plain JSON, with the names of those that are alike."""
        return {**self.explanation.to_json(), "alike": [str(ref) for ref in self.alike]}

    def __str__(self) -> str:
        more = _block(say("why.text.alike"), self.others) if self.alike else []
        return "\n".join([str(self.explanation), *more])

    @property
    def others(self) -> str:
        """The names of those that are alike, or ''."""
        return ", ".join(map(str, self.alike))


def _block(label: str, text: str) -> list[str]:
    """One labelled paragraph; its further lines stand under the first."""
    first, rest = f"  {label:<9} ", " " * 12
    lines = text.splitlines() or [""]
    found = []
    for line in lines:
        found += textwrap.wrap(line, _WIDTH - 12, break_long_words=False, break_on_hyphens=False) or [""]
    return [((first if i == 0 else rest) + line).rstrip() for i, line in enumerate(found)]
