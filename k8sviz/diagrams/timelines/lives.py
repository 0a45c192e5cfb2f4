"""Lives on a time axis: when each object was there, and in which phase.

Why a volume outlives its claim, or a claim its Pod, is a question about order in time; a picture of one moment
cannot answer it. Everything here is plain data; a chart draws it, and `lives_text` says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from k8sviz.diagrams.kit.model import Level
from k8sviz.history import Event, History, Object
from k8sviz.kinds import Ref, kind_named
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.pods import containers as containers_of
from k8sviz.words import say

__all__ = ["Life", "Link", "Lives", "Restart", "Row", "Span", "Tick", "lives", "lives_text", "phase_of"]

_LEVELS: dict[str, Level] = {
    "Pending": "wait",
    "Available": "",
    "Bound": "ok",
    "Released": "off",
    "Failed": "bad",
    "Lost": "bad",
    "Running": "ok",
    "Succeeded": "off",
    "Unknown": "unknown",
    "Terminating": "ending",
    "Active": "ok",
    "Ready": "ok",
    "NotReady": "bad",
}
# the kubelet is at work; every other reason to wait is one to look at
_STARTING = ("", "ContainerCreating", "PodInitializing")


@dataclass(frozen=True, slots=True)
class Span:
    """One phase, from `start` to `end` (seconds). `detail` is a container's reason or exit code."""

    start: float
    end: float
    phase: str
    level: Level = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """One object from its creation to its deletion, tiled by its spans; `gone` is False where it outlived the end."""

    spans: tuple[Span, ...]
    gone: bool

    @property
    def start(self) -> float:
        """When it began, in seconds."""
        return self.spans[0].start

    @property
    def end(self) -> float:
        """When it was deleted, or the History ended, in seconds."""
        return self.spans[-1].end


@dataclass(frozen=True, slots=True)
class Restart:
    """A container began again at `t` seconds, for the `count`-th time, after it had ended with `exit_code`."""

    t: float
    count: int
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """All lives of one name. A container's row has its Pod's `ref`, its own name, and the list that it is from."""

    ref: Ref
    lives: tuple[Life, ...]
    container: str = ""
    part: str = ""
    restarts: tuple[Restart, ...] = ()

    @property
    def label(self) -> str:
        """What people call the row, below its kind."""
        if not self.container:
            return self.ref.name
        words = {"initContainers": "init-container", "sidecar": "sidecar"}.get(self.part, "container")
        return say(f"charts.lives.{words}", name=self.container)


class Link(NamedTuple):
    """At `t` seconds a claim (source) is bound to a volume, or a Pod (source) starts to use a claim."""

    t: float
    relation: Literal["binds", "uses"]
    source: Ref
    target: Ref


class Tick(NamedTuple):
    """A step's command began at `t` seconds."""

    t: float
    number: int
    id: str


@dataclass(frozen=True, slots=True)
class Lives:
    """The lives of a History from 0 to `end` seconds, in rows that stand in the order of `kinds`."""

    title: str
    end: float
    kinds: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    ticks: tuple[Tick, ...] = ()
    links: tuple[Link, ...] = ()
    notes: tuple[str, ...] = ()


def lives(
    history: History,
    kinds: Sequence[str] = ("PersistentVolume", "PersistentVolumeClaim", "Pod"),
    *,
    containers: bool = True,
    namespace: str | None = None,
) -> Lives:
    """The life of every object of these kinds that ever was; Pods with their containers unless told otherwise.

    `kinds` are any of kubectl's names. Cluster-scoped objects stay when a namespace is chosen. Raises
    K8svizError for an unknown kind.
    """
    wanted = tuple(dict.fromkeys(kind_named(kind).name for kind in kinds))
    rows = tuple(row for kind in wanted for row in _rows(history, kind, containers, namespace))
    about = history.about
    return Lives(
        title=about.title or say("charts.lives.title", name=about.name or about.namespace),
        end=history.end,
        kinds=wanted,
        rows=rows,
        ticks=tuple(Tick(step.t, i, step.id) for i, step in enumerate(history.steps, 1)),
        links=tuple(_links(history, rows)),
        notes=tuple(history.notes),
    )


def phase_of(obj: Object) -> str:
    """The word for an object's state: Terminating once it is being deleted, else its phase; a Node's is its readiness.

    >>> phase_of({"kind": "PersistentVolume", "status": {"phase": "Released"}})
    'Released'
    >>> phase_of({"metadata": {"deletionTimestamp": "2026-11-23T09:14:28Z"}, "status": {"phase": "Bound"}})
    'Terminating'
    """
    if mapping(obj, "metadata").get("deletionTimestamp") is not None:
        return "Terminating"
    if text(obj, "kind") == "Node":
        ready = [text(c, "status") for c in listed(obj, "status", "conditions") if text(c, "type") == "Ready"]
        return "Ready" if ready == ["True"] else "NotReady"
    return text(obj, "status", "phase") or say("charts.lives.no-phase")


# -- rows ----------------------------------------------------------------------------------------


class _Version(NamedTuple):
    t: float
    object: Object


class _Stay(NamedTuple):
    """The versions of one object between its creation and its deletion."""

    versions: list[_Version]
    end: float
    gone: bool


def _rows(history: History, kind: str, with_containers: bool, namespace: str | None) -> Iterator[Row]:
    found = []
    for ref in history.refs(kind):
        if namespace is None or ref.namespace in ("", namespace):
            stays = _stays(history.versions(ref.kind, ref.name, ref.namespace), history.end)
            if stays:
                found.append((stays[0].versions[0].t, ref, stays))
    for _, ref, stays in sorted(found, key=lambda row: row[:2]):
        yield Row(ref, tuple(_life(stay) for stay in stays))
        if with_containers and kind == "Pod":
            yield from _container_rows(ref, stays)


def _stays(events: Iterable[Event], end: float) -> list[_Stay]:
    stays: list[_Stay] = []
    versions: list[_Version] = []
    for event in events:
        if event.type == "DELETED":
            if versions:
                stays.append(_Stay(versions, event.t, True))
            versions = []
            continue
        # a watch that was away may have missed the deletion between two objects of the same name
        if versions and _uid(versions[-1].object) != _uid(event.object):
            stays.append(_Stay(versions, event.t, True))
            versions = []
        versions.append(_Version(event.t, event.object))
    if versions:
        stays.append(_Stay(versions, max(end, versions[-1].t), False))
    return stays


def _uid(obj: Object) -> str:
    return text(obj, "metadata", "uid")


def _life(stay: _Stay) -> Life:
    marks = [(v.t, (phase, _LEVELS.get(phase, ""), "")) for v in stay.versions for phase in (phase_of(v.object),)]
    return Life(_spans(marks, stay.end), stay.gone)


def _spans(marks: Sequence[tuple[float, tuple[str, Level, str]]], end: float) -> tuple[Span, ...]:
    """Spans that tile the time from the first mark to `end`: of marks at one time the last one counts."""
    spans: list[Span] = []
    for (t, state), until in zip(marks, [*(t for t, _ in marks[1:]), end], strict=True):
        if spans and (spans[-1].phase, spans[-1].level, spans[-1].detail) == state:
            spans[-1] = Span(spans[-1].start, until, *state)
        elif until > t:
            spans.append(Span(t, until, *state))
    return tuple(spans) or (Span(end, end, *marks[-1][1]),)


# -- containers ----------------------------------------------------------------------------------


def _container_rows(ref: Ref, stays: Sequence[_Stay]) -> Iterator[Row]:
    """A row for each container of any of the Pod's lives, in the order of its spec."""
    names: dict[str, str] = {}
    for stay in stays:
        for part, container in containers_of(stay.versions[-1].object):
            sidecar = part == "initContainers" and text(container, "restartPolicy") == "Always"
            names.setdefault(text(container, "name"), "sidecar" if sidecar else part)
    for name, part in names.items():
        seen = [(stay, _statuses(stay, name)) for stay in stays]
        told = tuple(_container_life(stay, statuses) for stay, statuses in seen if statuses)
        restarts = tuple(r for _, statuses in seen for r in _restarts(statuses))
        yield Row(ref, told, name, part, restarts)


def _statuses(stay: _Stay, name: str) -> list[tuple[_Version, Any]]:
    """What the kubelet said about a container, with the Pod's version that carried it."""
    return [
        (version, status)
        for version in stay.versions
        for part in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        for status in listed(version.object, "status", part)
        if text(status, "name") == name
    ]


def _container_life(stay: _Stay, statuses: Sequence[tuple[_Version, Any]]) -> Life:
    marks = [(version.t, _container_state(version.object, status)) for version, status in statuses]
    return Life(_spans(marks, stay.end), stay.gone)


def _container_state(pod: Object, status: Any) -> tuple[str, Level, str]:
    state = mapping(status, "state")
    if "running" in state:
        return "Running", "ok", ""
    if "terminated" in state:
        return _terminated(pod, mapping(state, "terminated"))
    reason = text(state, "waiting", "reason")
    return "Waiting", "wait" if reason in _STARTING else "bad", reason


def _terminated(pod: Object, ended: Any) -> tuple[str, Level, str]:
    code, reason = integer(ended, "exitCode") or 0, text(ended, "reason")
    plain = reason in ("", "Error", "Completed")
    detail = say("charts.lives.exit" if plain else "charts.lives.exit-reason", code=code, reason=reason)
    if code == 0:
        return "Terminated", "off", detail
    # told to stop, a program rarely ends with 0
    return "Terminated", "ending" if phase_of(pod) == "Terminating" else "bad", detail


def _restarts(statuses: Sequence[tuple[_Version, Any]]) -> Iterator[Restart]:
    before = None
    for version, status in statuses:
        count = integer(status, "restartCount") or 0
        if before is not None and count > before:
            yield Restart(version.t, count, integer(status, "lastState", "terminated", "exitCode"))
        before = count


# -- moments -------------------------------------------------------------------------------------


def _links(history: History, rows: Sequence[Row]) -> Iterator[Link]:
    there = {row.ref for row in rows}
    found = []
    for ref in {row.ref for row in rows if row.ref.kind in ("PersistentVolumeClaim", "Pod")}:
        for stay in _stays(history.versions(ref.kind, ref.name, ref.namespace), history.end):
            found += _bindings(ref, stay) if ref.kind == "PersistentVolumeClaim" else _uses(ref, stay)
    yield from sorted(link for link in found if link.target in there)


def _bindings(claim: Ref, stay: _Stay) -> list[Link]:
    bound = [v for v in stay.versions if text(v.object, "status", "phase") == "Bound"]
    volume = text(bound[0].object, "spec", "volumeName") if bound else ""
    return [Link(bound[0].t, "binds", claim, Ref("PersistentVolume", volume))] if volume else []


def _uses(pod: Ref, stay: _Stay) -> list[Link]:
    started = [v for v in stay.versions if text(v.object, "status", "phase") == "Running"]
    names = [_claim_name(pod.name, volume) for volume in listed(stay.versions[0].object, "spec", "volumes")]
    claims = [Ref("PersistentVolumeClaim", name, pod.namespace) for name in dict.fromkeys(names) if name]
    return [Link(started[0].t, "uses", pod, claim) for claim in claims] if started else []


def _claim_name(pod: str, volume: Any) -> str:
    """The claim behind a Pod's volume; a generic ephemeral volume's claim is named after both."""
    if "ephemeral" in volume:
        return f"{pod}-{text(volume, 'name')}"
    return text(volume, "persistentVolumeClaim", "claimName")


# -- words ---------------------------------------------------------------------------------------


def lives_text(told: Lives) -> str:
    """The same as the chart, in words."""
    lines = [say("charts.text.title", title=told.title, end=_s(told.end))]
    if not told.rows:
        lines.append(say("charts.lives.empty", kinds=", ".join(told.kinds)))
    spaces = len({row.ref.namespace for row in told.rows if row.ref.namespace}) > 1
    for row in told.rows:
        lines += _row_lines(row, spaces)
    lines += _section("charts.text.moments", [_link_line(link) for link in told.links])
    ticks = [say("charts.text.step", t=_s(tick.t), number=tick.number, id=tick.id) for tick in told.ticks]
    lines += _section("charts.text.steps", ticks)
    return "\n".join([*lines, *told.notes])


def _s(t: float) -> str:
    return f"{t:.1f}"


def _section(code: str, lines: list[str]) -> list[str]:
    return [say(code), *(f"  {line}" for line in lines)] if lines else []


def _row_lines(row: Row, spaces: bool) -> list[str]:
    name = f"{row.ref.namespace}/{row.ref.name}" if spaces and row.ref.namespace else row.ref.name
    head = row.label if row.container else say("charts.text.object", kind=row.ref.kind, name=name)
    lines = [head]
    for number, life in enumerate(row.lives, 1):
        phases = " → ".join(_phase_words(span) for span in life.spans)
        until = say("charts.text.gone" if life.gone else "charts.text.stays", t=_s(life.end))
        code = "charts.text.again" if len(row.lives) > 1 else "charts.text.life"
        lines.append("  " + say(code, number=number, phases=phases, until=until))
    if row.restarts:
        lines.append("  " + say("charts.text.restarts", marks=", ".join(map(_restart_words, row.restarts))))
    return [f"  {line}" for line in lines] if row.container else lines


def _phase_words(span: Span) -> str:
    code = "charts.text.phase-detail" if span.detail else "charts.text.phase"
    return say(code, start=_s(span.start), phase=span.phase, detail=span.detail)


def _restart_words(restart: Restart) -> str:
    code = "charts.text.restart" if restart.exit_code is None else "charts.text.restart-exit"
    return say(code, t=_s(restart.t), count=restart.count, code=restart.exit_code)


def _link_line(link: Link) -> str:
    if link.relation == "binds":
        return say("charts.text.binds", t=_s(link.t), claim=link.source, volume=link.target)
    return say("charts.text.uses", t=_s(link.t), pod=link.source, claim=link.target)
