"""What all controllers share: a work queue on the cluster's clock, owners, and conditions.

A controller is told of every change, notes which object it has to look at, and looks at it a little later; many
changes in that time are one look. It asks `rules/` what to do and writes through the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from k8sviz.cluster.refused import Refused
from k8sviz.rules.fields import listed, mapping, text

if TYPE_CHECKING:
    from k8sviz.cluster.clock import Timer
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.history import Object

__all__ = ["Controller", "Key", "claim_reference", "key_of", "owner_reference", "replaced", "without_owner"]

Key = tuple[str, ...]  # namespace and name
_FIRST_RETRY = 0.005
_LONGEST_RETRY = 1000.0


def key_of(obj: Mapping[str, Any]) -> Key:
    """An object's namespace and name."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Controller:
    """A work queue: `_seen` says what to look at, `_sync` looks.

    A look that the API refuses comes again, each time after twice as long, as client-go's rate limiter has it.
    """

    delay: ClassVar[float] = 0.01  # seconds from a change to the look, as in the recordings

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.api = cluster.api
        self.clock = cluster.clock
        self._due: dict[Key, Timer] = {}
        self._failures: dict[Key, int] = {}

    def seen(self, change: str, obj: Object) -> None:
        """Something changed: ADDED, MODIFIED or DELETED."""
        self._seen(change, obj)

    def sync(self, key: Key) -> None:
        """Look at one object and do what is to do now. Raises Refused when the API did not do it."""
        self._sync(key)

    def _seen(self, change: str, obj: Object) -> None:
        raise NotImplementedError

    def _sync(self, key: Key) -> None:
        raise NotImplementedError

    def enqueue(self, key: Key, after: float | None = None, *, background: bool = False) -> None:
        """Look at an object after that many seconds (None: soon), or when it is due already if that is earlier."""
        wait = self.delay if after is None else after
        due = self._due.get(key)
        if due is not None:
            sooner = due.time <= self.clock.now + wait
            if sooner and (background or not due.background):
                return
            due.cancel()
            wait = min(wait, due.time - self.clock.now)
        self._due[key] = self.clock.later(wait, lambda: self._work(key), background=background)

    @property
    def now(self) -> float:
        """Now in seconds since 1970, finer than a stamp."""
        return self.clock.start.timestamp() + self.clock.now

    def _work(self, key: Key) -> None:
        self._due.pop(key, None)
        try:
            self.sync(key)
        except Refused:
            count = self._failures[key] = self._failures.get(key, 0) + 1
            wait = min(_FIRST_RETRY * 2 ** min(count - 1, 30), _LONGEST_RETRY)
            self.enqueue(key, wait, background=wait > 1)
        else:
            self._failures.pop(key, None)


# -- objects -----------------------------------------------------------------------------------------


def replaced(obj: Object, *path: str, value: Any) -> Object:
    """The object with another value at this path; None takes the field away. The object itself is not changed.

    >>> replaced({"a": {"b": 1, "c": 2}}, "a", "b", value=3), replaced({"a": {"b": 1}}, "a", "b", value=None)
    ({'a': {'b': 3, 'c': 2}}, {'a': {}})
    """
    first, *rest = path
    if rest:
        value = replaced(dict(mapping(obj, first)), *rest, value=value)
    if value is None:
        return {key: kept for key, kept in obj.items() if key != first}
    return {**obj, first: value}


def owner_reference(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The ownerReferences entry of a controller (metav1.NewControllerRef)."""
    return {
        "apiVersion": text(owner, "apiVersion"),
        "kind": text(owner, "kind"),
        "name": text(owner, "metadata", "name"),
        "uid": text(owner, "metadata", "uid"),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def claim_reference(claim: Object) -> dict[str, Any]:
    """What a volume's claimRef says of its claim."""
    meta = claim["metadata"]
    return {
        "kind": "PersistentVolumeClaim",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": "v1",
        "resourceVersion": meta["resourceVersion"],
    }


def without_owner(obj: Object, uid: str) -> Object:
    """The object without the owner of this uid."""
    kept = [ref for ref in listed(obj, "metadata", "ownerReferences") if text(ref, "uid") != uid]
    return replaced(obj, "metadata", "ownerReferences", value=kept or None)
