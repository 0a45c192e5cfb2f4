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
    in every language. `error` says whether it is an error at all, `waiting` whether it is a normal wait, `warning`
    whether it works, but not as it seems: none of them means that all is well. `also` holds the causes beneath this
    one; with `ends` they only add to it, and the cause is here. `source` is the page that states the rule.
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
    warning: bool = False
    ends: bool = False

    @property
    def fine(self) -> bool:
        """Whether all is well: no error, nothing to wait for, and nothing to be warned of."""
        return not self.error and not self.waiting and not self.warning

    @property
    def level(self) -> str:
        """`error`, `waiting`, `warning` or `fine`."""
        return "error" if self.error else "waiting" if self.waiting else "warning" if self.warning else "fine"

    @property
    def chain(self) -> tuple[Explanation, ...]:
        """This explanation, the one that it waits for, and so on to the one that blocks."""
        found = [self]
        while not found[-1].ends:
            beneath = [cause for cause in found[-1].also if not cause.fine]
            following = next((cause for cause in beneath if cause.error), beneath[0] if beneath else None)
            if following is None:
                break
            found.append(following)
        return tuple(found)

    @property
    def root(self) -> Explanation:
        """The last of the chain: what blocks."""
        return self.chain[-1]

    def to_json(self) -> dict[str, Any]:
        """The explanation as plain JSON, with the causes beneath it."""
        subject = self.subject
        return {
            "subject": _named(subject),
            "subjectText": self.subject_text,
            "state": self.state,
            "code": self.code,
            "error": self.error,
            "waiting": self.waiting,
            "warning": self.warning,
            "summary": self.summary,
            "rule": self.rule,
            "evidence": [fact.to_json() for fact in self.evidence],
            "remedy": self.remedy,
            "source": self.source,
            "chain": [{"subject": _named(link.subject), "code": link.code} for link in self.chain],
            "also": [cause.to_json() for cause in self.also],
        }

    def __str__(self) -> str:
        return "\n".join([*self._lines(), *self._chain_lines()])

    @property
    def chain_words(self) -> str:
        """Who waits for whom, in one sentence; empty where this explanation is the cause itself."""
        chain = self.chain
        if len(chain) == 1:
            return ""
        return say("why.text.chain", links=" → ".join(link.subject_text for link in chain), root=chain[-1].subject_text)

    def _chain_lines(self) -> list[str]:
        return _block(say("why.text.chain-label"), self.chain_words) if self.chain_words else []

    def _lines(self) -> Iterator[str]:
        level = say(f"why.level.{self.level}")
        yield say("why.text.head", subject=self.subject_text, state=self.state, level=level)
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
    """Something that fails or waits, and what else the same root holds up.

    `alike` are the objects of which the same is true for the same reason, `held` what is held up in another way.
    """

    explanation: Explanation
    alike: tuple[Ref, ...] = ()
    held: tuple[Explanation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The explanation as plain JSON, with the names of those that are alike and what else is held up."""
        held = [{"subject": _named(one.subject), "code": one.code, "summary": one.summary} for one in self.held]
        return {**self.explanation.to_json(), "alike": [str(ref) for ref in self.alike], "held": held}

    def __str__(self) -> str:
        more = _block(say("why.text.alike"), self.others) if self.alike else []
        held = _block(say("why.text.held"), "\n".join(one.summary for one in self.held)) if self.held else []
        return "\n".join([str(self.explanation), *more, *held])

    @property
    def others(self) -> str:
        """The names of those that are alike, or ''."""
        return ", ".join(map(str, self.alike))


def _named(subject: Ref | None) -> dict[str, str] | None:
    return None if subject is None else {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}


def _block(label: str, text: str) -> list[str]:
    """One labelled paragraph; its further lines stand under the first."""
    first, rest = f"  {label:<9} ", " " * 12
    lines = text.splitlines() or [""]
    found = []
    for line in lines:
        found += textwrap.wrap(line, _WIDTH - 12, break_long_words=False, break_on_hyphens=False) or [""]
    return [((first if i == 0 else rest) + line).rstrip() for i, line in enumerate(found)]
