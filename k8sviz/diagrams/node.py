"""The silent node: what the cluster knows, what it may assume, and why it does not simply replace a Pod.

A node that does not answer may be dead, or only cut off with its Pods at work. `silence` tells the whole story on one
time axis as plain data; `silent_node` draws one moment of it. Times are seconds since the History began.

Rules: pkg/controller/nodelifecycle (grace period, taints), pkg/controller/tainteviction (toleration clock).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

from k8sviz.diagrams.builder import Builder
from k8sviz.diagrams.lives import Span, Tick
from k8sviz.diagrams.model import Diagram, Level
from k8sviz.diagrams.rollout import now_of, stage_of
from k8sviz.errors import K8svizError
from k8sviz.history import Event, History, Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.availability import epoch, is_terminating
from k8sviz.rules.binding import volume_fits_node
from k8sviz.rules.fields import integer, listed, text
from k8sviz.words import say

__all__ = ["Lane", "Moment", "Silence", "silence", "silence_text", "silent_node", "silent_node_story", "toleration"]

_TAINTS: Final = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
_OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"


class Lane(NamedTuple):
    """One row of the story: what it is about, and its spans in order."""

    label: str
    kind: str
    spans: tuple[Span, ...]


class Moment(NamedTuple):
    """Something that happened at `t`, in words."""

    t: float
    text: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The story of a node that fell silent, from 0 to `end` seconds."""

    node: str
    title: str
    end: float
    lanes: tuple[Lane, ...]
    moments: tuple[Moment, ...]
    ticks: tuple[Tick, ...] = ()


def toleration(pod: Object, key: str = _TAINTS[0]) -> float | None:
    """How long a Pod may stay on a node with that NoExecute taint, in seconds; 0 for not at all, None for ever.

    Of several tolerations that match, the shortest counts (GetMinTolerationTime). The API server gives each Pod one of
    300 seconds for the two taints of a node that does not answer.

    >>> both = [{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}]
    >>> toleration({"spec": {"tolerations": both}}), toleration({"spec": {"tolerations": []}})
    (None, 0.0)
    """
    found = [t for t in listed(pod, "spec", "tolerations") if _tolerates(t, key)]
    if not found:
        return 0.0
    limits = [float(max(0, s)) for t in found if (s := integer(t, "tolerationSeconds")) is not None]
    return min(limits) if limits else None


def _tolerates(one: Any, key: str) -> bool:
    same = text(one, "key") in ("", key)
    equal = text(one, "operator") == "Exists" or (text(one, "key") == key and not text(one, "value"))
    return same and equal and text(one, "effect") in ("", "NoExecute")


def _ready(node: Object) -> str:
    return next((text(c, "status") for c in listed(node, "status", "conditions") if text(c, "type") == "Ready"), "")


def _taints(node: Object) -> list[tuple[str, str]]:
    return [(text(t, "key"), text(t, "effect")) for t in listed(node, "spec", "taints")]


def _chased(node: Object) -> str:
    """The NoExecute taint that a silent node has, or ''."""
    known = (*_TAINTS, _OUT_OF_SERVICE)
    return next((key for key, effect in _taints(node) if effect == "NoExecute" and key in known), "")


# -- the whole story -----------------------------------------------------------------------------------


def silence(history: History, node: str | None = None) -> Silence:
    """The story of a node that fell silent (None: the first one that ceased to be Ready).

    Raises K8svizError when there is no such node, or every node stayed Ready.
    """
    return _Teller(history, node or _first_silent(history)).tell()


def _first_silent(history: History) -> str:
    found: list[tuple[float, str]] = []
    for ref in history.refs("Node"):
        events = history.versions("Node", ref.name)
        was = [e.t for e in events if _ready(e.object) == "True"]
        found += [(e.t, ref.name) for e in events if was and e.t > was[0] and _ready(e.object) in ("False", "Unknown")]
    if not found:
        raise K8svizError("every Node stayed Ready here; there is no silence to tell of")
    return min(found)[1]


class _Teller:
    def __init__(self, history: History, node: str) -> None:
        self.history = history
        self.node = node
        self.events = history.versions("Node", node)
        if not self.events:
            raise K8svizError(f"no Node {node} here")
        self.base = epoch(history.about.started_at)
        self.moments: list[Moment] = []

    def tell(self) -> Silence:
        quiet = self._quiet()
        lanes = [self._heartbeat(quiet), self._ready_lane(), self._taint_lane()]
        for name, namespace in self._pods():
            lanes += self._pod_lanes(name, namespace, quiet)
        lanes += self._volume_lanes()
        history = self.history
        return Silence(
            self.node,
            history.about.title or say("node.silence.title", node=self.node),
            history.end,
            tuple(lane for lane in lanes if lane.spans),
            tuple(sorted(self.moments)),
            tuple(Tick(s.t, i, s.id) for i, s in enumerate(history.steps, 1)),
        )

    # -- the node --------------------------------------------------------------------------------------

    def _quiet(self) -> list[tuple[float, float]]:
        """From the last heartbeat that arrived until the node answered again."""
        spells: list[tuple[float, float]] = []
        since: float | None = None
        for event in self.events:
            ready = _ready(event.object)
            if ready == "Unknown" and since is None:
                since = self._last_heartbeat(event)
                self.moments.append(Moment(since, say("node.moment.last", node=self.node)))
            elif ready == "True" and since is not None:
                spells.append((since, event.t))
                self.moments.append(Moment(event.t, say("node.moment.back", node=self.node)))
                since = None
        return spells + ([(since, self.history.end)] if since is not None else [])

    def _last_heartbeat(self, event: Event) -> float:
        for c in listed(event.object, "status", "conditions"):
            stamp = epoch(text(c, "lastHeartbeatTime")) if text(c, "type") == "Ready" else None
            if stamp is not None and self.base is not None:
                return min(event.t, max(0.0, stamp - self.base))
        return event.t

    def _heartbeat(self, quiet: Sequence[tuple[float, float]]) -> Lane:
        spans, at = [], 0.0
        for start, end in quiet:
            spans += [
                Span(at, start, say("node.lane.answers"), "ok"),
                Span(start, end, say("node.lane.silent"), "unknown"),
            ]
            at = end
        spans.append(Span(at, self.history.end, say("node.lane.answers"), "ok"))
        return Lane(say("node.lane.heartbeat"), "Node", _kept(spans))

    def _ready_lane(self) -> Lane:
        levels: dict[str, Level] = {"True": "ok", "False": "bad", "Unknown": "bad"}
        marks = [(e.t, _ready(e.object)) for e in self.events]
        for (_, before), (t, now) in pairwise(marks):
            if before != now and now != "True":
                self.moments.append(Moment(t, say("node.moment.unready", node=self.node, status=now)))
        spans = _spans(
            [(t, say("node.lane.ready-is", status=s), levels.get(s, "")) for t, s in marks], self.history.end
        )
        return Lane(say("node.lane.ready"), "Node", spans)

    def _taint_lane(self) -> Lane:
        marks = []
        for event in self.events:
            effects = [effect for key, effect in _taints(event.object) if key in (*_TAINTS, _OUT_OF_SERVICE)]
            word = " + ".join(sorted(effects, key=len))
            marks.append((event.t, word, "ending" if "NoExecute" in effects else "wait" if effects else ""))
        before = ""
        for t, word, _ in marks:
            if "NoExecute" in word and "NoExecute" not in before:
                self.moments.append(Moment(t, say("node.moment.taint", node=self.node)))
            before = word
        spans = [s for s in _spans(marks, self.history.end) if s.phase]
        return Lane(say("node.lane.taint"), "Node", tuple(spans))

    # -- Pods ------------------------------------------------------------------------------------------

    def _pods(self) -> list[tuple[str, str]]:
        """The names of Pods that were on the node while it was silent; who replaces them may bear the same name."""
        found = []
        for ref in self.history.refs("Pod"):
            events = self.history.versions("Pod", ref.name, ref.namespace)
            if any(text(e.object, "spec", "nodeName") == self.node for e in events):
                found.append((ref.name, ref.namespace))
        return found

    def _pod_lanes(self, name: str, namespace: str, quiet: Sequence[tuple[float, float]]) -> Iterator[Lane]:
        events = self.history.versions("Pod", name, namespace)
        yield Lane(name, "Pod", self._stages(events))
        yield Lane(say("node.lane.clock"), "Clock", tuple(self._clock(name, events)))
        yield Lane(say("node.lane.process"), "Process", tuple(self._process(name, events, quiet)))

    def _stages(self, events: Sequence[Event]) -> tuple[Span, ...]:
        marks: list[tuple[float, str, Level]] = []
        for event in events:
            if event.type == "DELETED":
                marks.append((event.t, "", ""))
                continue
            now = None if self.base is None else self.base + event.t
            _, word, level = stage_of(event.object, 0, now)
            where = text(event.object, "spec", "nodeName")
            if not where and self._unschedulable(event.object):
                word, level = say("node.lane.nowhere"), "bad"
            marks.append((event.t, word, level))
        return tuple(s for s in _spans(marks, self.history.end) if s.phase)

    def _unschedulable(self, pod: Object) -> bool:
        return any(
            text(c, "type") == "PodScheduled" and text(c, "reason") == "Unschedulable"
            for c in listed(pod, "status", "conditions")
        )

    def _clock(self, name: str, events: Sequence[Event]) -> Iterator[Span]:
        """From the NoExecute taint until the Pod's toleration is over, or the taint or the Pod is gone."""
        tainted: float | None = None
        for event in self.events:
            if _chased(event.object) and tainted is None:
                tainted = event.t
                yield from self._clocked(name, events, tainted)
            elif not _chased(event.object):
                tainted = None

    def _clocked(self, name: str, events: Sequence[Event], tainted: float) -> Iterator[Span]:
        before = [e for e in events if e.t <= tainted]
        if not before or before[-1].type == "DELETED" or text(before[-1].object, "spec", "nodeName") != self.node:
            return
        limit = toleration(before[-1].object)
        if limit is None:
            yield Span(tainted, self.history.end, say("node.lane.for-ever"), "off")
            return
        stops = [e.t for e in events if e.t > tainted and (e.type == "DELETED" or is_terminating(e.object))]
        healed = [e.t for e in self.events if e.t > tainted and not _chased(e.object)]
        end = min([tainted + limit, self.history.end, *stops, *healed])
        yield Span(tainted, end, say("node.lane.tolerates", seconds=f"{limit:g}"), "wait")
        if stops and stops[0] <= tainted + limit + 5:
            self.moments.append(Moment(stops[0], say("node.moment.marked", pod=name, seconds=f"{limit:g}")))

    def _process(self, name: str, events: Sequence[Event], quiet: Sequence[tuple[float, float]]) -> Iterator[Span]:
        """Whether the Pod's process may be at work though nobody sees it; once it is forgotten, a second one may be."""
        for start, end in quiet:
            before = [e for e in events if e.t <= start]
            if not before or before[-1].type == "DELETED" or text(before[-1].object, "spec", "nodeName") != self.node:
                continue
            gone = next((e.t for e in events if e.type == "DELETED" and start < e.t < end), None)
            yield Span(start, gone if gone is not None else end, say("node.lane.may-run"), "unknown")
            if gone is not None:
                yield Span(gone, end, say("node.lane.forgotten"), "bad")
                self.moments.append(Moment(gone, say("node.moment.forced", pod=name)))
            self._replacement(name, events, start)

    def _replacement(self, name: str, events: Sequence[Event], start: float) -> None:
        old = next(text(e.object, "metadata", "uid") for e in reversed(events) if e.t <= start)
        new = [e for e in events if e.t > start and text(e.object, "metadata", "uid") != old]
        if not new:
            return
        self.moments.append(Moment(new[0].t, say("node.moment.replaced", pod=name)))
        uid = text(new[0].object, "metadata", "uid")
        stuck = next((e for e in new if self._unschedulable(e.object)), None)
        if stuck is not None:
            message = next(
                (
                    text(c, "message")
                    for c in listed(stuck.object, "status", "conditions")
                    if text(c, "type") == "PodScheduled"
                ),
                "",
            )
            self.moments.append(Moment(stuck.t, say("node.moment.stuck", pod=name, message=message.partition(". ")[0])))
        placed = next((e for e in new if text(e.object, "spec", "nodeName")), None)
        if placed is not None and uid and placed.t >= start:
            where = text(placed.object, "spec", "nodeName")
            self.moments.append(Moment(placed.t, say("node.moment.placed", pod=name, node=where)))

    # -- volumes ---------------------------------------------------------------------------------------

    def _volume_lanes(self) -> Iterator[Lane]:
        """Volumes that only this node can reach, and whether it can be reached itself."""
        nodes = [self.history.versions("Node", r.name)[-1].object for r in self.history.refs("Node")]
        for ref in self.history.refs("PersistentVolume"):
            events = self.history.versions("PersistentVolume", ref.name)
            volume = events[-1].object
            if [key_of(n).name for n in nodes if volume_fits_node(volume, n)] != [self.node]:
                continue
            end = events[-1].t if events[-1].type == "DELETED" else self.history.end
            claim = text(volume, "spec", "claimRef", "name")
            label = say("node.lane.volume", claim=claim) if claim else ref.name
            yield Lane(label, "PersistentVolume", (Span(events[0].t, end, say("node.lane.only", node=self.node)),))


def _kept(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(s for s in spans if s.end > s.start)


def _spans(marks: Sequence[tuple[float, str, Any]], end: float) -> tuple[Span, ...]:
    found: list[Span] = []
    for (t, word, level), until in zip(marks, [*(m[0] for m in marks[1:]), end], strict=True):
        if found and (found[-1].phase, found[-1].level) == (word, level) and found[-1].end == t:
            found[-1] = Span(found[-1].start, until, word, level)
        elif until > t:
            found.append(Span(t, until, word, level))
    return tuple(found)


def silence_text(told: Silence) -> str:
    """The same as the chart, in words."""
    lines = [say("node.text.title", title=told.title, node=told.node, end=f"{told.end:.1f}")]
    for lane in told.lanes:
        spans = " → ".join(f"{s.start:.1f} {s.phase}" for s in lane.spans)
        lines.append(say("node.text.lane", label=lane.label, spans=spans, end=f"{lane.spans[-1].end:.1f}"))
    lines += [f"  {m.t:.1f} s  {m.text}" for m in told.moments]
    return "\n".join(lines)


# -- one moment ----------------------------------------------------------------------------------------


def silent_node(snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None) -> Diagram:
    """One moment of the story: nodes with their conditions and taints, their Pods, claims, and volumes that stay.

    `focus` keeps what hangs together with one object. Raises K8svizError when it is not there.
    """
    story = _Moment(snapshot, namespace)
    if focus is not None:
        snapshot.require(focus)
    for machine in snapshot.objects("Node"):
        story.machine(machine)
    for statefulset in snapshot.objects("StatefulSet", namespace=namespace):
        story.b.object(ref_of(statefulset))
    for pod in snapshot.objects("Pod", namespace=namespace):
        story.pod(pod)
    title = say("node.story.title-one", node=focus.name) if focus else say("node.story.title")
    diagram = story.b.diagram("node", title)
    return diagram.around(story.b.id_of(focus)) if focus else diagram


def silent_node_story(history: History, node: str | None = None) -> Callable[[Snapshot], Diagram]:
    """The story for a player of this History: all nodes, unless one is named."""
    if node is not None and not history.versions("Node", node):
        raise K8svizError(f"no Node {node} here")
    return partial(silent_node, focus=Ref("Node", node) if node else None)


class _Moment:
    def __init__(self, snapshot: Snapshot, namespace: str | None) -> None:
        self.snapshot = snapshot
        self.b = Builder(snapshot, namespace)
        self.base = epoch(snapshot.about.started_at)
        self.now = now_of(snapshot)

    def machine(self, node: Object) -> None:
        """Reads the Ready condition, its last heartbeat, and the taints of a node that does not answer."""
        ready = _ready(node)
        facts = []
        if ready != "True":
            stamps = [
                epoch(text(c, "lastHeartbeatTime"))
                for c in listed(node, "status", "conditions")
                if text(c, "type") == "Ready"
            ]
            if stamps and stamps[0] is not None and self.base is not None:
                facts.append(say("node.story.last", t=f"{stamps[0] - self.base:.0f}"))
        facts += [say("node.story.taint", key=key.rpartition("/")[2], effect=effect) for key, effect in _taints(node)]
        good = ready == "True"
        self.b.object(
            ref_of(node),
            facts,
            state=say("node.story.ready" if good else "node.story.silent", status=ready),
            level="ok" if good else "unknown",
        )

    def pod(self, pod: Object) -> None:
        """Reads the Pod's node and stage, its toleration clock, the scheduler's message, and its claims."""
        where = text(pod, "spec", "nodeName")
        machine = self.snapshot.get("Node", where) if where else None
        _, word, level = stage_of(pod, 0, self.now)
        facts: list[str] = []
        if machine is not None and _ready(machine) != "True":
            if is_terminating(pod):
                facts += [say("node.story.nobody"), say("node.story.at-most-one")]
            else:
                facts += self._clock(pod, machine)
        for c in listed(pod, "status", "conditions"):
            if text(c, "type") == "PodScheduled" and text(c, "reason") == "Unschedulable":
                word, level = say("node.lane.nowhere"), "bad"
                facts += [part.strip() for part in text(c, "message").partition(". ")[0].partition(": ")[2].split(", ")]
        node = self.b.object(ref_of(pod), facts, state=word, level=level)
        owner = self.snapshot.owner(pod)
        if owner is not None and owner.get("kind") == "StatefulSet":
            self.b.edge(self.b.object(ref_of(owner)), node, "owns")
        if where:
            lost = machine is None or _ready(machine) != "True"
            self.b.link(node, Ref("Node", where), "on-node", say("stateful.story.on-node"), "unknown" if lost else "")
        self._claims(node, pod)

    def _clock(self, pod: Object, machine: Object) -> list[str]:
        limit = toleration(pod)
        if not _chased(machine):
            return []
        if limit is None:
            return [say("node.lane.for-ever")]
        added = next(
            (
                epoch(text(t, "timeAdded"))
                for t in listed(machine, "spec", "taints")
                if text(t, "effect") == "NoExecute"
            ),
            None,
        )
        facts = [say("node.lane.tolerates", seconds=f"{limit:g}")]
        if added is not None and self.base is not None and not math.isinf(added):
            facts.append(say("node.story.until", t=f"{added - self.base + limit:.0f}"))
        return facts

    def _claims(self, node: str, pod: Object) -> None:
        for volume in listed(pod, "spec", "volumes"):
            name = text(volume, "persistentVolumeClaim", "claimName")
            claim = self.snapshot.get("PersistentVolumeClaim", name, key_of(pod).namespace) if name else None
            found = self.snapshot.get("PersistentVolume", text(claim, "spec", "volumeName")) if claim else None
            if claim is None or found is None:
                continue
            card = self.b.node(
                "PersistentVolume",
                text(claim, "spec", "volumeName")[:12] + "…",
                self.b.id_of(ref_of(found)),
                [say("node.lane.volume", claim=name)],
                ref=ref_of(found),
            )
            self.b.edge(node, card, "claim")
            fits = [m for m in self.snapshot.objects("Node") if volume_fits_node(found, m)]
            if len(fits) == 1:
                self.b.link(card, ref_of(fits[0]), "reaches", say("node.story.only"))
