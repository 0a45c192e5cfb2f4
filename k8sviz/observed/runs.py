"""When a container's present run began: what the kubelet gave it is what the objects said then."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8sviz.history import History, Object
from k8sviz.kinds import Ref
from k8sviz.rules.fields import JSON, integer, listed, mapping, text
from k8sviz.rules.times import epoch

__all__ = ["Run", "clock", "pod_versions", "run_of"]

_LISTS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a container: it began at `t` seconds at the latest; `number` counts its starts from 0.

    `pod` is the Pod as the first event that shows the run has it, `set_up` when the Pod's first container had begun
    (the volumes' files were there by then).
    """

    t: float
    number: int
    set_up: float
    pod: Object = field(repr=False)


def run_of(history: History, ref: Ref, container: str, t: float) -> Run | None:
    """The run of a container that its Pod shows at `t` seconds; None while it has not started.

    `status.containerStatuses[].state` gives whole seconds: the run began before the next, and not after the event.

    >>> pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {}}
    >>> state = {"name": "main", "restartCount": 1, "state": {"running": {"startedAt": "2026-11-23T10:05:34Z"}}}
    >>> history = History.of([pod])
    >>> history.append(7.0, "MODIFIED", {**pod, "status": {"containerStatuses": [state]}})
    >>> run_of(history, Ref("Pod", "p"), "main", 9.0).t, run_of(history, Ref("Pod", "p"), "main", 5.0)
    (7.0, None)
    """
    versions = pod_versions(history, ref, t)
    marks = [(when, pod, _mark(pod, container)) for when, pod in versions]
    if not marks or marks[-1][2] is None:
        return None
    first = next(i for i in range(len(marks)) if all(mark == marks[-1][2] for _, _, mark in marks[i:]))
    number, started = marks[-1][2]
    before = marks[first - 1][0] if first else 0.0
    zero = clock(history)
    begun = [when for when, pod in versions if any(_mark(pod, name) for name in _names(pod))]
    set_up = _clamped(_earliest(versions), zero, 0.0, begun[0]) if begun else marks[first][0]
    return Run(_clamped(started, zero, before, marks[first][0]), number, set_up, marks[first][1])


def pod_versions(history: History, ref: Ref, t: float) -> list[tuple[float, Object]]:
    """The Pod's versions up to `t`, only of the Pod that is there then: one of the same name before it is another."""
    events = [e for e in history.versions(ref.kind, ref.name, ref.namespace or None) if e.t <= t]
    if not events or events[-1].type == "DELETED":
        return []
    uid = text(events[-1].object, "metadata", "uid")
    found: list[tuple[float, Object]] = []
    for event in reversed(events):
        if event.type == "DELETED" or text(event.object, "metadata", "uid") != uid:
            break
        found.append((event.t, event.object))
    return found[::-1]


def clock(history: History) -> float | None:
    """The History's beginning in seconds since 1970; None when it does not say."""
    return epoch(history.about.started_at)


def _clamped(started: str, zero: float | None, after: float, until: float) -> float:
    """The end of the second that a status names, but not outside what the events say."""
    seconds = epoch(started)
    if seconds is None or zero is None:
        return until
    return min(max(seconds + 1 - zero, after), until)


def _mark(pod: JSON, container: str) -> tuple[int, str] | None:
    """What tells one run of a container from the next; None before its first."""
    for part in _LISTS:
        for status in listed(pod, "status", part):
            if text(status, "name") == container:
                state = mapping(status, "state")
                for key in ("running", "terminated"):
                    started = text(state, key, "startedAt")
                    if key in state:
                        return integer(status, "restartCount") or 0, started
    return None


def _names(pod: JSON) -> list[str]:
    return [text(status, "name") for part in _LISTS for status in listed(pod, "status", part)]


def _earliest(versions: list[tuple[float, Object]]) -> str:
    """The first time of a start that any status names."""
    for _, pod in versions:
        stamps = [mark[1] for name in _names(pod) if (mark := _mark(pod, name)) is not None and mark[1]]
        if stamps:
            return min(stamps)
    return ""
