"""What the cluster held at one time: a History folded, with the objects found by kind, name, uid, owner and label."""

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from k8sviz.errors import K8svizError, nearest
from k8sviz.kinds import Ref, kind_named
from k8sviz.rules.fields import JSON, Object, mapping, text
from k8sviz.rules.meta import Key, owners_of, ref_of, uid_of
from k8sviz.rules.selectors import label_selector, labels_of, matches_all, parse_selector

if TYPE_CHECKING:
    from k8sviz.history import About, History

__all__ = ["Missing", "Snapshot"]

Missing = Literal["absent", "elsewhere", "unread"]


class Snapshot:
    """What the cluster held at one time: a fold of a History that never changes."""

    def __init__(self, history: "History", t: float, limit: int) -> None:
        self._history = history
        self._limit = limit
        self.t = t

    @property
    def about(self) -> "About":
        """What the History is a history of."""
        return self._history.about

    @property
    def history(self) -> "History":
        """The History that this is a moment of."""
        return self._history

    @property
    def notes(self) -> list[str]:
        """What is known to be missing from this picture (a truncated recording, a kind that may not be read)."""
        return list(self._history.notes)

    def missing(self, kind: str) -> Missing:
        """What it means that an object of this kind is not here: it does not exist, or nobody can tell."""
        if kind in self._history.unread:
            return "unread"
        return "elsewhere" if self._history.partial else "absent"

    def _state(self, key: Key) -> Object | None:
        return self._history.state_of(key, self.t, self._limit)

    def __iter__(self) -> Iterator[Object]:
        return iter(self.objects())

    def __len__(self) -> int:
        return len(self.objects())

    def __repr__(self) -> str:
        at = "now" if math.isinf(self.t) else f"{self.t:.1f} s"
        counts = sorted((kind, len(self.objects(kind))) for kind in self._history.kinds())
        return f"<Snapshot at {at}: " + ", ".join(f"{n} {kind}" for kind, n in counts if n) + ">"

    def objects(
        self, kind: str | None = None, *, namespace: str | None = None, selector: str | Mapping[str, Any] | None = None
    ) -> list[Object]:
        """Objects by kind (any of kubectl's names), namespace and label selector, sorted by namespace and name.

        `selector` is what `kubectl -l` takes, or a LabelSelector object. Cluster-scoped objects stay when a
        namespace is chosen.
        """
        if kind and kind not in self._history.kinds():
            kind = kind_named(kind).name
        wanted = parse_selector(selector) if isinstance(selector, str) else label_selector(selector)
        found = []
        for key in self._history.keys_of(kind or None):
            if namespace is not None and key.namespace not in ("", namespace):
                continue
            obj = self._state(key)
            if obj is None:
                continue
            if selector is not None and (wanted is None or not matches_all(wanted, labels_of(obj))):
                continue
            found.append(obj)
        return found

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object by kind (any of kubectl's names) and name, or None. No namespace: the History's own, then any."""
        keys = self._history.keys_named(kind, name)
        if namespace is not None:
            keys = [k for k in keys if k.namespace in ("", namespace)]
        else:
            keys = sorted(keys, key=lambda k: k.namespace != self.about.namespace)
        return next((obj for key in keys if (obj := self._state(key)) is not None), None)

    def find(self, ref: Ref) -> Object | None:
        """One object by its Ref, or None."""
        return self.get(ref.kind, ref.name, ref.namespace or None)

    def require(self, ref: Ref) -> Object:
        """One object by its Ref. Raises K8svizError that says when it was there, or names the nearest."""
        obj = self.find(ref)
        if obj is not None:
            return obj
        events = self._history.versions(ref.kind, ref.name, ref.namespace or None)
        if events:
            gone = [e.t for e in events if e.type == "DELETED"]
            until = f" to {gone[-1]:.1f} s" if gone else ""
            when = "now" if math.isinf(self.t) else f"at {self.t:.1f} s"
            raise K8svizError(f"{ref} is not there {when}; it was from {events[0].t:.1f} s{until}")
        names = [r.name for r in self._history.refs(ref.kind)]
        raise K8svizError(f"no {ref} here; {nearest(ref.name, names)}")

    def by_uid(self, uid: str) -> Object | None:
        """The object with that uid, or None (also when another of the same name has replaced it)."""
        key = self._history.key_of_uid(uid)
        obj = self._state(key) if key else None
        return obj if obj is not None and uid_of(obj) == uid else None

    def owner(self, obj: JSON) -> Object | None:
        """The controller that owns this object, or its first owner, if it is known."""
        for owner in owners_of(obj):
            found = self.by_uid(text(owner, "uid"))
            if found is None and not text(owner, "uid"):  # a manifest has no uids: names must do
                found = self.get(text(owner, "kind"), text(owner, "name"), ref_of(obj).namespace)
            if found is not None:
                return found
        return None

    @cached_property
    def _children(self) -> dict[str, list[Object]]:
        children: dict[str, list[Object]] = {}
        for obj in self.objects():
            for uid in {text(owner, "uid") for owner in owners_of(obj)} - {""}:
                children.setdefault(uid, []).append(obj)
        return children

    def owned(self, obj: JSON, kind: str | None = None) -> list[Object]:
        """The objects that name this one as an owner."""
        found = self._children.get(uid_of(obj), [])
        wanted = kind and self._history.kind(kind)
        return [o for o in found if kind is None or o.get("kind") == wanted]

    @cached_property
    def _events(self) -> dict[Ref, list[Object]]:
        found: dict[Ref, list[Object]] = {}
        for event in self.objects("Event"):
            it = _about(event)
            ref = Ref(text(it, "kind"), text(it, "name"), text(it, "namespace"))
            found.setdefault(ref, []).append(event)
        return found

    def events(self, obj: JSON) -> list[Object]:
        """The Events about an object, newest first; those about an earlier object of the same name left out."""
        uid = uid_of(obj)
        found = self._events.get(ref_of(obj), [])
        mine = [e for e in found if not uid or text(_about(e), "uid") in ("", uid)]
        return sorted(mine, key=_event_time, reverse=True)


def _about(event: JSON) -> JSON:
    return mapping(event, "involvedObject") or mapping(event, "regarding")


def _event_time(event: Object) -> str:
    """Its newest time; without the Z, since a second and its fractions then sort as they should."""
    places = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("firstTimestamp",))
    times = (text(event, *place) for place in (*places, ("metadata", "creationTimestamp")))
    return next((time for time in times if time), "").removesuffix("Z")
