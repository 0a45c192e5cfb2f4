"""The rows of a Deployment's history: each rollout and each scaling, with what was promised and what was reached.

A rollout is what the controller gives a revision: it begins when there is a new template and no pause, and what people
change while the Deployment is paused is one revision. A scaling is a row of its own unless it comes in the middle of a
rollout, whose bounds then follow. A row ends when all that was asked for is there, or when the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from k8sviz.history import Event, Object
from k8sviz.rules.availability import Stage
from k8sviz.rules.deployment import is_paused, min_ready_seconds, revision_of, same_template, uses_recreate
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.rollout import DEFAULT_FENCEPOST, rollout_bounds
from k8sviz.rules.statefulset import replicas_of
from k8sviz.rules.templates import FieldChange, template_diff
from k8sviz.words import say

__all__ = ["Count", "Revision", "RowKind", "rollout_rows"]

RowKind = Literal["rollout", "scale"]


@dataclass(frozen=True, slots=True)
class Count:
    """How many Pods there were from `t` on: by (version, stage), in all (not being deleted), and available."""

    t: float
    by: tuple[tuple[int, Stage, int], ...]
    total: int
    available: int

    def of(self, version: int, stage: Stage) -> int:
        """The Pods of one version in one stage."""
        return next((n for v, s, n in self.by if v == version and s == stage), 0)


@dataclass(frozen=True, slots=True)
class Revision:
    """One row: a rollout of a revision, or a scaling of it; what was reached, against what was promised.

    `complete` is when all Pods were of this revision and available; None if that never came. `end` is then, or when
    the next row began. `min_available` is None for the first rollout: nothing was there before it.
    """

    number: int
    start: float
    end: float
    version: int | None
    changes: tuple[FieldChange, ...]
    max_total: int
    total_bound: int
    min_available: int | None
    available_bound: int | None
    complete: float | None = None
    settings: str = ""
    kind: RowKind = "rollout"

    def record(self) -> dict[str, Any]:
        """The row for programs: a bound and what was reached, for Pods in all and for available ones."""
        return {
            "revision": self.number,
            "maxTotal": self.max_total,
            "totalBound": self.total_bound,
            "minAvailable": self.min_available,
            "availableBound": self.available_bound,
            "kind": self.kind,
        }


class _Start(NamedTuple):
    """When a row begins: the Deployment's uid and object then, and its revision's number."""

    t: float
    kind: RowKind
    uid: str
    deployment: Object
    number: int


def rollout_rows(
    owners: Sequence[Event],
    sets: Mapping[str, Sequence[Event]],
    counts: Sequence[Count],
    versions: Sequence[str],
    end: float,
) -> tuple[Revision, ...]:
    """The rows of a Deployment, in order.

    `owners` are its events, `sets` its ReplicaSets' events by uid, `counts` its Pods, `versions` the uids of the
    ReplicaSets as the counts number them; `end` is when the History ends.
    """
    rollouts = [start for events in _lives(owners) for start in _rollouts(events)]
    found: list[Revision] = []
    for i, start in enumerate(rollouts):
        until = rollouts[i + 1].t if i + 1 < len(rollouts) else end
        until = min([until, *(e.t for e in owners if e.type == "DELETED" and e.t > start.t)])
        events = [e for e in owners if e.type != "DELETED" and start.t < e.t < until]
        first = i == 0 or rollouts[i - 1].uid != start.uid
        version = _version(start.deployment, sets, versions)
        old = {} if first else mapping(rollouts[i - 1].deployment, "spec", "template")
        row = _row(start, until, events, counts, version, last=until >= end)
        template = mapping(start.deployment, "spec", "template")
        changes = () if first else tuple(template_diff(old, template))
        if first:
            found.append(replace(row, min_available=None, available_bound=None))
        else:
            found.append(replace(row, changes=changes))
        found += _scalings(start, found[-1], until, events, counts, version, last=until >= end)
    return tuple(found)


def _lives(owners: Sequence[Event]) -> Iterator[list[Event]]:
    """The events of each Deployment of the name, one life after the other."""
    life: list[Event] = []
    for event in owners:
        if life and (event.type == "DELETED" or _uid(event.object) != _uid(life[-1].object)):
            yield life
            life = []
        if event.type != "DELETED":
            life.append(event)
    if life:
        yield life


def _uid(obj: Object) -> str:
    return text(obj, "metadata", "uid")


def _rollouts(life: Sequence[Event]) -> Iterator[_Start]:
    """Where each revision begins: when the controller could act on a new template, and then gave it a number.

    Without a controller's notes (manifests) each change of the template counts.
    """
    uid = _uid(life[0].object)
    noted = any(revision_of(event.object) is not None for event in life)
    number = revision_of(life[0].object) or 1
    shown = life[0].object  # as it was when the present row began
    yield _Start(life[0].t, "rollout", uid, shown, number)
    since: float | None = None  # a new template is there, and no pause
    for event in life[1:]:
        if _same(shown, event.object):
            since = None
        elif since is None and not is_paused(event.object):
            since = event.t
        new = revision_of(event.object)
        begins = (new is not None and new > number) if noted else since is not None
        if begins:
            number = new if new is not None else number + 1
            start = event.t if since is None else since
            shown, since = event.object, None
            yield _Start(start, "rollout", uid, shown, number)


def _same(one: Object, other: Object) -> bool:
    return same_template(mapping(one, "spec", "template"), mapping(other, "spec", "template"))


def _version(deployment: Object, sets: Mapping[str, Sequence[Event]], versions: Sequence[str]) -> int | None:
    """The place of the newest ReplicaSet of the Deployment's template."""
    template = mapping(deployment, "spec", "template")
    made = [
        uid
        for uid, events in sets.items()
        if same_template(mapping(events[-1].object, "spec", "template"), template)
        and (
            not _uid(deployment)
            or any(
                text(owner, "uid") in ("", _uid(deployment))
                for owner in listed(events[-1].object, "metadata", "ownerReferences")
            )
        )
    ]
    return versions.index(made[-1]) if made and made[-1] in versions else None


def _scalings(
    start: _Start,
    rollout: Revision,
    until: float,
    events: Sequence[Event],
    counts: Sequence[Count],
    version: int | None,
    *,
    last: bool,
) -> Iterator[Revision]:
    """What was scaled after the rollout was complete, before the next one."""
    if rollout.complete is None:
        return
    before = [e for e in events if e.t <= rollout.complete]
    asked = replicas_of(before[-1].object if before else start.deployment)
    changes: list[tuple[Event, int]] = []
    for event in events:
        if event.t > rollout.complete and replicas_of(event.object) != asked:
            changes.append((event, asked))
            asked = replicas_of(event.object)
    for i, (event, was) in enumerate(changes):
        end = changes[i + 1][0].t if i + 1 < len(changes) else until
        begin = _Start(event.t, "scale", start.uid, event.object, start.number)
        row = _row(begin, end, [], counts, version, last=last and end == until)
        wanted = replicas_of(event.object)
        yield replace(row, total_bound=max(was, wanted), available_bound=min(was, wanted))


def _row(
    start: _Start, until: float, events: Sequence[Event], counts: Sequence[Count], version: int | None, *, last: bool
) -> Revision:
    """The numbers from a start until all is there, or `until`; `events` are the Deployment's own in that time."""
    inside = _inside(counts, start.t, until, last=last)
    complete = _complete(inside, start, events, version)
    if complete is not None:
        inside = [count for count in inside if count.t <= complete]
        events = [event for event in events if event.t <= complete]
    bounds = [rollout_bounds(obj) for obj in (start.deployment, *(event.object for event in events))]
    return Revision(
        number=start.number,
        start=start.t,
        end=until if complete is None else complete,
        version=version,
        changes=(),
        max_total=max((c.total for c in inside), default=0),
        total_bound=max(b.max_total for b in bounds),
        min_available=min((c.available for c in inside), default=0),
        available_bound=min(b.min_available for b in bounds),
        complete=complete,
        settings=_settings(start.deployment),
        kind=start.kind,
    )


def _inside(counts: Sequence[Count], start: float, end: float, *, last: bool) -> list[Count]:
    """The counts of a row: the one in force when it began, and those until the next one begins."""
    before = [c for c in counts if c.t <= start][-1:] or [Count(start, (), 0, 0)]
    return before + [c for c in counts if start < c.t and (c.t < end or (last and c.t <= end))]


def _complete(inside: Sequence[Count], start: _Start, events: Sequence[Event], version: int | None) -> float | None:
    """When all Pods that were asked for were there, of the new version, and no others."""
    for count in inside:
        t = max(count.t, start.t)
        obj = next((e.object for e in reversed(events) if e.t <= t), start.deployment)
        wanted = replicas_of(obj)
        mine = count.of(version, "available") if version is not None else 0
        asked = wanted > 0 or start.kind == "scale"
        if mine == wanted == count.total and (count.t >= start.t or start.kind == "scale") and asked:
            return t
    return None


def _settings(deployment: Object) -> str:
    """The settings that decide how a rollout goes, in a few words."""
    if uses_recreate(deployment):
        return say("rollout.series.recreate")
    rolling = mapping(deployment, "spec", "strategy", "rollingUpdate")
    surge, unavailable = (rolling.get(name, DEFAULT_FENCEPOST) for name in ("maxSurge", "maxUnavailable"))
    wait = min_ready_seconds(deployment)
    code = "rollout.series.settings-wait" if wait else "rollout.series.settings"
    return say(code, surge=surge, unavailable=unavailable, seconds=wait)
