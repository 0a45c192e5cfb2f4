"""A rollout in numbers over time: how many Pods of which version were in which state, against what was promised.

Everything here is plain data from a History, recorded, live or predicted alike; a chart draws it, and `rollout_text`
says the same in words. Times are seconds since the History began.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, NamedTuple

from k8sviz.diagrams.kit.model import Level
from k8sviz.diagrams.timelines.lives import Tick
from k8sviz.diagrams.timelines.rollout_rows import Count, Revision, rollout_rows
from k8sviz.errors import K8svizError, nearest
from k8sviz.history import Event, History, Object
from k8sviz.kinds import Ref
from k8sviz.rules.availability import Stage, available_from, epoch, pod_stage
from k8sviz.rules.deployment import is_paused, min_ready_seconds
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import RolloutBounds, rollout_bounds
from k8sviz.rules.statefulset import REVISION_LABEL, max_unavailable, partition_of, replicas_of
from k8sviz.rules.templates import version_of
from k8sviz.words import say

__all__ = [
    "COUNTED",
    "Count",
    "Mark",
    "PodLife",
    "Revision",
    "RolloutSeries",
    "Spell",
    "Stage",
    "Version",
    "Wish",
    "by_revision",
    "revision_line",
    "rollout_records",
    "rollout_series",
    "rollout_text",
    "rollouts_of",
]

COUNTED: Final[tuple[Stage, ...]] = ("available", "ready", "starting", "pending", "failing")
"""The stages of Pods that are not being deleted: they make up the total."""
_KINDS: Final = ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
_CONDITION_LEVELS: Final[dict[str, Level]] = {"True": "ok", "False": "bad", "Unknown": "off"}
_ON_ITS_WAY: Final = ("NewReplicaSetCreated", "ReplicaSetUpdated", "FoundNewReplicaSet")


class Spell(NamedTuple):
    """A Pod was in one stage from `start` to `end`."""

    start: float
    end: float
    stage: Stage


@dataclass(frozen=True, slots=True)
class PodLife:
    """One Pod from its creation; `gone` is None where it outlived the History. `version` is a place in `versions`."""

    name: str
    uid: str
    version: int
    spells: tuple[Spell, ...]
    scheduled: float | None = None
    ready: float | None = None
    gone: float | None = None
    node: str = ""

    @property
    def created(self) -> float:
        """When it was made."""
        return self.spells[0].start

    @property
    def end(self) -> float:
        """When it was gone, or the History ended."""
        return self.spells[-1].end

    def first(self, stage: Stage) -> float | None:
        """When it first was in a stage."""
        return next((s.start for s in self.spells if s.stage == stage), None)


@dataclass(frozen=True, slots=True)
class Version:
    """Pods made from one template: a ReplicaSet's, a ReplicationController's, or a StatefulSet's revision."""

    key: str
    name: str
    tag: str
    revisions: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """What people call it: its revisions and the image's tag."""
        if not self.revisions:
            return f"{self.name} · {self.tag}"
        numbers = ", ".join(map(str, self.revisions))
        return say(
            "rollout.series.version" if len(self.revisions) == 1 else "rollout.series.versions",
            numbers=numbers,
            tag=self.tag,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for from `t` on: Pods, at most, and at least available."""

    t: float
    replicas: int
    max_total: int
    min_available: int
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something worth a mark at `t`: a condition's change (`subject` is its type, `reason` why), or being paused."""

    t: float
    subject: str
    text: str
    level: Level = ""
    reason: str = ""


@dataclass(frozen=True)
class RolloutSeries:
    """The numbers of one workload from 0 to `end` seconds."""

    ref: Ref
    title: str
    end: float
    versions: tuple[Version, ...]
    pods: tuple[PodLife, ...]
    wishes: tuple[Wish, ...]
    counts: tuple[Count, ...]
    revisions: tuple[Revision, ...] = ()
    marks: tuple[Mark, ...] = ()
    ticks: tuple[Tick, ...] = ()
    notes: tuple[str, ...] = ()
    seam: float | None = None  # seconds from which on a fork predicts; None where all is of one kind

    @cached_property
    def _times(self) -> list[float]:
        return [c.t for c in self.counts]

    def at(self, t: float) -> Count:
        """The counts at a time; nothing before the first Pod."""
        i = bisect_right(self._times, t) - 1
        return self.counts[i] if i >= 0 else Count(t, (), 0, 0)

    def part(self, start: float, end: float) -> RolloutSeries:
        """The same numbers between two times, with `start` as the new zero: to set rollouts side by side."""
        end = min(end, self.end)
        pods = tuple(_shifted(p, start, end) for p in self.pods if p.created < end and p.end > start)
        before = [w for w in self.wishes if w.t <= start][-1:]
        wishes = [*before, *(w for w in self.wishes if start < w.t < end)]
        return replace(
            self,
            end=end - start,
            pods=pods,
            wishes=tuple(replace(w, t=max(0.0, w.t - start)) for w in wishes),
            counts=_counts(pods),
            revisions=tuple(
                replace(
                    r,
                    start=r.start - start,
                    end=min(r.end, end) - start,
                    complete=None if r.complete is None else r.complete - start,
                )
                for r in self.revisions
                if start <= r.start < end
            ),
            marks=tuple(replace(m, t=m.t - start) for m in self.marks if start <= m.t < end),
            ticks=tuple(t._replace(t=t.t - start) for t in self.ticks if start <= t.t < end),
            seam=None if self.seam is None or self.seam >= end else max(self.seam - start, 0.0),
        )


def by_revision(series: RolloutSeries, *, tail: float = 1.5) -> list[RolloutSeries]:
    """Each rollout by itself, from its change until `tail` seconds after all its Pods were available.

    The first revision is left out: nothing was there before it. Each is named by its settings.
    """
    parts = []
    for revision in series.revisions:
        if revision.min_available is None or revision.kind != "rollout":
            continue
        following = [r.start for r in series.revisions if r.start > revision.start]
        end = min([series.end, *following[:1]])
        if revision.complete is not None:
            end = min(end, revision.complete + tail)
        part = series.part(revision.start, end)
        title = say("rollout.series.part", number=revision.number, settings=revision.settings)
        parts.append(replace(part, title=title))
    return parts


def _shifted(pod: PodLife, start: float, end: float) -> PodLife:
    spells = tuple(
        Spell(max(s.start, start) - start, min(s.end, end) - start, s.stage)
        for s in pod.spells
        if s.end > start and s.start < end
    )
    gone = pod.gone - start if pod.gone is not None and pod.gone <= end else None
    return replace(pod, spells=spells, gone=gone)


# -- from History to numbers -------------------------------------------------------------------------


def rollouts_of(history: History, namespace: str | None = None) -> list[Ref]:
    """The workloads whose rollouts can be told, Deployments first; ReplicaSets of Deployments are not named."""
    found = []
    for kind in _KINDS:
        for ref in history.refs(kind):
            events = history.versions(ref.kind, ref.name, ref.namespace)
            owned = any(listed(e.object, "metadata", "ownerReferences") for e in events)
            if (namespace is None or ref.namespace == namespace) and not owned:
                found.append(ref)
    return found


def rollout_series(history: History, ref: Ref | None = None) -> RolloutSeries:
    """The numbers of a Deployment, ReplicationController, ReplicaSet or StatefulSet over a History.

    Without `ref`: of the only Deployment (or else the only other workload); all ReplicationControllers together, since
    the old rolling update was made of two. Raises K8svizError when there is none, several to choose from, or not this
    one.
    """
    return _Collector(history, _chosen(history, ref)).series()


def rollout_records(history: History, ref: Ref | None = None) -> list[dict[str, Any]]:
    """One record a row, in order: `revision`, `maxTotal`, `totalBound`, `minAvailable`, `availableBound`, and `kind`.

    `kind` is `rollout`, or `scale` for what was scaled outside of a rollout.

    Raises K8svizError as `rollout_series` does.
    """
    return [r.record() for r in rollout_series(history, ref).revisions]


def _chosen(history: History, ref: Ref | None) -> list[Ref]:
    known = rollouts_of(history)
    if ref is not None:
        same = [r for r in known if r.kind == ref.kind and r.name == ref.name and ref.namespace in ("", r.namespace)]
        if same:
            return same[:1]
        events = history.versions(ref.kind, ref.name, ref.namespace or None) if ref.kind in _KINDS else []
        if events:
            return [Ref(ref.kind, ref.name, text(events[0].object, "metadata", "namespace"))]
        raise K8svizError(f"no {ref} to chart here; {nearest(str(ref), map(str, known))}")
    for kind in _KINDS:
        found = [r for r in known if r.kind == kind]
        if len(found) == 1 or (found and kind == "ReplicationController"):
            return found
        if found:
            raise K8svizError(f"several workloads here; choose one of {', '.join(map(str, found))}")
    raise K8svizError("no Deployment, ReplicationController, ReplicaSet or StatefulSet here to chart")


class _Collector:
    """Reads a History once for one workload (or several ReplicationControllers)."""

    def __init__(self, history: History, refs: Sequence[Ref]) -> None:
        self.history = history
        self.refs = refs
        self.end = history.end
        self.base = epoch(history.about.started_at)
        self.owners = [e for r in refs for e in history.versions(r.kind, r.name, r.namespace)]
        self.owners.sort(key=lambda e: e.t)
        self.min_ready: dict[str, list[tuple[float, int]]] = {}  # by the uid of what the Pods are available for
        self.versions: dict[str, Version] = {}

    def series(self) -> RolloutSeries:
        ref = self.refs[0]
        self._note_waits("", self.owners)
        sets = self._replica_sets() if ref.kind == "Deployment" else {}
        pods = self._pods(set(sets) or {text(e.object, "metadata", "uid") for e in self.owners})
        wishes = self._wishes()
        counts = _counts(pods)
        numbers = list(self.versions)
        revisions = rollout_rows(self.owners, sets, counts, numbers, self.end) if ref.kind == "Deployment" else ()
        return RolloutSeries(
            ref=ref,
            title=self.history.about.title or say("rollout.series.title", what=ref),
            end=self.end,
            versions=tuple(self._named(v, revisions, i) for i, v in enumerate(self.versions.values())),
            pods=pods,
            wishes=wishes,
            counts=counts,
            revisions=revisions,
            marks=tuple(_marks(self.owners)),
            ticks=tuple(Tick(s.t, i, s.id) for i, s in enumerate(self.history.steps, 1)),
            notes=tuple(self.history.notes),
            seam=self.history.predicted_from or None,
        )

    @staticmethod
    def _named(version: Version, revisions: Sequence[Revision], index: int) -> Version:
        numbers = (r.number for r in revisions if r.version == index and r.kind == "rollout")
        return replace(version, revisions=tuple(numbers))

    def _replica_sets(self) -> dict[str, list[Event]]:
        """The events of the Deployment's ReplicaSets by uid, the oldest set first."""
        mine = {text(e.object, "metadata", "uid") for e in self.owners}
        names = {r.name for r in self.refs}
        found: dict[str, list[Event]] = {}
        for ref in self.history.refs("ReplicaSet"):
            for event in self.history.versions(ref.kind, ref.name, ref.namespace):
                if _owned(event.object, mine, names, "Deployment"):
                    found.setdefault(text(event.object, "metadata", "uid") or ref.name, []).append(event)
        ordered = dict(sorted(found.items(), key=lambda row: (row[1][0].t, row[0])))
        for uid, events in ordered.items():
            last = events[-1].object
            self.versions[uid] = Version(
                uid, text(last, "metadata", "name"), version_of(mapping(last, "spec", "template"))
            )
            self._note_waits(uid, events)
        return ordered

    def _note_waits(self, owner: str, events: Iterable[Event]) -> None:
        """How long Pods of an owner must be Ready to be available: a Deployment's, by their own ReplicaSet."""
        self.min_ready[owner] = _changes((e.t, min_ready_seconds(e.object)) for e in events)

    def _pods(self, owners: set[str]) -> tuple[PodLife, ...]:
        names = {r.name for r in self.refs}
        stateful = self.refs[0].kind == "StatefulSet"
        found = []
        for ref in self.history.refs("Pod"):
            for stay in _stays(self.history.versions(ref.kind, ref.name, ref.namespace)):
                owner = next((u for u in _owner_uids(stay[0].object) if u in owners), "")
                if not owner and not (_owned(stay[0].object, owners, names, self.refs[0].kind)):
                    continue
                key = text(stay[0].object, "metadata", "labels", REVISION_LABEL) if stateful else owner
                found.append((stay[0].t, ref.name, key, stay, self.min_ready.get(owner) or self.min_ready[""]))
        found.sort(key=lambda row: row[:2])
        lives = []
        for _, name, key, stay, waits in found:
            if key not in self.versions:
                owner_name = next((text(o, "name") for o in listed(stay[0].object, "metadata", "ownerReferences")), "")
                self.versions[key] = Version(key, key if stateful else owner_name, version_of(stay[0].object))
            lives.append(self._life(name, list(self.versions).index(key), stay, waits))
        return tuple(lives)

    def _life(self, name: str, version: int, stay: Sequence[Event], waits: Sequence[tuple[float, int]]) -> PodLife:
        """One Pod's stages; being available may begin between two events, since time makes it so."""
        gone = stay[-1].t if stay[-1].type == "DELETED" else None
        alive = [e for e in stay if e.type != "DELETED"]
        end = self.end if gone is None else gone
        changes = [t for t, _ in waits if alive[0].t < t < end]
        points = sorted({*(e.t for e in alive), *changes, end})
        spells: list[Spell] = []
        ready_since: float | None = None
        for t, until in pairwise(points):
            pod = _latest(alive, t)
            ready_since = (t if ready_since is None else ready_since) if is_ready(pod) else None
            for spell in self._spells(pod, t, until, ready_since, _value_at(waits, t)):
                _extend(spells, spell)
        if not spells:
            spells = [Spell(end, end, "pending")]
        last = alive[-1].object
        return PodLife(
            name=name,
            uid=text(last, "metadata", "uid"),
            version=version,
            spells=tuple(spells),
            scheduled=next((e.t for e in alive if text(e.object, "spec", "nodeName")), None),
            ready=next((e.t for e in alive if is_ready(e.object)), None),
            gone=gone,
            node=text(last, "spec", "nodeName"),
        )

    def _spells(self, pod: Object, t: float, until: float, ready_since: float | None, wait: int) -> Iterator[Spell]:
        stage = pod_stage(pod, wait, self.base + t if self.base is not None else -1.0)
        if stage not in ("ready", "available") or wait <= 0:
            yield Spell(t, until, stage)
            return
        since = available_from(pod, wait)
        if since is not None and self.base is not None:
            begins = max(t, since - self.base)
        else:  # nobody knows the wall clock: the events' own times must do
            begins = (ready_since if ready_since is not None else t) + wait
        if begins > t:
            yield Spell(t, min(begins, until), "ready")
        if begins < until:
            yield Spell(max(begins, t), until, "available")

    def _wishes(self) -> tuple[Wish, ...]:
        """What was asked for; of several ReplicationControllers, together."""
        current: dict[str, Object] = {}
        found: list[Wish] = []
        for event in self.owners:
            name = text(event.object, "metadata", "name")
            if event.type == "DELETED":
                current.pop(name, None)
            else:
                current[name] = event.object
            wish = _wish(event.t, list(current.values()))
            if not found or replace(wish, t=found[-1].t) != found[-1]:
                found.append(wish)
        return tuple(found)


def _owner_uids(obj: Object) -> list[str]:
    return [text(o, "uid") for o in listed(obj, "metadata", "ownerReferences") if text(o, "uid")]


def _owned(obj: Object, uids: set[str], names: set[str], kind: str) -> bool:
    """By uid; a manifest has no uids, there names must do."""
    for owner in listed(obj, "metadata", "ownerReferences"):
        if text(owner, "uid") in uids and text(owner, "uid"):
            return True
        if not text(owner, "uid") and text(owner, "kind") == kind and text(owner, "name") in names:
            return True
    return False


def _stays(events: Iterable[Event]) -> Iterator[list[Event]]:
    """The events of each object of one name: a StatefulSet's Pods come again."""
    stay: list[Event] = []
    for event in events:
        if event.type == "DELETED":
            if stay:
                yield [*stay, event]
            stay = []
            continue
        if stay and _uid(stay[-1]) != _uid(event):
            yield [*stay, Event(event.t, "DELETED", stay[-1].object)]
            stay = []
        stay.append(event)
    if stay:
        yield stay


def _uid(event: Event) -> str:
    return text(event.object, "metadata", "uid")


def _latest(events: Sequence[Event], t: float) -> Object:
    return events[max(0, bisect_right(events, t, key=lambda e: e.t) - 1)].object


def _changes(values: Iterable[tuple[float, int]]) -> list[tuple[float, int]]:
    found: list[tuple[float, int]] = []
    for t, value in values:
        if not found or found[-1][1] != value:
            found.append((t, value))
    return found


def _value_at(changes: Sequence[tuple[float, int]], t: float) -> int:
    i = bisect_right(changes, t, key=lambda row: row[0]) - 1
    return changes[max(i, 0)][1] if changes else 0


def _extend(spells: list[Spell], spell: Spell) -> None:
    if spells and spells[-1].stage == spell.stage:
        spells[-1] = spells[-1]._replace(end=spell.end)
    elif spell.end > spell.start:
        spells.append(spell)


def _counts(pods: Sequence[PodLife]) -> tuple[Count, ...]:
    """The numbers of Pods from each time at which one of them changed."""
    steps: list[tuple[float, int, Stage, int]] = []
    for pod in pods:
        for spell in pod.spells:
            steps.append((spell.start, pod.version, spell.stage, 1))
            if spell.end < pod.end or pod.gone is not None:
                steps.append((spell.end, pod.version, spell.stage, -1))
    now: dict[tuple[int, Stage], int] = {}
    found: list[Count] = []
    for t, version, stage, change in sorted(steps, key=lambda s: s[0]):
        now[version, stage] = now.get((version, stage), 0) + change
        by = tuple((v, s, n) for (v, s), n in sorted(now.items()) if n)
        total = sum(n for _, s, n in by if s in COUNTED)
        available = sum(n for _, s, n in by if s == "available")
        if found and found[-1].t == t:
            found.pop()
        found.append(Count(t, by, total, available))
    return tuple(found)


def _wish(t: float, workloads: Sequence[Object]) -> Wish:
    bounds = [_bounds(w) for w in workloads]
    return Wish(
        t,
        sum(b.replicas for b in bounds),
        sum(b.max_total for b in bounds),
        sum(b.min_available for b in bounds),
        any(is_paused(w) for w in workloads),
    )


def _bounds(workload: Object) -> RolloutBounds:
    kind = text(workload, "kind")
    if kind == "Deployment":
        return rollout_bounds(workload)
    count = replicas_of(workload)
    if kind == "StatefulSet":
        status = mapping(workload, "status")
        updating = text(status, "currentRevision") != text(status, "updateRevision")
        down = min(max_unavailable(workload), max(0, count - partition_of(workload))) if updating else 0
        return RolloutBounds(count, 0, down, count, count - down)
    return RolloutBounds(count, 0, 0, count, count)


def _marks(owners: Sequence[Event]) -> Iterator[Mark]:
    """Condition changes of the workload, by type, status and reason."""
    before: dict[str, tuple[str, str]] = {}
    paused = False
    for event in owners:
        if is_paused(event.object) != paused and event.type != "DELETED":
            paused = not paused
            word = say("rollout.series.paused" if paused else "rollout.series.resumed")
            yield Mark(event.t, "Paused", word, "off" if paused else "", word)
        for c in listed(event.object, "status", "conditions"):
            now = (text(c, "status"), text(c, "reason"))
            if before.get(text(c, "type")) != now:
                before[text(c, "type")] = now
                words = say("rollout.series.condition", type=text(c, "type"), status=now[0], reason=now[1])
                level: Level = "wait" if now[1] in _ON_ITS_WAY else _CONDITION_LEVELS.get(now[0], "")
                yield Mark(event.t, text(c, "type"), words, level, now[1])


# -- words -------------------------------------------------------------------------------------------


def rollout_text(series: RolloutSeries, *, pods: bool = True) -> str:
    """The same as the chart, in words: one line a revision, then the marks, then one line a Pod."""
    lines = [say("rollout.text.title", title=series.title, what=series.ref, end=_s(series.end))]
    lines += [revision_line(r, series) for r in series.revisions]
    if not series.revisions:
        lines.append(_totals(series))
    if series.seam is not None:
        lines.append(say("rollout.text.seam", start=_s(series.seam)))
    if series.marks:
        lines.append(say("rollout.text.marks"))
        lines += [f"  {_s(m.t)} s  {m.text}" for m in series.marks]
    if pods and series.pods:
        lines.append(say("rollout.text.pods", count=len(series.pods)))
        lines += [f"  {_pod_line(p, series)}" for p in series.pods]
    if series.ticks:
        lines.append(say("rollout.text.steps"))
        lines += [f"  {_s(t.t)} s  {t.number} {t.id}" for t in series.ticks]
    return "\n".join([*lines, *series.notes])


def revision_line(revision: Revision, series: RolloutSeries) -> str:
    """One revision in one line: what was reached, what was promised, and how long it took."""
    tag = series.versions[revision.version].tag if revision.version is not None else "–"
    words: dict[str, Any] = {
        "number": revision.number,
        "tag": tag,
        "start": _s(revision.start),
        "total": revision.max_total,
        "most": revision.total_bound,
        "available": revision.min_available,
        "least": revision.available_bound,
    }
    code = "scale" if revision.kind == "scale" else "first" if revision.min_available is None else "revision"
    line = say(f"rollout.text.{code}", **words)
    if revision.complete is None:
        return line + say("rollout.text.incomplete")
    return line + say("rollout.text.complete", seconds=_s(revision.complete - revision.start))


def _totals(series: RolloutSeries) -> str:
    most = max((c.total for c in series.counts), default=0)
    wished = max((w.replicas for w in series.wishes), default=0)
    return say("rollout.text.totals", total=most, replicas=wished)


def _pod_line(pod: PodLife, series: RolloutSeries) -> str:
    stages = " → ".join(f"{_s(s.start)} {say(f'rollout.stage.{s.stage}')}" for s in pod.spells)
    end = say("rollout.text.gone", t=_s(pod.gone)) if pod.gone is not None else say("rollout.text.stays")
    return f"{pod.name} ({series.versions[pod.version].tag}): {stages} → {end}"


def _s(t: float) -> str:
    return f"{t:.1f}"
