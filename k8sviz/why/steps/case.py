"""A step that has ended: what it printed, the state then, and the way in which it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from k8sviz.history import History, Object, Result, Snapshot, Step
from k8sviz.why.case import Level, Subject
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["Handler", "StepCase", "beside"]

JSON = Mapping[str, Any]
Match = re.Match[str]


@dataclass(frozen=True)
class StepCase:
    """A step that has ended, the state when it ended, and a way to ask about an object."""

    step: Step
    result: Result
    history: History
    ask: Callable[[Object | None], Explanation | None]
    hide: Callable[[str], str] = field(default=str)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The state when the command ended."""
        return self.history.at(self.result.t)

    @cached_property
    def lines(self) -> list[str]:
        """What was printed to stderr, and the messages of Status objects that were printed to stdout."""
        said = self.result.stderr.splitlines()
        if '"status": "Failure"' in self.result.stdout:
            said += [
                found.replace('\\"', '"') for found in re.findall(r'"message": "((?:[^"\\]|\\.)*)"', self.result.stdout)
            ]
        return said

    @cached_property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def tell(
        self,
        code: str,
        level: Level = "error",
        *,
        evidence: list[Evidence | None] | None = None,
        also: list[Explanation | None] | None = None,
        **facts: Any,
    ) -> Explanation:
        """The explanation of this step."""
        subject = Subject(None, say("why.step-words.subject", id=self.step.id), self.hide)
        proof = [*(evidence or []), self.exit_fact()]
        state = say(f"why.step-state.{self._state(code, level)}")
        return subject.tell(code, state, level, evidence=proof, also=also or [], exit=self.result.exit_code, **facts)

    def _state(self, code: str, level: Level) -> str:
        if level == "error":
            failed = code in _FAILED or not code.startswith("step.")
            return "answered" if not self.result.exit_code else "failed" if failed else "refused"
        return "warned" if code.startswith("step.warn") else "done"

    def exit_fact(self) -> Evidence | None:
        """The exit code as evidence, when it is not 0."""
        code = self.result.exit_code
        return Evidence(say("why.step-words.exit"), str(code)) if code else None

    def said(self, words: str) -> Evidence:
        """The line that holds these words, as evidence."""
        first = words.strip().splitlines()[0] if words.strip() else ""
        line = next((line for line in self.lines if first and first in line), first)
        return Evidence(say("why.step-words.said"), line.strip()[:600])


Handler = Callable[[StepCase, Match], Explanation]
# what the API server did not refuse, and that went wrong all the same
_FAILED = frozenset(
    f"step.{name}"
    for name in (
        "failed",
        "exec-failed",
        "read-only",
        "read-only-mount",
        "deadline",
        "timed-out",
        "untrusted",
        "no-server",
        "yaml",
        "no-file",
        "unknown-command",
        "rolling-update-gone",
        "container-not-running",
    )
)


def beside(first: Explanation, others: Sequence[Explanation]) -> Explanation:
    """The first explanation, with others of the same step beneath it."""
    return replace(first, also=(*first.also, *others)) if others else first
