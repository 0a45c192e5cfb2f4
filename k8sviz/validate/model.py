"""What is wrong with a manifest, as data: a path into the object, a code and its facts; the words are apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from k8sviz.sources.folders import LeftOut, notes_of
from k8sviz.words import say

__all__ = ["FieldPath", "Finding", "Problem", "Report", "field_text", "shown_value"]

FieldPath: TypeAlias = "tuple[str | int, ...]"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_$-]+")
_LONGEST: Final = 60
_MOST_KINDS: Final = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field. `error`: the API server refuses it; else it takes it, but it is likely a mistake.

    `at_key` says that the field's name is what is wrong, not its value. The words are `check.problem.<code>`.
    """

    path: FieldPath
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)
    error: bool = True
    at_key: bool = False
    shown: FieldPath | None = None

    @property
    def field(self) -> str:
        """The path as Kubernetes writes it; where a part of it must not be shown, as `shown` has it."""
        return field_text(self.path if self.shown is None else self.shown)

    @property
    def words(self) -> str:
        """What is wrong, and what to write."""
        return say(f"check.problem.{self.code}", **self.facts)

    def __str__(self) -> str:
        return f"{self.field}: {self.words}" if self.path else self.words


@dataclass(frozen=True, slots=True)
class Finding:
    """A Problem with its place: the text's name, the line and column (from 1), and the object, as KIND/NAME."""

    problem: Problem
    source: str
    line: int
    column: int = 0
    subject: str = ""

    def __str__(self) -> str:
        code = "error" if self.problem.error else "warning"
        return say(f"check.finding.{code}", source=self.source, line=self.line, text=self.problem)

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON."""
        it = self.problem
        place = {"file": self.source, "line": self.line, "column": self.column, "object": self.subject}
        return {**place, "field": it.field, "code": it.code, "error": it.error, "message": str(it)}


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about some manifests, in the order of their lines; `objects` is how many were looked at.

    `others` counts objects whose kind is none of Kubernetes' own, of which nothing more is known; `left_out` are the
    files that were not read as manifests.
    """

    findings: tuple[Finding, ...] = ()
    objects: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the API server would take all of them."""
        return not any(found.problem.error for found in self.findings)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not looked into, and why."""
        most = sorted(self.others.items(), key=lambda pair: (-pair[1], pair[0]))
        kinds = ", ".join(f"{kind} × {count}" for kind, count in most[:_MOST_KINDS]) + " …" * (len(most) > _MOST_KINDS)
        own = (say("check.finding.others", kinds=kinds),) if kinds else ()
        return (*own, *notes_of(self.left_out))

    def __str__(self) -> str:
        lines = [str(found) for found in self.findings] or [say("check.finding.none", count=self.objects)]
        if self.left_out:
            lines.append(say("check.finding.left-out", count=len(self.left_out)))
        return "\n".join([*lines, *(say("check.finding.note", note=note) for note in self.notes)])

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON."""
        found = {"ok": self.ok, "objects": self.objects, "findings": [found.to_json() for found in self.findings]}
        left_out = [{"file": each.source, "reason": each.code} for each in self.left_out]
        return {**found, "others": dict(self.others), "leftOut": left_out, "notes": list(self.notes)}


def field_text(path: FieldPath) -> str:
    """A path as Kubernetes' own messages write it.

    >>> field_text(("spec", "containers", 0, "name")), field_text(("data", "not a key"))
    ('spec.containers[0].name', 'data[not a key]')
    """
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            written += f".{part}" if written else part
        else:
            written += f"[{part[:_LONGEST]}]"
    return written


def shown_value(value: object) -> str:
    """A value as people wrote it, short, for a message.

    >>> [shown_value(v) for v in ("660", 5, True, None, {}, [1])]
    ['"660"', '5', 'true', 'null', 'a mapping', 'a list']
    """
    if isinstance(value, Mapping | list):
        return say(f"check.value.{'mapping' if isinstance(value, Mapping) else 'list'}")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    written = str(value)[: _LONGEST + 1]
    written = written if len(written) <= _LONGEST else written[: _LONGEST - 1] + "…"
    return f'"{written}"' if isinstance(value, str) else written
