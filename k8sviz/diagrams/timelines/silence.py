"""The silent node: what the cluster knows, what it may assume, and why it does not simply replace a Pod.

A node that does not answer may be dead, or only cut off with its Pods at work. `silence` tells the whole story on one
time axis as plain data; the story `node` draws one moment of it. Times are seconds since the History began.

Rules: pkg/controller/nodelifecycle (grace period, taints), pkg/controller/tainteviction (toleration clock).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from k8sviz.diagrams.kit.model import Level
from k8sviz.diagrams.kit.stages import stage_of
from k8sviz.diagrams.timelines.lives import Span, Tick
from k8sviz.errors import K8svizError
from k8sviz.history import Event, History, Object, key_of
from k8sviz.rules.binding import volume_fits_node
from k8sviz.rules.fields import listed, text
from k8sviz.rules.meta import condition, is_terminating
from k8sviz.rules.node_health import leaves_after
from k8sviz.rules.nodes import SILENT_TAINTS, no_execute_taint, ready_status, taints
from k8sviz.rules.times import epoch
from k8sviz.words import say

__all__ = ["Lane", "Moment", "Silence", "silence", "silence_text"]


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
        was = [e.t for e in events if ready_status(e.object) == "True"]
        found += [
            (e.t, ref.name) for e in events if was and e.t > was[0] and ready_status(e.object) in ("False", "Unknown")
        ]
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
        self.leases = history.versions("Lease", node, "kube-node-lease")
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
            ready = ready_status(event.object)
            if ready == "Unknown" and since is None:
                since = self._last_heartbeat(event)
                self.moments.append(Moment(since, say("node.moment.last", node=self.node)))
            elif ready == "True" and since is not None:
                spells.append((since, event.t))
                self.moments.append(Moment(event.t, say("node.moment.back", node=self.node)))
                since = None
        return spells + ([(since, self.history.end)] if since is not None else [])

    def _last_heartbeat(self, event: Event) -> float:
        """When the node was last heard of: by its Lease, else by its Ready condition, which may be minutes older."""
        ready = condition(event.object, "Ready")
        stamps = [text(e.object, "spec", "renewTime") for e in self.leases if e.t >= event.t][:1]
        stamps.append(text(ready, "lastHeartbeatTime"))
        found = next((stamp for stamp in map(epoch, stamps) if stamp is not None), None)
        if found is None or self.base is None:
            return event.t
        return min(event.t, max(0.0, found - self.base))

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
        marks = [(e.t, ready_status(e.object)) for e in self.events]
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
            effects = [effect for key, effect in taints(event.object) if key in SILENT_TAINTS]
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
            if no_execute_taint(event.object) and tainted is None:
                tainted = event.t
                yield from self._clocked(name, events, event)
            elif not no_execute_taint(event.object):
                tainted = None

    def _clocked(self, name: str, events: Sequence[Event], node: Event) -> Iterator[Span]:
        tainted = node.t
        before = [e for e in events if e.t <= tainted]
        if not before or before[-1].type == "DELETED" or text(before[-1].object, "spec", "nodeName") != self.node:
            return
        limit = leaves_after(before[-1].object, listed(node.object, "spec", "taints"))
        if limit is None:
            yield Span(tainted, self.history.end, say("node.lane.for-ever"), "off")
            return
        stops = [e.t for e in events if e.t > tainted and (e.type == "DELETED" or is_terminating(e.object))]
        healed = [e.t for e in self.events if e.t > tainted and not no_execute_taint(e.object)]
        end = min([tainted + limit, self.history.end, *stops, *healed])
        yield Span(tainted, end, say("node.lane.tolerates", seconds=f"{limit:g}"), "wait")
        evicted = next((e.t for e in events if e.t > tainted and _is_evicted(e.object)), None)
        if evicted is not None:
            self.moments.append(Moment(evicted, say("node.moment.marked", pod=name, seconds=f"{limit:g}")))

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


def _is_evicted(pod: Object) -> bool:
    """Whether the taint manager, and not somebody else, has marked the Pod for deletion."""
    return is_terminating(pod) and text(condition(pod, "DisruptionTarget"), "reason") == "DeletionByTaintManager"


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
