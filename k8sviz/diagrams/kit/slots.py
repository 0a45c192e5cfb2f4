"""Seats for things that come and go: a player stays readable when a seat is used again.

A rollout makes dozens of Pods, and one layout of all that ever were would be mostly empty. A ReplicaSet has a row
while it has Pods, and a Pod a seat in its row; who comes later takes the first free one. Computed once from a History.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from k8sviz.history import Event, History, Object
from k8sviz.kinds import Ref
from k8sviz.rules.fields import integer, listed, text

__all__ = ["MOST_PODS", "MOST_ROWS", "Slots", "Stay"]

MOST_ROWS: Final = 4
"""ReplicaSets of one Deployment that each have a row of their own; with more, rows are used again."""
MOST_PODS: Final = 12
"""Pods of one workload at one time that are drawn one by one; with more, they are piled by state."""
_OWNERS: Final = ("ReplicaSet", "ReplicationController")


class Stay(NamedTuple):
    """A seat was somebody's from `start` to `end` seconds."""

    start: float
    end: float
    seat: str


class Slots(NamedTuple):
    """Rows of ReplicaSets and seats of Pods, by their uids (or names, where there is no uid).

    `crowded` names the workloads (by their Refs' text) whose Pods are too many to be drawn one by one.
    """

    rows: Mapping[str, tuple[Stay, ...]] = {}
    seats: Mapping[str, int] = {}
    many: frozenset[str] = frozenset()
    crowded: frozenset[str] = frozenset()

    @classmethod
    def of(cls, history: History, *, rows: int = MOST_ROWS, pods: int = MOST_PODS) -> Slots:
        """The slots of a History: `rows` and `pods` are what may be drawn one by one for each workload."""
        return _Seater(history, rows, pods).slots()

    def row(self, owner: Object, t: float) -> str | None:
        """The row of a ReplicaSet at a time; None while it has none: it is then one of the kept ones."""
        for stay in self.rows.get(_uid(owner), ()):
            if stay.start <= t < stay.end or (math.isinf(t) and math.isinf(stay.end)):
                return stay.seat
        return None

    def seat(self, pod: Object) -> int | None:
        """The number of a Pod's seat in its row, from 0; None for one that no ReplicaSet made."""
        return self.seats.get(_uid(pod))


def _uid(obj: Object) -> str:
    return text(obj, "metadata", "uid") or f"{text(obj, 'kind')}/{text(obj, 'metadata', 'name')}"


def _owner_uid(obj: Object) -> str:
    """The uid of what made the object, or the name where a manifest has no uids."""
    for owner in listed(obj, "metadata", "ownerReferences"):
        return text(owner, "uid") or f"{text(owner, 'kind')}/{text(owner, 'name')}"
    return ""


class _Seater:
    """Walks through a History once, giving the first free row and seat to whoever comes."""

    def __init__(self, history: History, most_rows: int, most_pods: int) -> None:
        self.history = history
        self.most_rows = most_rows
        self.most_pods = most_pods
        self.workload: dict[str, str] = {}  # a ReplicaSet's uid → its workload's key
        self.names: dict[str, Ref] = {}
        for event in self._events(_OWNERS):
            uid = _uid(event.object)
            self.names[uid] = _ref(event.object)
            self.workload[uid] = _owner_uid(event.object) or uid

    def _events(self, kinds: tuple[str, ...]) -> Iterator[Event]:
        found = [
            event
            for kind in kinds
            for ref in self.history.refs(kind)
            for event in self.history.versions(ref.kind, ref.name, ref.namespace)
        ]
        return iter(sorted(found, key=lambda e: e.t))

    def slots(self) -> Slots:
        sets: dict[str, int] = {}
        for key in self.workload.values():
            sets[key] = sets.get(key, 0) + 1
        many = {key for key, n in sets.items() if n > self.most_rows}
        rows = self._rows(many)
        seats, crowded = self._seats(rows)
        return Slots(rows, seats, frozenset(many), frozenset(crowded))

    def _rows(self, many: set[str]) -> dict[str, tuple[Stay, ...]]:
        """A row of its own for each ReplicaSet, or one that is used again where a workload has many."""
        rows: dict[str, list[Stay]] = {}
        free: dict[str, list[bool]] = {}
        taken: dict[str, int] = {}
        for t, uid, busy in self._busy():
            key = self.workload[uid]
            if key not in many:
                if uid not in rows:
                    rows[uid] = [
                        Stay(
                            -math.inf,
                            math.inf,
                            f"{self.names[uid].kind}/{self.names[uid].namespace}/{self.names[uid].name}",
                        )
                    ]
                continue
            places = free.setdefault(key, [])
            if busy and uid not in taken:
                number = taken[uid] = _first_free(places)
                rows.setdefault(uid, []).append(Stay(t, math.inf, f"row/{key}/{number}"))
            elif not busy and uid in taken:
                places[taken.pop(uid)] = True
                rows[uid][-1] = rows[uid][-1]._replace(end=t)
        return {uid: tuple(stays) for uid, stays in rows.items()}

    def _busy(self) -> list[tuple[float, str, bool]]:
        """When each ReplicaSet begins and ceases to want or have Pods."""
        wants: dict[str, int] = {}
        has: dict[str, set[str]] = {}
        found: list[tuple[float, str, bool]] = []
        for event in self._events((*_OWNERS, "Pod")):
            obj = event.object
            gone = event.type == "DELETED"
            if text(obj, "kind") == "Pod":
                uid = _owner_uid(obj)
                if uid not in self.workload:
                    continue
                (has.setdefault(uid, set()).discard if gone else has.setdefault(uid, set()).add)(_uid(obj))
            else:
                uid = _uid(obj)
                wants[uid] = 0 if gone else integer(obj, "spec", "replicas") or 0
            found.append((event.t, uid, bool(wants.get(uid) or has.get(uid))))
        return found

    def _seats(self, rows: Mapping[str, tuple[Stay, ...]]) -> tuple[dict[str, int], set[str]]:
        seats: dict[str, int] = {}
        places: dict[str, list[bool]] = {}
        home: dict[str, str] = {}
        there: dict[str, set[str]] = {}
        crowded: set[str] = set()
        for event in self._events(("Pod",)):
            pod, owner = _uid(event.object), _owner_uid(event.object)
            if owner not in self.workload:
                continue
            crowd = there.setdefault(self.workload[owner], set())
            if event.type == "DELETED":
                if pod in home:
                    places[home.pop(pod)][seats[pod]] = True
                crowd.discard(pod)
            elif pod not in seats:
                row = next((s.seat for s in rows.get(owner, ()) if s.start <= event.t < s.end), owner)
                seats[pod] = _first_free(places.setdefault(row, []))
                home[pod] = row
                crowd.add(pod)
            if len(crowd) > self.most_pods:
                crowded.add(self.workload[owner])
        return seats, crowded


def _first_free(places: list[bool]) -> int:
    """Take the first free place; there is always one more."""
    for number, is_free in enumerate(places):
        if is_free:
            places[number] = False
            return number
    places.append(False)
    return len(places) - 1


def _ref(obj: Object) -> Ref:
    return Ref(text(obj, "kind"), text(obj, "metadata", "name"), text(obj, "metadata", "namespace"))
