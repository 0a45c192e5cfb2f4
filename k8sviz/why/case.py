"""What every explainer is given, and the one way in which it answers: a code with its facts, never a sentence.

The sentences sit in `k8sviz/words/en/why.toml`, four to a code: summary, rule, remedy and source.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from k8sviz.history import History, Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.availability import epoch
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = [
    "Case",
    "Level",
    "Matcher",
    "Subject",
    "called",
    "condition",
    "event_count",
    "event_fact",
    "event_message",
    "event_times",
    "fact",
    "fields",
    "first_of",
    "join",
    "note",
    "shown",
]

Level = Literal["fine", "warning", "waiting", "error"]
JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an explanation is about, and what must not be said of it (`hide` takes the values of Secrets out)."""

    ref: Ref | None
    text: str
    hide: Callable[[str], str] = field(default=str)

    def tell(
        self,
        code: str,
        state: str,
        level: Level = "fine",
        *,
        evidence: Iterable[Evidence | None] = (),
        also: Iterable[Explanation | None] = (),
        ends: bool = False,
        **facts: Any,
    ) -> Explanation:
        """The explanation with the words of `code`, a table and a name as in `storage.too-small`.

        `subject` and `state` are facts of every code. `ends`: what stands in `also` only adds to this cause.
        """
        told = {key: self.hide(value) if isinstance(value, str) else value for key, value in facts.items()}
        told |= {"subject": self.text, "state": state}
        return Explanation(
            subject=self.ref,
            subject_text=self.text,
            state=state,
            code=code.rpartition(".")[2],
            error=level == "error",
            waiting=level == "waiting",
            summary=say(f"why.{code}.summary", **told),
            rule=say(f"why.{code}.rule", **told),
            evidence=tuple(Evidence(self.hide(e.source), self.hide(e.text)) for e in evidence if e is not None),
            remedy=say(f"why.{code}.remedy", **told),
            source=say(f"why.{code}.source", **told),
            also=tuple(cause for cause in also if cause is not None),
            warning=level == "warning",
            ends=ends,
        )


@dataclass(frozen=True)
class Case:
    """One object to explain, the state around it, and a way to ask about another object beneath it.

    `history` is None when only a Snapshot is known. `ask` answers None for an object that is being explained already;
    `ask_above` has a controller explained as a whole, from one of its Pods.
    """

    snapshot: Snapshot
    obj: Object
    ask: Callable[[Object | None], Explanation | None]
    history: History | None = None
    hide: Callable[[str], str] = field(default=str)
    ask_above: Callable[[Object | None], Explanation | None] = field(default=lambda _: None)

    @cached_property
    def ref(self) -> Ref:
        """The object's kind, name and namespace."""
        return ref_of(self.obj)

    @property
    def name(self) -> str:
        """The object's name."""
        return self.ref.name

    @property
    def namespace(self) -> str:
        """The object's namespace, empty when it has none."""
        return self.ref.namespace

    @cached_property
    def subject(self) -> Subject:
        """The object as the subject of an explanation."""
        return Subject(self.ref, called(self.ref), self.hide)

    @cached_property
    def deleting(self) -> str:
        """When the object was marked for deletion; empty when it was not."""
        return text(self.obj, "metadata", "deletionTimestamp")

    @cached_property
    def events(self) -> list[Object]:
        """The Events about the object, newest first."""
        return self.snapshot.events(self.obj)

    def events_with(self, *reasons: str) -> list[Object]:
        """The Events about the object that have one of these reasons, newest first."""
        return [event for event in self.events if text(event, "reason") in reasons]

    def tell(
        self,
        code: str,
        state: str,
        level: Level = "fine",
        *,
        evidence: Iterable[Evidence | None] = (),
        also: Iterable[Explanation | None] = (),
        ends: bool = False,
        **facts: Any,
    ) -> Explanation:
        """The explanation of this object; see `Subject.tell`."""
        return self.subject.tell(code, state, level, evidence=evidence, also=also, ends=ends, **facts)

    def fact(self, *path: str) -> Evidence | None:
        """A field of the object as evidence; see `fact`."""
        return fact(self.obj, *path)

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """Another object by name, in this object's namespace unless another is given."""
        return self.snapshot.get(kind, name, self.namespace if namespace is None else namespace)

    def names(self, kind: str) -> list[str]:
        """The names of all objects of a kind that this object could refer to."""
        return [text(found, "metadata", "name") for found in self.snapshot.objects(kind, namespace=self.namespace)]

    def knows(self, kind: str) -> bool:
        """Whether the absence of an object of this kind means that there is none.

        A set of files is thought to hold all of a kind when it holds one (of those in namespaces, one in this one).
        """
        missing = self.snapshot.missing(kind)
        if missing == "elsewhere":
            return bool(self.snapshot.objects(kind, namespace=self.namespace or None))
        return missing == "absent"

    @cached_property
    def now(self) -> float | None:
        """The cluster's time at this moment, in seconds since 1970; None when it is not known.

        Without a clock it is at least as late as the newest stamp in any Event.
        """
        started, t = epoch(self.snapshot.about.started_at), self.snapshot.t
        if started is not None and not math.isinf(t):
            return started + t
        if self.snapshot.missing("Event") != "elsewhere":
            return None
        stamps = (epoch(event_times(event)[1]) for event in self.snapshot.objects("Event"))
        return max((stamp for stamp in stamps if stamp is not None), default=None)

    def age(self, timestamp: str) -> float | None:
        """Seconds from a timestamp of the API server to this moment; None when either is unknown."""
        then = epoch(timestamp)
        return None if then is None or self.now is None else self.now - then


Matcher = Callable[[Case], Explanation | None]


def first_of(case: Case, matchers: Sequence[Matcher]) -> Explanation | None:
    """The answer of the first matcher that has one."""
    for matcher in matchers:
        found = matcher(case)
        if found is not None:
            return found
    return None


def fact(obj: JSON, *path: str) -> Evidence | None:
    """A field of an object as evidence; None when the field is not there.

    >>> fact({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"nodeName": "n1"}}, "spec", "nodeName")
    Evidence(source='spec.nodeName of pod/p', text='n1')
    """
    *parents, last = path
    value = mapping(obj, *parents).get(last)
    if value is None:
        return None
    return Evidence(say("why.text.field", path=_path(path), subject=called(obj)), shown(value))


def fields(obj: JSON, *paths: tuple[str, ...]) -> list[Evidence]:
    """Several fields of one object as evidence, those that are there."""
    return [found for path in paths if (found := fact(obj, *path)) is not None]


def note(obj: JSON, words: str) -> Evidence:
    """Words about an object as evidence."""
    return Evidence(called(obj), words)


def event_fact(event: JSON) -> Evidence:
    """An Event as evidence, with how often it came.

    >>> event_fact({"reason": "FailedMount", "message": "no such directory", "count": 5})
    Evidence(source='Event FailedMount', text='no such directory (5 times)')
    """
    message, count = event_message(event), event_count(event)
    if count > 1:
        message = say("why.text.times", message=message, count=count)
    return Evidence(say("why.text.event", reason=text(event, "reason")), message)


def event_times(event: JSON) -> tuple[str, str]:
    """When an Event came first and last, as its stamps say; empty for one that is not there.

    >>> event_times({"eventTime": "2026-01-01T00:00:00Z", "series": {"lastObservedTime": "2026-01-01T00:05:00Z"}})
    ('2026-01-01T00:00:00Z', '2026-01-01T00:05:00Z')
    """
    made = text(event, "metadata", "creationTimestamp")
    first = text(event, "firstTimestamp") or text(event, "eventTime") or made
    return first, text(event, "series", "lastObservedTime") or text(event, "lastTimestamp") or first


def event_count(event: JSON) -> int:
    """How often an Event came, whichever of the two APIs it is from."""
    found = integer(event, "series", "count") or integer(event, "count") or 1
    return max(1, found)


def event_message(event: JSON) -> str:
    """What an Event says: `message`, or `note` in events.k8s.io."""
    return text(event, "message") or text(event, "note")


def condition(obj: JSON, kind: str) -> JSON:
    """The condition of that type in `status.conditions`; empty when there is none."""
    found = [c for c in listed(obj, "status", "conditions") if text(c, "type") == kind]
    return found[-1] if found else {}


def condition_fact(obj: JSON, kind: str) -> Evidence | None:
    """A condition as evidence: its status, reason and message; None when there is none."""
    found = condition(obj, kind)
    if not found:
        return None
    rest = " ".join(part for part in (text(found, "reason"), text(found, "message")) if part)
    source = say("why.text.field", path=f"status.conditions[{kind}]", subject=called(obj))
    return Evidence(source, f"{text(found, 'status')} {rest}".strip())


def join(names: Iterable[object], most: int = 6) -> str:
    """Names in a row, the rest counted.

    >>> join(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    found = [str(name) for name in names]
    if len(found) <= most:
        return ", ".join(found)
    return say("why.text.more", names=", ".join(found[:most]), count=len(found) - most)


def called(thing: JSON | Ref) -> str:
    """An object's name as people write it to kubectl: `pod/kubia-0`, `pvc/data-kubia-0`.

    >>> called(Ref("Node", "worker")), called({"kind": "PersistentVolume", "metadata": {"name": "demo-pv"}})
    ('node/worker', 'pv/demo-pv')
    """
    ref = thing if isinstance(thing, Ref) else ref_of(dict(thing))
    # the short kinds `po` and `no` read badly within a sentence
    return f"{ref.kind.lower()}/{ref.name}" if ref.kind in ("Pod", "Node") else str(ref)


def shown(value: object) -> str:
    """A field's value as people write it, short.

    >>> shown([{"key": "a", "effect": "NoExecute"}]), shown(["ReadWriteOnce"]), shown("")
    ('key: a, effect: NoExecute', 'ReadWriteOnce', '""')
    """
    if isinstance(value, str):
        return value if value else '""'
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "[]"
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return "; ".join(map(shown, value))
    if isinstance(value, dict) and not any(isinstance(item, list | dict) for item in value.values()):
        return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
    return json.dumps(value, ensure_ascii=False)[:300]


def _path(path: Sequence[str]) -> str:
    plain = re.compile(r"[A-Za-z]\w*\Z")
    written = "".join(f".{part}" if plain.match(part) else f"[{part}]" for part in path)
    return written.removeprefix(".")
